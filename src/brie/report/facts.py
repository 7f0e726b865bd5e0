"""An analysis as the rows that pages, Markdown and figures print: chosen once, written thrice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from brie.checks.margins import by_numbers_alone, letter_words
from brie.conventions import FEWEST_PROMPTS
from brie.number_format import (
    dollars,
    drifted,
    number,
    p_value,
    percent,
    plural,
    span,
)
from brie.records import WORST_FIRST, Check, Manifest, estimates, kind_of
from brie.records.analysis import Analysis, Cost
from brie.records.estimates import Outcomes, WinRate
from brie.records.judges import JudgeNumbers
from brie.report.clean import one_line
from brie.report.curve import Curve, notes
from brie.report.panel import judge_kinds

FEW = (
    f"With fewer than {FEWEST_PROMPTS} prompts the interval is a betting interval: wide, but it holds "
    "for any number."
)
LENGTHS = (
    "Thirds of the prompts, by their own length and by that of the baseline's answers. The edges come "
    "from lengths alone, not from verdicts; but how long answers are is known only once they are made, "
    "so parts by answers were chosen after the fact. The adjusted p is over all of these parts."
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
    entries = [
        (entry, _judge_row(name, entry, kinds, analysis)) for name, entry in analysis.by_judge.items()
    ]
    judges = tuple(row for entry, row in entries if not entry.instrument)
    instruments = tuple(row for entry, row in entries if entry.instrument)
    word = "Rule" if kinds and set(kinds.values()) == {"rule"} else "Judge"
    rows = [
        Group("judges", f"By {word.lower()}", word, judges),
        Group("categories", "By category", "Category", _rows(analysis, "by_category")),
        Group("sources", "By source of the prompts", "Source", _rows(analysis, "by_source")),
        Group("lengths", "By length of prompts and of answers", "Length", _by_length(analysis), LENGTHS),
        Group("training", "Seen in training or not", "Prompts", _rows(analysis, "by_training")),
        Group("controls", "Controls: the answer is known", "Control", _controls(analysis)),
        Group(
            "instruments", "Instruments: what a simple habit would have said", "Instrument", instruments
        ),
    ]
    return [group for group in rows if _worth_showing(group)]


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
    """Position, letter and layout effects of the whole panel, and those of the order of the criteria,
    where they were computed."""
    named = (
        ("position", "Standing first", "points gained by the answer shown first"),
        ("label", "Being called A", "points gained by the letter A"),
        ("layout", "A shown first", "points gained where the first answer carries A"),
    )
    measured = {"position": analysis.position, "label": analysis.label, "layout": analysis.layout}
    raw = ", in raw letters, which are no outcomes" if by_numbers_alone(analysis) else ""
    return [
        _effect(title, f"{meaning}{raw}", measured[key], analysis.notes.get(key, ""))
        for key, title, meaning in named
        if key in analysis.model_fields_set
    ] + [
        _effect(f"Criteria {name.replace('-', ', not ')}", _READ, effect, "")
        for name, effect in (analysis.criteria_order.effects if analysis.criteria_order else {}).items()
    ]


_READ = "points that the rate is higher with the criteria in the first of these orders"


def flip_rate(analysis: Analysis) -> float | None:
    """Share of comparisons whose winner changes when the sides are exchanged; None: nothing can."""
    if by_numbers_alone(analysis):
        return None
    return analysis.position.flip_rate if analysis.position else None


def tastes(analysis: Analysis) -> list[tuple[str, list[Effect]]]:
    """Judge -> its own position and letter effects, for judges of words that are no instrument."""
    judges: list[tuple[str, list[Effect]]] = []
    for name, judge in analysis.by_judge.items():
        has_both = {"position", "label"} <= judge.model_fields_set
        if has_both and not (judge.instrument or judge.margins):
            both = (("position", judge.position), ("label", judge.label))
            liked = [
                _effect(key, "", effect, _note(analysis, f"by_judge.{name}.{key}"))
                for key, effect in both
            ]
            judges.append((one_line(name, 80), liked))
    return judges


def answers(analysis: Analysis) -> list[tuple[str, str, str]]:
    """Measure of the answers -> candidate's and baseline's value, in words."""
    sides = [analysis.generation.get(side, {}) for side in ("candidate", "baseline")]
    names = list(dict.fromkeys(name for side in sides for name in side if name != "answers"))
    candidate, baseline = sides
    return [
        (_measure(name), _amount(name, candidate.get(name)), _amount(name, baseline.get(name)))
        for name in names
    ]


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


def reasons(analysis: Analysis) -> list[tuple[str, str]]:
    """Why something is not shown: path of the quantity and the reason, sorted."""
    return sorted(analysis.notes.items())


def _controls(analysis: Analysis) -> tuple[Row, ...]:
    """Comparisons with a known answer, each with what came out and whether that is as it should be."""
    names = {"aa": "The baseline against itself", "damaged": "The baseline against a damaged copy"}
    parts = {"aa": analysis.controls.aa, "damaged": analysis.controls.damaged}
    return tuple(
        _row(name, part.win_rate, None, _outcome(key, part.win_rate))
        for key, name in names.items()
        if (part := parts[key]) is not None
    )


def _outcome(control: str, rate: WinRate | None) -> str:
    low, high = (rate.ends if rate else None) or (0.0, 1.0)
    side = int(low > 0.5) - int(high < 0.5)
    if control == "aa":
        return "not even, which it should be" if side else "even, as it should be"
    words = {1: "recognised, as it should be", -1: "the damaged copy was preferred"}
    return words.get(side, "not shown to be recognised: the interval contains 50")


def _rows(
    analysis: Analysis, key: Literal["by_category", "by_source", "by_training"]
) -> tuple[Row, ...]:
    slices = {
        "by_category": analysis.by_category,
        "by_source": analysis.by_source,
        "by_training": analysis.by_training,
    }[key]
    rows = []
    for name, part in slices.items():
        least = part.win_rate is not None and part.win_rate.p_at_most
        p = (
            f"adjusted p {p_value(part.p_adjusted, at_most=least)}"
            if part.p_adjusted is not None
            else ""
        )
        note = _note(analysis, f"{key}.{name}") or (p if key == "by_category" else "")
        rows.append(_row(name, part.win_rate, part.outcomes, note))
    return tuple(rows)


def _by_length(analysis: Analysis) -> tuple[Row, ...]:
    rows = []
    for name, part in analysis.by_length.items():
        size, least = name.partition("_")[2], part.win_rate is not None and part.win_rate.p_at_most
        edges = f"over {number(part.over)} to " if part.over is not None else "up to "
        note = f"{edges}{number(part.up_to)} {part.unit}"
        if part.p_adjusted is not None:
            note = f"adjusted p {p_value(part.p_adjusted, at_most=least)}, {note}"
        note = _note(analysis, f"by_length.{name}") or note
        rows.append(_row(f"{size} {part.of}s", part.win_rate, part.outcomes, note))
    return tuple(rows)


def _row(name: str, rate: WinRate | None, outcomes: Outcomes | None, note: str) -> Row:
    low, high = (rate.ends if rate else None) or (None, None)
    return Row(
        name=one_line(name, 80),
        value=rate.value if rate else None,
        low=low,
        high=high,
        n=rate.prompts if rate else None,
        note=note,
        outcomes=outcomes,
    )


def _judge_row(name: str, judge: JudgeNumbers, kinds: Mapping[str, str], analysis: Analysis) -> Row:
    words = {"rule": "rule-based", "person": "human votes"}
    only_rules = set(kinds.values()) == {"rule"}  # the heading says it
    marks = ["" if only_rules else words.get(kinds.get(name, ""), "")]
    if judge.instrument:
        marks = ["not counted"]
    elif kind_of(judge.provider) == "person" and judge.added:
        marks.append("beside the headline")
        return _row(name, judge.win_rate, judge.outcomes, "; ".join(marks))
    elif judge.added:
        marks.append("added after the plan was fixed, not counted")
    unusable = {
        "invalid": judge.invalid, "refused": judge.refused, "errors": judge.error,
        "missing": judge.missing,
    }  # fmt: skip
    marks += [f"{count:,} {word}" for word, count in unusable.items() if count]
    if judge.consistency and judge.consistency.same:
        marks.append(f"asked again, the same {again_words(judge.consistency.same)}")
    if judge.drift:
        marks.append(f"asked again {judge.drift.at[:10]}: {drifted(judge.drift)}")
    if judge.contradictions:
        marks.append(f"{judge.contradictions:,} of {judge.scored:,} winners against its own scores")
    if judge.margins:
        marks.append(letter_words(judge.margins))
    marks += [_note(analysis, f"by_judge.{name}")]
    return _row(name, judge.win_rate, judge.outcomes, "; ".join(mark for mark in marks if mark))


def again_words(same: estimates.Estimate) -> str:
    """How often a judge that is asked again says the same."""
    ends = f" ({span(same.low, same.high)})" if same.low is not None and same.high is not None else ""
    return f"{percent(same.value)}{ends}"


def cost_words(cost: Cost) -> str:
    """What judging cost: calls are verdicts that were asked for, requests what was sent for them."""
    words = f"{dollars(cost.usd)}, {plural(cost.calls, 'verdict')} asked for"
    if cost.requests and cost.requests != cost.calls:
        words += f" in {plural(cost.requests, 'request')}"
    words += f", instruments and controls included; {cost.reused:,} reused"
    if cost.lost:
        words += f"; {dollars(cost.lost_usd)} of it for {plural(cost.lost, 'call')} of killed processes"
    return words


def _note(analysis: Analysis, path: str) -> str:
    return analysis.notes.get(path) or analysis.notes.get(f"{path}.win_rate", "")


def _effect(name: str, meaning: str, estimated: estimates.Effect | None, note: str) -> Effect:
    if estimated is not None and estimated.identified and estimated.effect is not None:
        # Resampled effects may pass the end of their scale; no answer gains more than 100 points.
        low = None if estimated.low is None else max(estimated.low, -1.0)
        high = None if estimated.high is None else min(estimated.high, 1.0)
        return Effect(name, estimated.effect, low, high, meaning)
    by_design = estimated is not None and not estimated.identified
    why = "this design cannot tell" if by_design else "not known"
    return Effect(name, None, None, None, meaning, note or why)


def _worth_showing(group: Group) -> bool:
    """One row only repeats the headline, except for judges, who must always be named."""
    return bool(group.rows) and (
        group.id in {"judges", "instruments", "controls"} or len(group.rows) > 1
    )
