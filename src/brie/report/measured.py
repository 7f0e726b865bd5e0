"""Judges held against people's votes, in words and figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from brie.number_format import counted, listed, percent, plural, signed, signed_span, span, two_digits
from brie.records.estimates import Estimate
from brie.records.people import AgreementWithPeople, MeasuredByPeople, MeasuredJudge
from brie.records.studies import AgreementDocument
from brie.report.agreement_words import quoted
from brie.report.clean import one_line
from brie.report.coefficients import Coefficient, shown_coefficient

NAMES = {
    "percent": "Same verdict as a person",
    "kappa": "Kappa with people",
    "alpha": "Alpha with people",
}
_PEOPLE = "People among themselves"


@dataclass(frozen=True)
class Figure:
    """One figure of a judge: what it is, its value and its interval, as they are printed."""

    name: str
    value: str
    ends: str
    head: str = ""
    """A shorter name, for a column's head."""


@dataclass(frozen=True)
class MeasuredRow:
    """One judge: what its figures are worth to people's rate."""

    judge: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Measured:
    """One evaluation's judges, held against people's votes."""

    evaluation: str
    sentences: tuple[str, ...]
    kappa: tuple[Coefficient, ...]
    """People among themselves first, then each judge with people."""
    alpha: tuple[Coefficient, ...]
    judges: tuple[MeasuredRow, ...]


def measured_by_people(document: AgreementDocument) -> tuple[Measured, ...]:
    """Of every evaluation with people's votes on drawn prompts."""
    return tuple(
        Measured(
            evaluation=name,
            sentences=tuple(people_sentences(people)),
            kappa=tuple(_coefficients(people, document, name, "kappa")),
            alpha=tuple(_coefficients(people, document, name, "alpha")),
            judges=tuple(
                MeasuredRow(one_line(judge, 60), tuple(worth_figures(of)))
                for judge, of in people.by_judge.items()
            ),
        )
        for name, people in document.people.items()
    )


def people_sentences(people: MeasuredByPeople) -> Iterator[str]:
    """What the votes say of the panel: agreement, shared errors, what it adds to people's rate."""
    yield from _agreement(people)
    yield from _errors(people)
    if people.narrows is not None:
        yield (
            "With the judges people's rate on new prompts is as precise as with "
            f"{_times(people.narrows.value):.2f} times as many votes{_times_ends(people.narrows)}."
        )
    least = [name for name, of in people.by_judge.items() if of.adds and of.adds.high is not None
             and of.adds.high < 0.01]  # fmt: skip
    if least:
        verb = "adds" if len(least) == 1 else "add"
        yield f"Beside the others {listed([quoted(name) for name in least])} {verb} next to nothing."


def _agreement(people: MeasuredByPeople) -> Iterator[str]:
    among = people.people.kappa if people.people else None
    if people.people is None:
        yield "No comparison has two votes, so how far people agree among themselves is not known."
    elif among is not None:
        yield f"People agree among themselves with kappa {two_digits(among.value)}{_two(among)}."
    below, above = [], []
    for name, judge in people.by_judge.items():
        gap = judge.less_people.get("kappa")
        if gap is None or gap.low is None or gap.high is None:
            continue
        if gap.high < 0:
            below.append(quoted(name))
        elif gap.low > 0:
            above.append(quoted(name))
    if below:
        verb = "agrees" if len(below) == 1 else "agree"
        yield f"{listed(below)} {verb} with people less than people do with each other."
    if above:
        verb = "agrees" if len(above) == 1 else "agree"
        yield f"{listed(above)} {verb} with people more than people do with each other."


