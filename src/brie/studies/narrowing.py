"""What to buy next for a rate that people's votes decide: votes, prompts, or one more judge.

Nothing is guessed: what each is worth comes from an evaluation whose drawn prompts all have votes; its
price from the judges' files and earlier calls; a person's minutes and pay are said by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from brie.analyse.narrowing import Anchored, one_more_judge
from brie.catalog import load_judge, load_rubric
from brie.errors import BrieError
from brie.evaluation.folders import Evaluation
from brie.evaluation.rows import headline_judges
from brie.judge.quote import CallStats
from brie.project import Project
from brie.records import PanelJudge, Suite
from brie.records.people import HumanAnchored, MeasuredByPeople
from brie.records.studies import Narrowing, NarrowingOption, OptionKind, VoterRates
from brie.studies.held_against_people import with_votes
from brie.studies.planning import Price, place, price

STEP = 50
"""Votes, and prompts, of one option."""
Habits = Callable[[Sequence[PanelJudge]], Mapping[str, CallStats]]


@dataclass(frozen=True)
class _Measured:
    """The evaluation everything rests on."""

    evaluation: Evaluation
    people: HumanAnchored
    measured: MeasuredByPeople
    panel: tuple[str, ...]

    def design(self, correlation: float) -> Anchored | None:
        """With a correlation of the panel with people; None where there is no rate of people's."""
        rate = self.people.new_prompts
        if rate is None or rate.low is None or rate.high is None:
            return None
        prompts = len(self.evaluation.manifest.plan.suite.prompts)
        return Anchored(
            votes=self.people.labelled,
            others=prompts - self.people.labelled,
            correlation=correlation,
            half_width=(rate.high - rate.low) / 2,
            level=rate.level,
        )


def narrowing(
    suite: Suite, seats: Sequence[PanelJudge], project: Project, rates: VoterRates, habits: Habits
) -> Narrowing | None:
    """What each of the three would narrow, cost and take; None without people's votes on this suite.

    Args:
        suite: its prompts.
        seats: judges that are priced; those that the evaluation lacks are candidates to be added.
        project: where evaluations and judges' files are.
        rates: minutes of a vote, and what an hour of a voter costs.
        habits: judges -> what their earlier calls were like.
    """
    measured = _newest(suite, project)
    if measured is None or measured.measured.correlation is None:
        return None
    correlation = measured.measured.correlation
    design = measured.design(correlation.value)
    if design is None:
        return None
    panel = _seats(measured, suite, project)
    priced = _Prices(suite, measured.evaluation, habits)
    added = [seat for seat in seats if seat.judge.id not in measured.panel]
    options = _options(measured, design, panel, added, priced, rates)
    ends = [
        _options(measured, at, panel, added, priced, rates)
        for end in (correlation.low, correlation.high)
        if end is not None and (at := measured.design(end)) is not None
    ]
    per_dollar, per_minute = _best(options, _dollars), _best(options, _minutes)
    return Narrowing(
        evaluation=measured.evaluation.manifest.id,
        judges=measured.panel,
        votes=design.votes,
        others=design.others,
        half_width=design.half_width,
        correlation=correlation,
        rates=rates,
        options=options,
        per_dollar=per_dollar,
        per_minute=per_minute,
        settled=all(
            (_best(at, _dollars), _best(at, _minutes)) == (per_dollar, per_minute) for at in ends
        ),
    )


def _dollars(option: NarrowingOption) -> float | None:
    return option.usd


def _minutes(option: NarrowingOption) -> float | None:
    return option.minutes


def _best(
    options: Sequence[NarrowingOption], price_of: Callable[[NarrowingOption], float | None]
) -> int | None:
    """Place of the option that narrows most for its price; what is free comes before what is not.

    None where nothing narrows, or nothing that does has a known price.
    """
    known = [
        (option.narrower / cost if cost else inf, option.narrower, -k)
        for k, option in enumerate(options)
        if option.narrower > 0 and (cost := price_of(option)) is not None
    ]
    return -max(known)[2] if known else None


