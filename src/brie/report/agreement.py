"""What the agreement report says, as one object: the page and its Markdown print this and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from brie.number_format import counted, listed, percent
from brie.records import kind_of
from brie.records.analysis import ComparisonView, Outcomes
from brie.report.agreement_words import (
    REASONS,
    Tendency,
    beyond,
    lead,
    panel_sentences,
    quoted,
    reward_sentences,
    tendencies,
)
from brie.report.clean import one_line
from brie.report.examples import Example
from brie.report.facts import AgreementSquare, agreement_square, estimate
from brie.report.page import ShownExample, show
from brie.report.panel import Panel

COEFFICIENTS = (
    ("percent", "Same verdict", "share of comparisons"),
    ("kappa", "Cohen's kappa", "beyond each judge's own base rates"),
    ("alpha", "Krippendorff's alpha", "beyond the pooled base rates"),
    ("alpha_ordinal", "Alpha, ordinal", "win against loss is further than against tie"),
    ("ac1", "Gwet's AC1", "stays high where one verdict dominates"),
)
"""Key, name and meaning of each coefficient, in the order they are shown."""
OUTCOMES = ("win", "tie", "loss")
OPEN_PAIRS = 6
"""Pairs shown in full at once; the others are folded away."""
NAME = 60


@dataclass(frozen=True)
class Coefficient:
    """One coefficient with its interval, or the reason there is none."""

    name: str
    meaning: str
    value: float | None
    low: float | None
    high: float | None
    note: str = ""
    share: bool = False
    """A plain share: 0 is not chance."""


@dataclass(frozen=True)
class BaseRate:
    """How often a judge says win, tie and loss, each with its interval where there is one."""

    judge: str
    shares: tuple[tuple[float, float | None, float | None], ...]


@dataclass(frozen=True)
class Pair:
    """Two judges: coefficients, base rates, and what one said where the other said something."""

    title: str
    one: str
    two: str
    n: int
    prompts: int
    coefficients: tuple[Coefficient, ...]
    rates: tuple[BaseRate, ...]
    confusion: tuple[tuple[str, tuple[int, ...]], ...]
    """What the first judge said -> counts of what the second said; win, tie, loss."""


@dataclass(frozen=True)
class Category:
    """The panel (or the only pair) on the prompts of one category."""

    name: str
    prompts: int
    coefficients: tuple[Coefficient, ...]


@dataclass(frozen=True)
class Self:
    """How a judge agrees with itself."""

    judge: str
    again: Coefficient
    """Asked twice in the same order."""
    asked: int
    exchanged: float | None
    """Share of comparisons whose winner stays when the answers are exchanged."""


@dataclass(frozen=True)
class AgreementPage:
    """The report, in the order of the page."""

    title: str
    sentence: str
    beyond: str
    """What the agreement is worth after chance is taken off."""
    caveats: list[str]
    facts: list[tuple[str, str]]
    square: AgreementSquare | None
    panel: tuple[Coefficient, ...]
    panel_said: list[str]
    pairs: tuple[Pair, ...]
    categories: tuple[Category, ...]
    outcomes: tuple[tuple[str, str, Outcomes], ...]
    """Judge, its role, its verdicts."""
    rewards: list[str]
    tendencies: tuple[Tendency, ...]
    selves: tuple[Self, ...]
    examples: tuple[ShownExample, ...]
    evaluations: tuple[Mapping[str, Any], ...]
    notes: list[tuple[str, str]]
    floor: float
    """Left end of the scale the coefficients are drawn on: 0, -0.5 or -1."""


def build_agreement_page(
    found: Mapping[str, Any], disagreements: Sequence[ComparisonView]
) -> AgreementPage:
    """The content; a pure function of the document and of the comparisons to be read.

    Args:
        found: a `brie.agreement/1` document.
        disagreements: the comparisons judges disagree on most.
    """
    agreement, notes = found["agreement"], found["notes"]
    pairs = tuple(_pair(entry, notes) for entry in _lowest_first(agreement["pairs"], found["who"]))
    panel = _coefficients(agreement["panel"] or {}, notes, "agreement.panel")
    categories = tuple(_categories(agreement["by_category"], notes))
    return AgreementPage(
        title=_title(found),
        sentence=lead(found),
        beyond=beyond(found),
        caveats=_caveats(found),
        facts=_facts(found),
        square=_square(found) if len(pairs) > 1 else None,
        panel=panel if len(pairs) > 1 else (),
        panel_said=panel_sentences(found),
        pairs=pairs,
        categories=categories,
        outcomes=tuple(_outcomes(found)),
        rewards=reward_sentences(found),
        tendencies=tendencies(found),
        selves=tuple(_selves(found)),
        examples=tuple(_examples(found, disagreements)),
        evaluations=tuple(found["evaluations"]),
        notes=sorted(notes.items()),
        floor=_floor([c for group in (panel, *(p.coefficients for p in pairs),
                                      *(c.coefficients for c in categories)) for c in group]),
    )  # fmt: skip


def role_words(who: Mapping[str, Any]) -> str:
    """What a judge is to the headline."""
    rule = "rule" if kind_of(who.get("provider")) == "rule" else ""
    beside = {
        "beside": "beside the headline, not counted in it",
        "stopped": "stopped, and therefore not in the headline",
    }.get(str(who.get("role")), "")
    return ", ".join(word for word in (rule, beside) if word)


def _title(found: Mapping[str, Any]) -> str:
    evaluations = found["evaluations"]
    if len(evaluations) > 1:
        return f"{counted(len(evaluations))} evaluations"
    one = evaluations[0]
    return f"{one_line(one['candidate'], NAME)} against {one_line(one['baseline'], NAME)}"


def _facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    panel = found["agreement"]["panel"] or {}
    in_panel = [name for name, who in found["who"].items() if who["role"] == "panel"]
    beside = len(found["judges"]) - len(in_panel)
    rows = [
        ("Judges of the panel", str(len(in_panel))),
        ("Beside it", str(beside) if beside else ""),
        ("Prompts", f"{found['prompts']:,}"),
        ("Comparisons with two verdicts", f"{panel['n']:,}" if panel else ""),
        ("Same verdict by all", percent(panel["unanimous"]) if panel else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _caveats(found: Mapping[str, Any]) -> list[str]:
    said = ["Agreement is not validity: judges that share an error agree perfectly about it."]
    beside = [name for name, who in found["who"].items() if who["role"] != "panel"]
    counted_in = len(found["judges"]) - len(beside)
    if beside and counted_in >= 2:
        names = listed([quoted(name) for name in beside])
        stand = "stands" if len(beside) == 1 else "stand"
        said.append(f"{names} {stand} beside the headline: in the pairs, not in the panel's figures.")
    elif beside:
        said.append(
            "The headline has one judge, so the panel's figures count rules or added judges too: "
            "they show what the judge resembles, not how far judges can be trusted."
        )
    return [*said, *(f"Careful: {warning}." for warning in found["warnings"])]


def _lowest_first(
    pairs: Sequence[Mapping[str, Any]], who: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The panel's own pairs first, and of them those that agree least; without a kappa last."""

    def key(pair: Mapping[str, Any]) -> tuple[bool, bool, float]:
        beside = any(who[name]["role"] != "panel" for name in pair["judges"])
        return beside, pair["kappa"] is None, (pair["kappa"] or {}).get("value", 0.0)

    return sorted(pairs, key=key)


