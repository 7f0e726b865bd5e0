"""An analysis as the rows that pages, Markdown and figures print: chosen once, written thrice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brie.conventions import FEWEST_PROMPTS
from brie.number_format import number, p_value, percent
from brie.records import WORST_FIRST, Check, Manifest, kind_of
from brie.records.analysis import Analysis, Outcomes
from brie.report.clean import one_line
from brie.report.curve import Curve, notes
from brie.report.panel import judge_kinds

FEW = (
    f"With fewer than {FEWEST_PROMPTS} prompts the interval is a betting interval: wide, but it holds "
    "for any number."
)
SHARES = {"truncated", "empty", "repetition", "refusal"}
"""Measures that are shares of answers; others are means."""
STATUS_WORDS = {"fail": "Fails", "warn": "Warning", "not_run": "Not run", "pass": "Passes"}
STATUS_MARKS = {"fail": "✕", "warn": "!", "not_run": "–", "pass": "✓"}


@dataclass(frozen=True)
class Row:
    """One line of a forest plot: a rate with its interval and its n."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    """Prompts."""
    note: str = ""
    outcomes: Outcomes | None = None


@dataclass(frozen=True)
class Group:
    """Rows of one kind: judges, categories or sources."""

    id: str
    title: str
    head: str
    rows: tuple[Row, ...]
    about: str = ""
    """What these intervals are, where they are no ordinary ones."""

    @property
    def remark(self) -> str:
        """What a reader of the intervals must know."""
        return self.about or (
            FEW
            if any(
                row.n is not None and row.n < FEWEST_PROMPTS and row.low is not None for row in self.rows
            )
            else ""
        )


@dataclass(frozen=True)
class Effect:
    """A bias in points around zero."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    meaning: str
    note: str = ""


def groups(analysis: Analysis, manifest: Manifest | None = None) -> list[Group]:
    """The forest plot: by judge, by category, by source; empty groups are left out."""
    kinds = judge_kinds(analysis, manifest)
    judges = tuple(_judge_row(name, entry, kinds, analysis) for name, entry in analysis.by_judge.items())
    word = "Rule" if kinds and set(kinds.values()) == {"rule"} else "Judge"
    found = [
        Group("judges", f"By {word.lower()}", word, judges),
        Group("categories", "By category", "Category", _rows(analysis, "by_category", "adjusted p")),
        Group("sources", "By source of the prompts", "Source", _rows(analysis, "by_source")),
        Group("training", "Seen in training or not", "Prompts", _rows(analysis, "by_training")),
        Group("controls", "Controls: the answer is known", "Control", _controls(analysis)),
    ]
    return [group for group in found if _worth_showing(group)]


def curve_group(curve: Curve, analysis: Analysis) -> Group:
    """The win rate of every checkpoint of the run, step by step."""
    rows = tuple(
        Row(
            f"Step {rung.step:,}", rung.value, rung.low, rung.high, rung.prompts,
            notes(curve, rung, analysis.candidate.step),
        )
        for rung in sorted(curve.checkpoints, key=lambda rung: rung.step)
    )  # fmt: skip
    about = (
        f"Every checkpoint against the same base, on {one_line(curve.prompts)}. These intervals hold "
        "together (max-T), so the best of many is not flattered; validation loss chooses the "
        "checkpoint, this table does not."
    )
    return Group("curve", "Over training steps", "Checkpoint", rows, about)


def checks_worst_first(analysis: Analysis) -> list[Check]:
    """Checks ordered fail, warn, not run, pass; inside a status as they came."""
    return sorted(analysis.checks, key=lambda check: WORST_FIRST[check.status])


def effects(analysis: Analysis) -> list[Effect]:
    """Position, letter and layout effects of the whole panel, where they were computed."""
    named = (
        ("position", "Standing first", "points gained by the answer shown first"),
        ("label", "Being called A", "points gained by the letter A"),
        ("layout", "A shown first", "points gained where the first answer carries A"),
    )
    fields = analysis.model_fields_set
    return [
        _effect(title, meaning, getattr(analysis, key), analysis.notes.get(key, ""))
        for key, title, meaning in named
        if key in fields
    ]


