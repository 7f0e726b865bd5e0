"""What people's votes say of a win rate: `human_anchored` of `analysis.json`."""

from __future__ import annotations

from pydantic import Field

from brie.records.agreement import PanelCoefficients
from brie.records.base import Record
from brie.records.estimates import Ends, Estimate, WinRate
from brie.records.standing import VerdictWord


class AgreementWithPeople(Record):
    """How often somebody says what people say, by itself and beyond chance; None where not defined."""

    percent: Estimate | None = None
    kappa: Estimate | None = None
    alpha: Estimate | None = None
    n: int
    """Comparisons."""


class MeasuredJudge(Record):
    """One judge held against people's votes."""

    agreement: AgreementWithPeople
    """With people, on the comparisons they voted on."""
    less_people: dict[str, Estimate | None] = Field(default_factory=dict)
    """Coefficient -> the judge's minus that of people among themselves; empty where none of them is."""
    correlation: Estimate | None = None
    """Of its prompt means with people's."""
    weight: float | None = None
    """lambda: how much it counts in people's rate if it is the only judge."""
    narrows: Estimate | None = None
    """Share by which it alone lowers the variance of people's rate on new prompts."""
    adds: Estimate | None = None
    """What that share of the panel is more than without this judge; None outside a panel of several."""
    corrected: Estimate | None = None
    """Its rate corrected for how often it is right (Rogan and Gladen)."""


class SharedErrorPair(Record):
    """Whether two judges are right and wrong on the same comparisons."""

    judges: tuple[str, str]
    correlation: Estimate | None
    """Of being right, within what people prefer."""
    n: int
    """Comparisons."""


class MeasuredByPeople(Record):
    """What people's votes on prompts drawn at random say of the judges."""

    people: AgreementWithPeople | None = None
    """People among themselves; None where no comparison has two votes."""
    by_judge: dict[str, MeasuredJudge] = Field(default_factory=dict)
    """Panel, instruments and added judges."""
    narrows: Estimate | None = None
    """Share by which the panel lowers the variance of people's rate on new prompts."""
    correlation: Estimate | None = None
    """Of the panel's prompt means with people's."""
    shared_errors: tuple[SharedErrorPair, ...] = ()
    """Of the panel's pairs."""
    shared_error: Estimate | None = None
    """Mean over the pairs."""
    effective_judges: Estimate | None = None
    """Independent judges that the panel is worth."""
    at_least: bool = False
    """Fewer than three people voted on some comparison: noise in what counts as right makes judges
    look alike, so the panel is worth at least so many."""


class HumanAnchored(Record):
    """Votes of people on prompts drawn at random, and what they make of the judges' rate."""

    planned: int
    """Prompts that people were to vote on, chosen before the first of these votes."""
    labelled: int
    """Of those, prompts with a vote; identical answers count, as a tie."""
    identical: int = 0
    """Of the labelled ones, prompts with identical answers, on which nobody votes."""
    votes: int
    voters: int
    not_blind: int = 0
    """Voters left out of all of this: they had seen a result, or could open the viewer."""
    complete: bool
    """Every planned prompt is labelled; before, nothing is computed."""
    skipped: int = 0
    """Prompts given up when fewer were asked for than were planned first."""
    weight: float | None = None
    """How much the judges count (lambda); 0: people alone."""
    p_value: float | None = None
    """Two-sided t test that people's rate is one half."""
    interval_90: Ends | None = None
    """For equivalence and not-worse."""
    new_prompts: Estimate | None = None
    """The rate people would give on new prompts like these; it decides. None below 50 prompts."""
    this_suite: Estimate | None = None
    """The rate had people voted on every prompt of this suite; it never decides."""
    verdict: VerdictWord | None = None
    """What people's rate on new prompts says; None where there is none."""
    verdict_reason: str = ""
    lean: Estimate | None = None
    """Judges minus people, on the same prompts: above 0 the judges favour the candidate."""
    by_judge: dict[str, Estimate] = Field(default_factory=dict)
    """Each judge's own lean."""
    judges: WinRate | None = None
    """The judges' rate by themselves."""
    judges_verdict: VerdictWord | None = None
    """The verdict they would have given."""
    agreement: PanelCoefficients | None = None
    """How far people agree among themselves, on prompts that two or more voted on."""
    measured: MeasuredByPeople | None = None
    """What the votes say of each judge; None before every planned prompt has one."""
