"""What the agreement report says, as one object: the page and its Markdown print this and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from brie.number_format import counted, listed, percent
from brie.records import kind_of
from brie.records.agreement import (
    CategoryAgreement,
    PairAgreement,
    PanelCoefficients,
    coefficients,
)
from brie.records.analysis import ComparisonView
from brie.records.estimates import Outcomes
from brie.records.studies import AgreementDocument, EvaluationFacts, WhoJudged
from brie.report.agreement_words import (
    Tendency,
    alone,
    beyond,
    lead,
    panel_sentences,
    quoted,
    reward_sentences,
    roll_words,
    tendencies,
)
from brie.report.clean import one_line
from brie.report.coefficients import Coefficient, shown_coefficient
from brie.report.examples import Example
from brie.report.judge_pairs import AgreementSquare, agreement_square
from brie.report.measured import Measured, measured_by_people
from brie.report.panel import Panel
from brie.report.shown import ShownExample, show

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
    alone: bool
    """One decided: there is no agreement to speak of, only what it resembles."""
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
    people: tuple[Measured, ...]
    """Each evaluation with people's votes: its judges held against them."""
    examples: tuple[ShownExample, ...]
    evaluations: tuple[EvaluationFacts, ...]
    notes: list[tuple[str, str]]
    floor: float
    """Left end of the scale the coefficients are drawn on: 0, -0.5 or -1."""


def build_agreement_page(
    document: AgreementDocument, disagreements: Sequence[ComparisonView]
) -> AgreementPage:
    """The content; a pure function of the document and of the comparisons to be read.

    Args:
        document: how the judges agree.
        disagreements: the comparisons judges disagree on most.
    """
    agreement, notes = document.agreement, document.notes
    pairs = tuple(_pair(pair, notes) for pair in _lowest_first(agreement.pairs, document.who))
    together = agreement.panel if not alone(document) else None
    panel = _coefficients(together, notes, "agreement.panel") if together is not None else ()
    people = measured_by_people(document)
    categories = () if alone(document) else tuple(_categories(agreement.by_category, notes))
    return AgreementPage(
        title=_title(document),
        sentence=lead(document),
        alone=bool(alone(document)) and bool(agreement.pairs),
        beyond=beyond(document),
        caveats=_caveats(document),
        facts=_facts(document),
        square=_square(document) if len(pairs) > 1 else None,
        panel=panel if len(pairs) > 1 else (),
        panel_said=panel_sentences(document),
        pairs=pairs,
        categories=categories,
        outcomes=tuple(_outcomes(document)),
        rewards=reward_sentences(document),
        tendencies=tendencies(document),
        selves=tuple(_selves(document)),
        people=people,
        examples=tuple(_examples(document, disagreements)),
        evaluations=document.evaluations,
        notes=sorted(notes.items()),
        floor=_floor([c for group in (panel, *(p.coefficients for p in pairs),
                                      *(c.coefficients for c in categories),
                                      *(m.kappa + m.alpha for m in people)) for c in group]),
    )  # fmt: skip


def role_words(who: WhoJudged) -> str:
    """What a judge is to the headline."""
    rule = "rule" if kind_of(who.provider) == "rule" else ""
    beside = {
        "beside": "beside the headline, not counted in it",
        "stopped": "stopped, and therefore not in the headline",
    }.get(who.role, "")
    return ", ".join(word for word in (rule, beside) if word)


def _title(document: AgreementDocument) -> str:
    if len(document.evaluations) > 1:
        return f"{counted(len(document.evaluations))} evaluations"
    (only,) = document.evaluations
    return f"{one_line(only.candidate, NAME)} against {one_line(only.baseline, NAME)}"