def _newest(suite: Suite, project: Project) -> _Measured | None:
    chosen = None
    for evaluation, analysis, people in with_votes(project):
        if evaluation.manifest.plan.suite.digest() == suite.digest() and people.measured is not None:
            panel = tuple(
                name
                for name in headline_judges(evaluation.manifest)
                if (of := analysis.by_judge.get(name)) is None or not of.margins or of.margins.counts
            )
            chosen = _Measured(evaluation, people, people.measured, panel)
    return chosen


def _options(
    measured: _Measured,
    design: Anchored,
    panel: Sequence[PanelJudge],
    added: Sequence[PanelJudge],
    priced: _Prices,
    rates: VoterRates,
) -> tuple[NarrowingOption, ...]:
    """Votes, prompts, and each judge that could be added."""
    made = []
    votes, share = min(STEP, design.others), STEP / (design.votes + design.others)
    if votes:
        minutes = votes * rates.minutes_per_vote
        bought = _Bought("votes", votes, minutes / 60 * rates.usd_per_hour, minutes)
        made.append(bought.narrows(design, design.with_votes(votes)))
    cost = priced.of(panel) if len(panel) == len(measured.panel) else None
    bought = _Bought("prompts", STEP, *_share_of(cost, share))
    made.append(bought.narrows(design, design.with_prompts(STEP)))
    correlation = _with_one_more(measured, design)
    for seat in (added or priced.cheapest(panel)) if correlation is not None else ():
        bought = _Bought("judge", 1, *_share_of(priced.of([seat]), 1.0), seat.judge.id, not added)
        made.append(bought.narrows(design, design.with_correlation(correlation or 0.0)))
    return tuple(made)


@dataclass(frozen=True)
class _Bought:
    """Something that can be bought."""

    kind: OptionKind
    amount: int
    usd: float | None
    minutes: float | None
    judge: str | None = None
    like: bool = False

    def narrows(self, design: Anchored, half_width: float) -> NarrowingOption:
        """With what it does to a design."""
        return NarrowingOption(
            kind=self.kind,
            amount=self.amount,
            judge=self.judge,
            priced_like=self.like,
            half_width=half_width,
            narrower=max(design.half_width - half_width, 0.0),
            usd=self.usd,
            minutes=self.minutes,
        )


def _with_one_more(measured: _Measured, design: Anchored) -> float | None:
    """The panel's correlation with one more judge like its own; None where one judge is all there is."""
    alone = [
        of.correlation.value
        for name, of in measured.measured.by_judge.items()
        if name in measured.panel and of.correlation is not None
    ]
    if len(alone) < 2 or len(alone) < len(measured.panel):
        return None
    whole = measured.measured.correlation
    scale = design.correlation / whole.value if whole is not None and whole.value > 0 else 1.0
    return one_more_judge(len(alone), panel=design.correlation, alone=scale * fmean(alone))


def _share_of(cost: Price | None, share: float) -> tuple[float | None, float | None]:
    """Dollars and minutes of a part of what was priced; None where they are not known."""
    if cost is None:
        return None, None
    usd = None if cost.usd is None else cost.usd * share
    return usd, None if cost.minutes is None else cost.minutes * share


@dataclass(frozen=True)
class _Prices:
    """What judging the suite costs, as the evaluation did it and without controls."""

    suite: Suite
    evaluation: Evaluation
    habits: Habits

    def of(self, seats: Sequence[PanelJudge]) -> Price:
        """Of some judges."""
        plan = self.evaluation.manifest.plan
        return price(
            self.suite,
            seats,
            plan.samples,
            plan.positions,
            self.habits(seats),
            plan.sampling,
            controls=0,
        )

    def cheapest(self, seats: Sequence[PanelJudge]) -> list[PanelJudge]:
        """The judge whose price is known and least; none where none is."""
        known = [(usd, k) for k, seat in enumerate(seats) if (usd := self.of([seat]).usd) is not None]
        return [seats[min(known)[1]]] if known else []


def _seats(measured: _Measured, suite: Suite, project: Project) -> list[PanelJudge]:
    """The evaluation's judges with the prices of their files, as far as the files are there."""
    seats = []
    for name in measured.panel:
        try:
            spec = load_judge(name, project)
            seats.append(place(spec, load_rubric(spec.rubric or suite.rubric, project)))
        except BrieError:
            continue
    return seats
