"""Numbers with their intervals: what the parts of an analysis are made of.

Fields stand in the order in which documents write them. One that has a default may be absent: it
joined the documents later, or this part of them does not have it.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from brie.records.base import Record


def _finite(value: float | None) -> float | None:
    return None if isinstance(value, float) and not isfinite(value) else value


MaybeFinite = Annotated[float | None, BeforeValidator(_finite)]
"""A number, or None where it is not finite: JSON has no sign for infinity."""
Ends = tuple[float, float]
"""Both ends of an interval."""


class Estimate(Record):
    """A number with its interval; `n` counts what `method` resamples (prompts, unless it says so)."""

    value: float
    low: float | None
    """None where resampling shows no spread, or gives no number too often; the notes say which."""
    high: float | None
    level: float
    n: int
    method: str


class WinRate(Record):
    """A win rate: mean over prompts of the prompts' mean scores, ties counting half."""

    value: float
    low: float | None
    """None below `FEWEST_PROMPTS`: no bootstrap interval holds there; the reason is in the notes."""
    high: float | None
    level: float
    method: str
    resamples: int | Literal["exact"]
    prompts: int
    effective_n: float
    p_value: float
    """Two-sided sign-flip p for "the sides are exchangeable"."""
    p_at_most: bool = False
    """The p is the least that the test can give: the true one may be smaller."""
    bounds: Ends
    """The rate with every missing verdict lost, and with every one won."""
    betting_interval: Ends | None = None
    """Below `FEWEST_PROMPTS`: the finite-sample interval shown instead."""
    by_source_interval: Ends | None = None
    """Interval of the mean of source means, sources as the unit; None below `FEWEST_SOURCES`."""
    mean_of_sources: float | None = None
    """Every source weighs the same: another quantity than `value`; None for one source."""
    sources: int | None = None
    """How many sources that is the mean of."""
    interval_90: Ends | None = None
    """The 90 % interval, for equivalence and not-worse."""
    one_sided: Ends | None = None
    """Lower and upper bound of the mean, each of level .95 by itself: the second condition of both."""
    prompts_needed: int | None = None
    """Prompts for 80 % power at the observed rate."""
    soft_interval: Ends | None = None
    """t(G-1) on prompt means, a second line for soft scores."""
    p_adjusted: float | None = None
    """Of a category: its p over all of them."""
    pooled: float | None = None
    """Partially pooled estimate, for categories with few prompts."""

    @property
    def ends(self) -> Ends | None:
        """The interval to show: the bootstrap's, or below `FEWEST_PROMPTS` the betting one."""
        if self.low is None or self.high is None:
            return self.betting_interval
        return self.low, self.high


class Outcomes(Record):
    """What judges said of answers that differ, by the score for the candidate."""

    win: int
    tie: int
    loss: int
    identical: int | None = None
    """Verdicts that nobody was asked for, the answers being byte-identical: one half each. None in
    documents made before these were told apart: there, `tie` has them."""


class Effect(Record):
    """How far one factor of presentation moves a verdict, in units of the win rate."""

    identified: bool = True
    """Whether the design varied this factor by itself."""
    effect: float | None
    low: float | None
    high: float | None
    level: float = 0.95
    n: int = 0
    """Prompts."""


class FlipCounts(Record):
    """Comparisons judged in both orders by one judge, and flips by the place they favour."""

    compared: int
    first: int
    second: int
    p_value: float
    """Exact McNemar test of first against second."""


class PositionEffect(Effect):
    """The effect of standing first, and how often the winner changes with the order."""

    flip_rate: float | None = None
    """None where no comparison was judged in both orders."""
    flips: FlipCounts | None = None


class CriteriaOrders(Record):
    """What the order of a rubric's criteria does to the win rate, where judges read several."""

    rates: dict[str, float] = Field(default_factory=dict)
    """Order -> win rate of the verdicts given in it: `own`, `reversed`, `rotated`."""
    effects: dict[str, Effect] = Field(default_factory=dict)
    """Two orders, as `own-reversed` -> how much higher the rate is in the first, in units of the win
    rate."""


class Reward(Record):
    """How far a judge's verdict moves when one difference grows by one standard deviation."""

    effect: float
    """In units of the win rate."""
    low: float
    high: float
    level: float
    deviation: float
    """The standard deviation, in the difference's own unit."""
    alone: bool
    """Fitted by itself, because the differences cannot be told apart on these answers."""


class Rewards(Record):
    """One judge's rewards, its criterion scores apart from what is countable in the text."""

    text: dict[str, Reward] = Field(default_factory=dict)
    criteria: dict[str, Reward] = Field(default_factory=dict)
    prompts: int = 0
    verdicts: int = 0


class SliceNumbers(Record):
    """A part of the prompts: a category, a source, a sample index, what training has seen."""

    win_rate: WinRate | None = None
    outcomes: Outcomes | None = None
    p_adjusted: float | None = None
    """Of a category: its p over all of them."""
    adjustment: str | None = None
    """"holm", or "benjamini-hochberg" for many categories."""
    simultaneous: Ends | None = None
    """Interval at which those of all categories hold together."""