def _facts(document: AgreementDocument) -> list[tuple[str, str]]:
    panel = None if alone(document) else document.agreement.panel
    rows = [
        ("Decided by", roll_words(document, beside=False)),
        ("Beside the headline", roll_words(document, beside=True)),
        ("Prompts", f"{document.prompts:,}"),
        ("Comparisons with two verdicts", f"{panel.n:,}" if panel else ""),
        ("Same verdict by all", percent(panel.unanimous) if panel else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _caveats(document: AgreementDocument) -> list[str]:
    caveats = ["Agreement is not validity: judges that share an error agree perfectly about it."]
    beside = [name for name, who in document.who.items() if who.role != "panel"]
    counted_in = len(document.judges) - len(beside)
    if beside and counted_in >= 2:
        names = listed([quoted(name) for name in beside])
        stand = "stands" if len(beside) == 1 else "stand"
        caveats.append(f"{names} {stand} beside the headline: in the pairs, not in the panel's figures.")
    return [*caveats, *(f"Careful: {warning}." for warning in document.warnings)]


def _lowest_first(pairs: Sequence[PairAgreement], who: Mapping[str, WhoJudged]) -> list[PairAgreement]:
    """The panel's own pairs first, and of them those that agree least; without a kappa last."""

    def key(pair: PairAgreement) -> tuple[bool, bool, float]:
        beside = any(who[name].role != "panel" for name in pair.judges)
        return beside, pair.kappa is None, pair.kappa.value if pair.kappa else 0.0

    return sorted(pairs, key=key)


def _square(document: AgreementDocument) -> AgreementSquare | None:
    """Every pair, the panel's judges first."""
    rank = {name: index for index, name in enumerate(document.judges)}
    pairs = [
        pair.model_copy(update={"judges": tuple(sorted(pair.judges, key=rank.__getitem__))})
        for pair in document.agreement.pairs
    ]
    return agreement_square(sorted(pairs, key=lambda pair: [rank[name] for name in pair.judges]))


def _pair(pair: PairAgreement, notes: Mapping[str, str]) -> Pair:
    first, second = pair.judges
    order = [pair.outcomes.index(outcome) for outcome in OUTCOMES]
    return Pair(
        title=f"{one_line(first, NAME)} and {one_line(second, NAME)}",
        one=one_line(first, NAME),
        two=one_line(second, NAME),
        n=pair.n,
        prompts=pair.prompts,
        coefficients=_coefficients(pair, notes, f"agreement.pairs.{first}.{second}"),
        rates=tuple(_base_rate(pair, name) for name in pair.judges),
        confusion=tuple(
            (outcome, tuple(pair.confusion[row][column] for column in order))
            for outcome, row in zip(OUTCOMES, order, strict=True)
        ),
    )


def _base_rate(pair: PairAgreement, judge: str) -> BaseRate:
    intervals = pair.marginal_intervals.get(judge, {})
    return BaseRate(
        one_line(judge, NAME),
        tuple(
            (pair.marginals[judge][outcome], *(intervals.get(outcome) or (None, None)))
            for outcome in OUTCOMES
        ),
    )


def _coefficients(
    entry: PairAgreement | PanelCoefficients, notes: Mapping[str, str], path: str
) -> tuple[Coefficient, ...]:
    computed = coefficients(entry)
    return tuple(
        replace(
            shown_coefficient(name, meaning, computed[key], notes.get(f"{path}.{key}", "")),
            share=key == "percent",
        )
        for key, name, meaning in COEFFICIENTS
        if key in computed
    )


def _categories(
    categories: Mapping[str, CategoryAgreement], notes: Mapping[str, str]
) -> Iterator[Category]:
    for name, entry in categories.items():
        path = f"agreement.by_category.{name}"
        if len(entry.pairs) == 1:
            (pair,) = entry.pairs
            shown = _coefficients(pair, notes, f"{path}.pairs.{'.'.join(pair.judges)}")
        elif entry.panel is not None:
            shown = _coefficients(entry.panel, notes, f"{path}.panel")
        else:
            continue
        yield Category(one_line(name, NAME), entry.prompts, shown)


def _outcomes(document: AgreementDocument) -> Iterator[tuple[str, str, Outcomes]]:
    for name in document.judges:
        numbers = document.by_judge.get(name)
        if numbers and numbers.outcomes:
            yield one_line(name, NAME), role_words(document.who[name]), numbers.outcomes


def _selves(document: AgreementDocument) -> Iterator[Self]:
    for name in document.judges:
        numbers = document.by_judge.get(name)
        again = numbers.consistency if numbers else None
        note = document.notes.get(f"agreement.consistency.{name}", "")
        same = shown_coefficient(
            "", "", again.same if again else None, note if again else "not asked twice"
        )
        flips = numbers.position.flip_rate if numbers and numbers.position else None
        exchanged = None if flips is None else 1 - flips
        yield Self(one_line(name, NAME), same, again.n if again else 0, exchanged)


def _examples(document: AgreementDocument, views: Sequence[ComparisonView]) -> Iterator[ShownExample]:
    panel = Panel(models=document.panel if len(document.panel) > 1 else document.judges)
    for number, view in enumerate(views):
        why = "The judges are as far apart here as anywhere"
        yield show(Example("Disagreement", why, view), panel, first=number < 2)


def _floor(shown: Sequence[Coefficient]) -> float:
    ends = [end for c in shown for end in (c.low, c.value) if end is not None]
    lowest = min(ends, default=0.0)
    return 0.0 if lowest >= 0 else -0.5 if lowest >= -0.5 else -1.0
