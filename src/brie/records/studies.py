"""Documents beside an evaluation's own: agreement, comparison, curve, plan table and judge check."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brie.records.agreement import Agreement
from brie.records.base import Document, Positions, Record, later, schema_field
from brie.records.estimates import Ends, Estimate
from brie.records.judges import JudgeNumbers
from brie.records.people import MeasuredByPeople, MeasuredJudge

Role = Literal["panel", "stopped", "beside"]
"""What a judge is to the headline."""


class WhoJudged(Record):
    """A judge, and what it is to the headline."""

    provider: str
    model: str
    role: Role


class EvaluationFacts(Record):
    """An evaluation as the documents about several name it."""

    id: str
    candidate: str
    baseline: str
    suite: str
    created: str
    seal: str
    rows_digest: str


class AgreementDocument(Document):
    """How the judges of one or more evaluations agree (`brie.agreement/1`)."""

    schema_: str = schema_field("agreement")
    evaluations: tuple[EvaluationFacts, ...]
    prompts: int
    judges: tuple[str, ...]
    """The panel's first."""
    who: dict[str, WhoJudged]
    agreement: Agreement
    by_judge: dict[str, JudgeNumbers]
    """Rate, outcomes, presentation, rewards and consistency of each."""
    warnings: tuple[str, ...] = ()
    notes: dict[str, str] = Field(default_factory=dict)
    people: dict[str, MeasuredByPeople] = Field(default_factory=dict)
    """Evaluation -> what people's votes on drawn prompts say of its judges; absent without votes."""

    @property
    def panel(self) -> tuple[str, ...]:
        """The judges of the headline."""
        return tuple(name for name, who in self.who.items() if who.role == "panel")


class Difference(Record):
    """First minus second, paired by prompt."""

    first: str
    second: str
    value: float
    low: float | None
    """None below `FEWEST_PROMPTS` shared ones."""
    high: float | None
    level: float
    p_value: float
    p_adjusted: float
    """Holm over every pair compared."""
    prompts: int
    method: str
    simultaneous: Ends | None = None
    """Interval at which those of all pairs hold together; excludes 0 exactly where `p_adjusted` is
    below 1 - level. None for a single pair."""


class ComparedEvaluation(Record):
    """One of the evaluations that are compared."""

    candidate: str
    created: str


class ComparisonDocument(Document):
    """Several evaluations paired by prompt (`brie.compare/1`)."""

    schema_: str = schema_field("compare")
    evaluations: dict[str, ComparedEvaluation]
    differences: tuple[Difference, ...]
    scope: str
    warnings: tuple[str, ...] = ()


class CurveRung(Record):
    """One checkpoint of a curve; all intervals of a curve hold together."""

    name: str
    value: float
    low: float
    high: float
    level: float
    p_adjusted: float
    prompts: int
    method: str
    step: int | None
    validation_loss: float | None


class QuotedRate(Record):
    """The win rate of the chosen checkpoint on the prompts that did not choose it."""

    value: float
    low: float
    high: float
    level: float
    method: str
    resamples: int | Literal["exact"]
    prompts: int
    p_value: float


class CurveSelection(Record):
    """The checkpoint that judges chose on one half of the suite, quoted on the other."""

    checkpoint: str
    step: int | None
    evaluation: str
    dev_prompts: int
    dev_win_rate: float
    quoted_prompts: int
    win_rate: QuotedRate
    rows: str
    """Digest of the prompt means that are quoted."""
    suite: str
    looks: int = 0
    """How often the suite had been looked at, this time included."""


class CurveDocument(Document):
    """The win rate over a run's training steps (`brie.curve/1`)."""

    schema_: str = schema_field("curve")
    prompts: str
    """Which prompts, in words."""
    checkpoints: tuple[CurveRung, ...]
    best_by_validation_loss: str | None
    evaluations: dict[str, str]
    """Checkpoint -> its evaluation's id."""
    selection: CurveSelection | None = None


class JudgePrice(Record):
    """What one judge of a planned design costs."""

    calls: int
    usd: float | None
    """None where its price is not known."""
    usd_at_most: float | None
    minutes: float
    host: str | None


class PlanPrice(Record):
    """What judging one design costs in all."""

    calls: int
    usd: float | None
    usd_batch: float | None
    minutes: float | None
    by_judge: dict[str, JudgePrice]


class PlanDesign(Record):
    """One design: what it can tell, and what it costs."""

    samples: int
    positions: Positions
    ratio: float
    """Variance of a prompt mean over p(1 - p)."""
    detectable: float | None
    formula: dict[str, int]
    """True rate -> prompts by the formula alone."""
    needed: dict[str, int]
    equivalence: int
    price: PlanPrice | None = None
    measured: str | None = None
    """The evaluation of these judges in these orders whose variance was used, with its upper limit."""
    assumed: str | None = None
    """What that evaluation could not measure, and is assumed."""


class VoterRates(Record):
    """What a person's vote takes and costs, as whoever plans says."""

    minutes_per_vote: float = Field(default=1.0, gt=0)
    usd_per_hour: float = Field(default=0.0, ge=0)
    """0: people's time is counted in minutes alone."""


OptionKind = Literal["votes", "prompts", "judge"]