def _square(found: Mapping[str, Any]) -> AgreementSquare | None:
    """Every pair, the panel's judges first."""
    place = {name: index for index, name in enumerate(found["judges"])}
    pairs = [
        {**p, "judges": sorted(p["judges"], key=place.__getitem__)} for p in found["agreement"]["pairs"]
    ]
    return agreement_square({"pairs": sorted(pairs, key=lambda p: [place[n] for n in p["judges"]])})


def _pair(entry: Mapping[str, Any], notes: Mapping[str, str]) -> Pair:
    one, two = entry["judges"]
    order = [entry["outcomes"].index(outcome) for outcome in OUTCOMES]
    table = entry["confusion"]
    return Pair(
        title=f"{one_line(one, NAME)} and {one_line(two, NAME)}",
        one=one_line(one, NAME),
        two=one_line(two, NAME),
        n=entry["n"],
        prompts=entry["prompts"],
        coefficients=_coefficients(entry, notes, f"agreement.pairs.{one}.{two}"),
        rates=tuple(_base_rate(entry, name) for name in (one, two)),
        confusion=tuple(
            (outcome, tuple(table[row][column] for column in order))
            for outcome, row in zip(OUTCOMES, order, strict=True)
        ),
    )


def _base_rate(entry: Mapping[str, Any], judge: str) -> BaseRate:
    intervals = entry.get("marginal_intervals", {}).get(judge, {})
    return BaseRate(
        one_line(judge, NAME),
        tuple(
            (entry["marginals"][judge][outcome], *(intervals.get(outcome) or (None, None)))
            for outcome in OUTCOMES
        ),
    )