class LengthSlice(SliceNumbers):
    """Prompts of like length, or whose answers by the baseline are; all of them are one family."""

    of: Literal["prompt", "answer"]
    unit: Literal["characters", "tokens"]
    over: float | None
    """Longer than so many units; None for the shortest."""
    up_to: float
    """Of answers the mean over the baseline's samples."""


class Omnibus(Record):
    """One test of "categories do not differ"."""

    f: MaybeFinite
    """None where prompts of a category are all alike: F is infinite then."""
    p_value: float
    p_at_most: bool = False
    """The p is the least that so many deals can give: the true one may be smaller."""
    categories: int
    prompts: int
    method: str


class Range(Record):
    """The smallest and largest rate with one member left out; a description, not an interval."""

    low: float
    high: float
    low_without: str
    high_without: str
    members: int = 0


class Ranges(Record):
    """How far the win rate moves without a judge, and without a source."""

    judges: Range | None = None
    sources: Range | None = None


class LengthControlled(Record):
    """The rate two answers of equal length would have (`brie.analyse.length`)."""

    value: float
    low: float
    high: float
    level: float
    n: int
    """Prompts."""
    raw: float
    """Mean score of the same rows."""
    coefficient: float
    """Log odds per unit of tanh(difference / its standard deviation)."""
    coefficient_low: float
    coefficient_high: float
    mean_difference: float
    """Candidate minus baseline, in the unit of the input."""
    longer: float
    """Share of rows whose candidate answer is the longer one."""
    shorter: float
    overlap_ok: bool
    """At least a tenth of the rows on either side of equal length; else it is an extrapolation."""
    large_change: bool
    """Raw and controlled rate differ by more than 10 points."""
    ridge: bool
    """A ridge of 1/2 on length and position kept the fit finite."""
    method: str


class Purchase(Record):
    """What one more of something would do, per unit of cost."""

    what: str
    half_width: float
    """Predicted half-width of the 95 % interval after spending as much again as was spent."""


class VarianceComponents(Record):
    """Components of a verdict's variance, and of the win rate's (`brie.analyse.variance`)."""

    prompt: float | None = None
    sample: float | None = None
    """None with one sample a prompt."""
    judge: float | None = None
    """None with one judge."""
    prompt_judge: float | None = None
    noise: float | None = None
    """None with one judge: then `sample` contains it."""
    raw: dict[str, float] = Field(default_factory=dict)
    """Estimates that may be negative, where a component is shown as 0."""
    intervals: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)
    order_noise: float | None = None
    """What the order adds to the variance of one verdict."""
    win_rate: float = 0.0
    """Variance of the win rate."""
    next_best: str | None = None
    """"prompts" or "samples"; None where neither is clearly better, or only one can be predicted."""
    purchases: tuple[Purchase, ...] = ()
    prompts: int = 0
    samples: int = 0
    judges: int = 0
    dropped: int = 0
    """Prompts left out because a cell of theirs is missing."""
    level: float = 0.95
    method: str = ""
    sample_share: Estimate | None = None
    """Share of a prompt mean's variance that is the draw of its samples; None with one sample."""


class PairedNoise(Record):
    """Two sides that met the same draws: how often they answer alike, and the rate where they do not.

    Past the first token that differs both texts are draws of their own: nothing is gained there.
    """

    identical: int
    comparisons: int
    share: float
    """Comparisons of identical answers; in `Analysis.win_rate`, the rate overall, they count half."""
    differing: WinRate | None
    """The win rate among comparisons whose answers differ; None where there is none."""


class SequentialResult(Record):
    """Early stopping: the e-process after the last prompt (`brie.analyse.sequential`)."""

    wealth: MaybeFinite
    """Largest wealth so far against "the mean is one half"."""
    p_value: float
    stopped_at: int | None
    """Prompts judged when the wealth first reached 1/alpha; None if it never did."""
    low: float
    high: float
    mean: float
    prompts: int
    alpha: float
    decided: bool
    stopped_early: bool
    max_prompts: int


class ControlJudge(Record):
    """One judge on comparisons with a known answer."""

    win_rate: WinRate | None
    prompts: int
    p_adjusted: float | None = None
    """Of A/A pairs: its p over all judges (Holm)."""
    suspicious: bool | None = None
    """Of A/A pairs: one side was preferred."""
    recognised: bool | None = None
    """Of damaged copies: the intact answer was preferred."""


class ControlNumbers(Record):
    """The judges on one kind of comparison with a known answer."""

    win_rate: WinRate | None
    by_judge: dict[str, ControlJudge] = Field(default_factory=dict)
    recognised: bool | None = None
    identical: int = 0
    """Comparisons left out of recognition: the damage had changed nothing."""


class ControlResults(Record):
    """Comparisons whose answer is known; a kind is absent where it was not run."""

    aa: ControlNumbers | None = None
    """The baseline against itself with other samples."""
    damaged: ControlNumbers | None = None
    """The intact baseline answer (as candidate) against its damaged copy."""