class NarrowingOption(Record):
    """One thing that narrows the interval of people's rate on new prompts."""

    kind: OptionKind
    amount: int
    """Votes of people, prompts that judges alone judge, or judges."""
    judge: str | None
    """The judge to be added."""
    priced_like: bool = False
    """Another judge like this one, which is on the panel: its price is this one's."""
    half_width: float
    """Of the rate afterwards, in units of the win rate."""
    narrower: float
    """By how much less that is than now."""
    usd: float | None
    """None where a price is not known."""
    minutes: float | None
    """A person's, or the slowest judge's; None where a local judge has never been timed."""


class Narrowing(Record):
    """What to buy next for a rate that people's votes decide."""

    evaluation: str
    """Whose votes say what each is worth."""
    judges: tuple[str, ...]
    votes: int
    """Prompts with votes."""
    others: int
    """Prompts without."""
    half_width: float
    """Of people's rate on new prompts now, in units of the win rate."""
    correlation: Estimate
    """Of the panel's prompt means with people's."""
    rates: VoterRates
    options: tuple[NarrowingOption, ...]
    per_dollar: int | None
    """Place of the option that narrows most per dollar, free ones first; None where none does."""
    per_minute: int | None
    settled: bool
    """Both are the same at both ends of the correlation's interval."""


class PlanTable(Document):
    """What a suite can detect (`brie.plan-table/1`)."""

    schema_: str = schema_field("plan-table")
    suite: str
    prompts: int
    measured: str | None
    """The evaluation whose variance components every row uses; None: the assumed correlation, or
    rows differ: each names its own."""
    judges: tuple[str, ...]
    rows: tuple[PlanDesign, ...]
    candidate: str | None = later(None)
    """The model that is to be measured; then `prompts` are those left for it."""
    trained_on: int = later(0)
    """Prompts of the suite that are in or near what it was trained on."""
    taught_by: tuple[str, ...] = later(())
    """Judges whose verdicts it learned from: they cannot judge it alone."""
    narrowing: Narrowing | None = None
    """Where people voted on this suite: what narrows their rate; absent elsewhere."""


class CardMargins(Record):
    """Of a judge that gives numbers: from which on they are a difference, and whether it can tell."""

    tie: float
    """A margin of at most this is a tie."""
    asked_again: int
    """Pairs asked twice, from which that was measured."""
    accuracy: Estimate
    """Every family of pairs weighs the same, a tie counts half; pairs clustered by source."""
    sources: int
    may_count: bool
    """Its lower end lies above one half: with controls passed, it may enter a headline."""
    spread: float
    """Standard deviation of the margins."""
    lean: float | None
    """Mean log odds of the letter A; None where no letters are asked for."""
    lean_spread: float | None
    """Their standard deviation over pairs: what margins cannot take out."""
    mass: float | None
    """Mean probability of both letters together."""


class JudgeCard(Record):
    """What a judge's verdicts on pairs with a known answer say of it."""

    judge: str
    provider: str
    model: str
    digest: str
    rubric: str | None
    served: tuple[str, ...] = ()
    """What answered, as the provider says."""
    pairs: int
    verdicts: int
    usable: int
    status: dict[str, int]
    accuracy: Estimate | None
    """Over pairs with a better answer, a tie counting half."""
    by_family: dict[str, Estimate | None]
    position: Estimate | None
    """How much more often the first answer won than lost."""
    label: Estimate | None
    """The same of the letter A."""
    flips: Estimate | None
    """Share of pairs with another outcome when the order is exchanged."""
    injection: Estimate | None
    """Share of votes for an answer that asks for them."""
    usd: float
    usd_per_1000: float
    seconds: float
    margins: CardMargins | None = None
    """Absent for judges that answer in words."""
    people: dict[str, MeasuredJudge] = Field(default_factory=dict)
    """Evaluation -> what people's votes on drawn prompts said of it there; absent without votes."""


class PairsUsed(Record):
    """The pairs that judges were shown."""

    count: int
    digest: str


class JudgeCheckDocument(Document):
    """Cards of several judges (`brie.judge_check/1`)."""

    schema_: str = schema_field("judge_check")
    pairs: PairsUsed
    cards: tuple[JudgeCard, ...]


class JudgeDrift(Record):
    """A judge's anchors, and what asking them again came to last."""

    judge: str
    model: str
    digest: str
    anchors: int
    """Presentations."""
    flipped: int
    """How many are of comparisons it flipped on."""
    origin: str
    sealed: str
    """When."""
    moved: int
    """Of how many it said otherwise, most of the times, than the verdict they were chosen by."""
    noise: float
    """Share of the anchors that changes by itself."""
    noise_upper: float
    repeats: int
    """Verdicts that was measured with."""
    expected: float
    """Changes of a check by noise alone."""
    limit: int
    """More are an alarm."""
    limit_to_confirm: int
    """More in a second asking confirm it."""
    false_alarm: float
    """Chance of a confirmed false alarm a check, at most."""
    days: float
    """Between two checks: as they were made, or as evaluations make them."""
    false_alarm_a_year: float
    power: float
    """Chance that one asking finds a change as by another prompt."""
    power_confirmed: float
    checks: int
    outcome: Literal["same", "not_confirmed", "changed"] | None
    """None: it was not asked again yet."""
    at: str | None
    changed: int | None
    changed_again: int | None
    """In the second asking, where there was one."""
    served: tuple[str, ...]
    """What its provider said answered last."""


class DriftDocument(Document):
    """Anchors of several judges (`brie.drift/1`)."""

    schema_: str = schema_field("drift")
    judges: tuple[JudgeDrift, ...]