def flip_rate(analysis: Analysis) -> float | None:
    """Share of comparisons whose winner changes when the sides are exchanged."""
    value = (analysis.position or {}).get("flip_rate")
    return value if value is None or isinstance(value, int | float) else value.get("value")


def tastes(analysis: Analysis) -> list[tuple[str, list[Effect]]]:
    """Judge -> its own position and letter effects, for judges that have both."""
    found: list[tuple[str, list[Effect]]] = []
    for name, entry in analysis.by_judge.items():
        if "position" in entry and "label" in entry:
            own = [
                _effect(key, "", entry[key], _note(analysis, f"by_judge.{name}.{key}"))
                for key in ("position", "label")
            ]
            found.append((one_line(name, 80), own))
    return found


def panel_agreement(analysis: Analysis) -> list[str]:
    """What the panel as a whole agrees on, in sentences."""
    panel = (analysis.agreement or {}).get("panel") or {}
    alpha, gain = estimate(panel.get("alpha")), estimate(panel.get("precision_gain"))
    unanimous = estimate(panel.get("unanimous"))
    said = []
    if alpha:
        ends = f" ({alpha[1]:.2f} to {alpha[2]:.2f})" if alpha[1] is not None else ""
        said.append(f"Krippendorff's alpha of the panel is {alpha[0]:.2f}{ends}.")
    if unanimous:
        said.append(f"The judges were unanimous in {percent(unanimous[0])} of shown pairs.")
    if gain:
        said.append(
            f"Together they narrow the interval like {gain[0]:.1f} judges would; "
            "that says nothing about validity."
        )
    return said


def answers(analysis: Analysis) -> list[tuple[str, str, str]]:
    """Measure of the answers -> candidate's and baseline's value, in words."""
    sides = [analysis.generation.get(side, {}) for side in ("candidate", "baseline")]
    names = list(dict.fromkeys(name for side in sides for name in side if name != "answers"))
    return [(_measure(name), *(_amount(name, side.get(name)) for side in sides)) for name in names]  # type: ignore[misc]


def _measure(name: str) -> str:
    words = {
        "truncated": "cut off at the token limit",
        "empty": "empty",
        "tokens": "tokens an answer, mean",
        "repetition": "repeated word groups",
        "refusal": "opens like a refusal",
        "special_tokens": "leaked special tokens an answer",
    }
    return words.get(name, name.replace("_", " "))