def _errors(people: MeasuredByPeople) -> Iterator[str]:
    shared, worth = people.shared_error, people.effective_judges
    if shared is None or worth is None:
        return
    judges = len({name for pair in people.shared_errors for name in pair.judges})
    least = "at least " if people.at_least and worth.value < judges - 0.05 else ""
    yield (
        f"Errors of the panel's judges correlate {two_digits(shared.value)}{_two(shared)}: "
        f"{counted(judges)} judges are worth {least}{worth.value:.1f} independent ones{_tenths(worth)}."
    )
    if least:
        yield (
            "Fewer than three people voted on some comparisons: chance in what counts as right makes "
            "judges look alike, so they may be worth more."
        )


def judge_figures(judge: MeasuredJudge) -> Iterator[Figure]:
    """Every figure of a judge: agreement with people, then what it is worth."""
    yield from _agreement_figures(judge.agreement, judge.less_people)
    yield from worth_figures(judge)


def _agreement_figures(
    agreement: AgreementWithPeople, less: dict[str, Estimate | None]
) -> Iterator[Figure]:
    for name, of in (
        ("percent", agreement.percent), ("kappa", agreement.kappa), ("alpha", agreement.alpha),
    ):  # fmt: skip
        yield _share(NAMES[name], of) if name == "percent" else _coefficient(NAMES[name], of)
        if less.get(name) is not None and name != "percent":
            yield _coefficient("  less people's own", less[name])


def worth_figures(judge: MeasuredJudge) -> Iterator[Figure]:
    """What a judge is worth to people's rate, and its own rate corrected."""
    weight = "–" if judge.weight is None else two_digits(judge.weight)
    yield replace(_coefficient("Correlation with people", judge.correlation), head="Correlation")
    yield Figure("Weight alone (lambda)", weight, "", "Lambda alone")
    yield replace(_share("Variance it saves alone", judge.narrows), head="Saves alone")
    yield replace(_points("Adds to what the panel saves", judge.adds), head="Adds")
    yield replace(_share("Rate corrected for its errors", judge.corrected), head="Rate, corrected")


def _coefficients(
    people: MeasuredByPeople, document: AgreementDocument, evaluation: str, name: str
) -> Iterator[Coefficient]:
    path = f"{evaluation}.human_anchored.measured"
    if people.people is not None:
        note = document.notes.get(f"{path}.people.{name}", "")
        meaning = plural(people.people.n, "comparison")
        yield shown_coefficient(_PEOPLE, meaning, getattr(people.people, name), note)
    for judge, of in people.by_judge.items():
        note = document.notes.get(f"{path}.by_judge.{judge}.{name}", "")
        meaning = plural(of.agreement.n, "comparison")
        yield shown_coefficient(one_line(judge, 60), meaning, getattr(of.agreement, name), note)


def _share(name: str, of: Estimate | None) -> Figure:
    if of is None:
        return Figure(name, "–", "")
    ends = "" if of.low is None or of.high is None else span(of.low, of.high, " to ")
    return Figure(name, percent(of.value), ends)


def _points(name: str, of: Estimate | None) -> Figure:
    if of is None:
        return Figure(name, "–", "")
    ends = "" if of.low is None or of.high is None else signed_span(of.low, of.high)
    return Figure(name, f"{signed(of.value)} points", ends)


def _coefficient(name: str, of: Estimate | None) -> Figure:
    if of is None:
        return Figure(name, "–", "")
    return Figure(name, two_digits(of.value), _two(of, bare=True))


def _two(of: Estimate, *, bare: bool = False) -> str:
    if of.low is None or of.high is None:
        return ""
    ends = f"{two_digits(of.low)} to {two_digits(of.high)}"
    return ends if bare else f" ({ends})"


def _tenths(of: Estimate) -> str:
    return "" if of.low is None or of.high is None else f" ({of.low:.1f} to {of.high:.1f})"


def _times(saved: float) -> float:
    """How many times as many votes have a variance that is lower by so large a share."""
    return 1 / (1 - min(saved, 0.99))


def _times_ends(of: Estimate) -> str:
    if of.low is None or of.high is None:
        return ""
    return f" ({_times(of.low):.2f} to {_times(of.high):.2f})"