def _coefficients(
    entry: Mapping[str, Any], notes: Mapping[str, str], path: str
) -> tuple[Coefficient, ...]:
    return tuple(
        replace(
            _coefficient(name, meaning, entry[key], notes.get(f"{path}.{key}", "")),
            share=key == "percent",
        )
        for key, name, meaning in COEFFICIENTS
        if key in entry
    )


def _coefficient(name: str, meaning: str, value: Any, note: str) -> Coefficient:
    found = estimate(value)
    if found is None:
        return Coefficient(name, meaning, None, None, None, REASONS.get(note, note) or "not defined")
    return Coefficient(name, meaning, *found, note)


def _categories(found: Mapping[str, Any], notes: Mapping[str, str]) -> Iterator[Category]:
    for name, entry in found.items():
        figures, path = entry.get("panel"), f"agreement.by_category.{name}.panel"
        if len(entry["pairs"]) == 1:
            figures = entry["pairs"][0]
            path = f"agreement.by_category.{name}.pairs.{'.'.join(figures['judges'])}"
        if figures:
            shown = _coefficients(figures, notes, path)
            yield Category(one_line(name, NAME), entry["prompts"], shown)


def _outcomes(found: Mapping[str, Any]) -> Iterator[tuple[str, str, Outcomes]]:
    for name in found["judges"]:
        entry = found["by_judge"].get(name)
        if entry:
            said = Outcomes.model_validate(entry["outcomes"])
            yield one_line(name, NAME), role_words(found["who"][name]), said


def _selves(found: Mapping[str, Any]) -> Iterator[Self]:
    for name in found["judges"]:
        entry = found["by_judge"].get(name) or {}
        again = entry.get("consistency") or {}
        note = found["notes"].get(f"agreement.consistency.{name}", "")
        same = _coefficient("", "", again.get("same"), note if again else "not asked twice")
        flips = (entry.get("position") or {}).get("flip_rate")
        yield Self(one_line(name, NAME), same, again.get("n", 0), None if flips is None else 1 - flips)


def _examples(found: Mapping[str, Any], views: Sequence[ComparisonView]) -> Iterator[ShownExample]:
    in_panel = tuple(n for n, who in found["who"].items() if who["role"] == "panel")
    panel = Panel(models=in_panel if len(in_panel) > 1 else tuple(found["judges"]))
    for place, view in enumerate(views):
        why = "The judges are as far apart here as anywhere"
        yield show(Example("Disagreement", why, view), panel, first=place < 2)


def _floor(found: Sequence[Coefficient]) -> float:
    ends = [end for c in found for end in (c.low, c.value) if end is not None]
    lowest = min(ends, default=0.0)
    return 0.0 if lowest >= 0 else -0.5 if lowest >= -0.5 else -1.0