def _amount(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return percent(value) if name in SHARES else number(value)


def estimate(entry: Any) -> tuple[float, float | None, float | None] | None:
    """Value and interval of an estimate in a document, whatever its exact form."""
    if isinstance(entry, int | float):
        return float(entry), None, None
    if not isinstance(entry, Mapping) or entry.get("value") is None:
        return None
    low, high = entry.get("low"), entry.get("high")
    if low is None and entry.get("betting_interval"):
        low, high = entry["betting_interval"]
    return float(entry["value"]), low, high


@dataclass(frozen=True)
class AgreementCell:
    """How far two judges agree."""

    kappa: tuple[float, float | None, float | None] | None
    percent: tuple[float, float | None, float | None] | None
    n: int | None

    @property
    def shade(self) -> int:
        """0 to 4, for the heat map."""
        return 0 if self.kappa is None else min(4, max(0, int(self.kappa[0] * 5)))


@dataclass(frozen=True)
class AgreementSquare:
    """Judges by judges; None on the diagonal and where two judges share no comparison."""

    names: list[str]
    rows: list[list[AgreementCell | None]]


def agreement_square(agreement: Mapping[str, Any] | None) -> AgreementSquare | None:
    """The pairs of an agreement analysis as a square; None where there are none."""
    pairs = (agreement or {}).get("pairs") or []
    if not pairs:
        return None
    names = list(dict.fromkeys(name for pair in pairs for name in pair["judges"]))
    cells: dict[tuple[str, str], AgreementCell] = {}
    for pair in pairs:
        cell = AgreementCell(estimate(pair.get("kappa")), estimate(pair.get("percent")), pair.get("n"))
        one, two = pair["judges"]
        cells[one, two] = cells[two, one] = cell
    return AgreementSquare(names, [[cells.get((row, column)) for column in names] for row in names])


def people_agreement(analysis: Analysis) -> list[tuple[str, str, AgreementCell]]:
    """Voter, judge, and how far the two agree on the comparisons the voter voted on."""
    return [
        (
            one_line(voter, 80),
            one_line(pair["judges"][1], 80),
            AgreementCell(estimate(pair.get("kappa")), estimate(pair.get("percent")), pair.get("n")),
        )
        for voter, entry in analysis.by_judge.items()
        for pair in entry.get("agreement") or ()
    ]


def reasons(analysis: Analysis) -> list[tuple[str, str]]:
    """Why something is not shown: path of the quantity and the reason, sorted."""
    return sorted(analysis.notes.items())


def _controls(analysis: Analysis) -> tuple[Row, ...]:
    words = {
        "aa": ("The baseline against itself", "other samples; should be near 50"),
        "damaged": ("The baseline against a damaged copy", "should be far above 50"),
    }
    return tuple(
        _row(name, analysis.controls[key], note)
        for key, (name, note) in words.items()
        if isinstance(analysis.controls.get(key), Mapping)
    )


def _rows(analysis: Analysis, key: str, p_words: str = "") -> tuple[Row, ...]:
    entries: dict[str, dict[str, Any]] = getattr(analysis, key)
    rows = []
    for name, entry in entries.items():
        adjusted = entry.get("p_adjusted")
        p = f"{p_words} {p_value(adjusted)}" if p_words and adjusted is not None else ""
        rows.append(_row(name, entry, _note(analysis, f"{key}.{name}") or p))
    return tuple(rows)


def _row(name: str, entry: Mapping[str, Any], note: str) -> Row:
    rate = entry.get("win_rate")
    found = estimate(rate)
    value, low, high = found or (None, None, None)
    sizes = {**entry, **(rate if isinstance(rate, Mapping) else {})}
    outcomes = entry.get("outcomes")
    return Row(
        name=one_line(name, 80),
        value=value,
        low=low,
        high=high,
        n=sizes.get("prompts", sizes.get("n")),
        note=note,
        outcomes=Outcomes.model_validate(outcomes) if outcomes else None,
    )


def _judge_row(name: str, entry: Mapping[str, Any], kinds: Mapping[str, str], analysis: Analysis) -> Row:
    words = {"rule": "rule-based", "person": "human votes"}
    marks = [words.get(kinds.get(name, ""), "")]
    if entry.get("instrument"):
        marks = [f"{marks[0]} instrument, not counted".strip()]
    elif kind_of(entry.get("provider")) == "person" and entry.get("added"):
        marks.append("beside the headline")
        return _row(name, entry, "; ".join(marks))
    elif entry.get("added"):
        marks.append("added after the plan was fixed, not counted")
    marks += [f"{entry['invalid']} invalid"] if entry.get("invalid") else []
    marks += [_note(analysis, f"by_judge.{name}")]
    return _row(name, entry, "; ".join(mark for mark in marks if mark))


def _note(analysis: Analysis, path: str) -> str:
    return analysis.notes.get(path) or analysis.notes.get(f"{path}.win_rate", "")


def _effect(name: str, meaning: str, entry: Any, note: str) -> Effect:
    if isinstance(entry, Mapping) and entry.get("identified", True) and entry.get("effect") is not None:
        return Effect(name, entry["effect"], entry.get("low"), entry.get("high"), meaning)
    return Effect(name, None, None, None, meaning, note or "this design cannot tell")


def _worth_showing(group: Group) -> bool:
    """One row only repeats the headline, except for judges, who must always be named."""
    return bool(group.rows) and (group.id in {"judges", "controls"} or len(group.rows) > 1)
