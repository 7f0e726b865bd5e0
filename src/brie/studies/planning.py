"""What a suite can detect and what judging it would cost, before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TypedDict

from brie.analyse.pilot import assumed, measured_ratio
from brie.analyse.power import PlanRow, plan_table, variance_ratio
from brie.blinding import JudgeInput
from brie.catalog import with_system
from brie.conventions import CONTROLS
from brie.evaluation.plan import panel_judge
from brie.judge.prices import is_paid, price_of
from brie.judge.quote import CallStats, JudgeQuote, blank_answers, quote
from brie.judge.settings import request_bytes
from brie.records import JudgeSpec, PanelJudge, Positions, Rubric, Sampling, Suite
from brie.records.estimates import VarianceComponents
from brie.records.studies import JudgePrice, Narrowing, PlanDesign, PlanPrice, PlanTable
from brie.studies.left import Left


@dataclass(frozen=True, slots=True)
class Price:
    """What judging one design costs in all, as `brie eval` with its controls would do it."""

    calls: int
    usd: float | None
    """US dollars, one call at a time; None where a judge's price is not known."""
    usd_batch: float | None
    """The same through the providers' batches, which take up to a day."""
    minutes: float | None
    """Of the slowest judge; None where a local judge has never been timed."""
    by_judge: dict[str, JudgePrice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One design: what it can tell, and what it costs."""

    positions: Positions
    power: PlanRow
    price: Price | None
    measured: str | None = None
    """The evaluation of the same judges in the same orders whose variance was used; None: assumed."""
    assumed: str | None = None
    """What that evaluation could not measure, and is assumed."""


@dataclass(frozen=True, slots=True)
class Design:
    """Several designs of one suite."""

    suite: str
    prompts: int
    rows: tuple[Row, ...]
    judges: tuple[str, ...]
    left: Left | None = None
    """Where a candidate was named, what the suite leaves for it."""
    narrowing: Narrowing | None = None
    """What narrows people's rate, where they voted on this suite."""

    @property
    def measured(self) -> str | None:
        """The evaluation whose variance every row uses; None: none, or the rows differ."""
        used = {row.measured for row in self.rows}
        return used.pop() if len(used) == 1 else None

    def document(self) -> PlanTable:
        """As it is written."""
        return PlanTable(
            suite=self.suite,
            prompts=self.prompts,
            measured=self.measured,
            judges=self.judges,
            rows=tuple(_design(row) for row in self.rows),
            **self._left(),
            **({"narrowing": self.narrowing} if self.narrowing else {}),
        )

    def _left(self) -> PlanLeft:
        if self.left is None:
            return {}
        gone = self.left.prompts - self.prompts
        return {
            "candidate": self.left.candidate, "trained_on": gone, "taught_by": self.left.taught_by,
        }  # fmt: skip


class PlanLeft(TypedDict, total=False):
    """What a plan says of its candidate."""

    candidate: str
    trained_on: int
    taught_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier evaluation of the suite measured, by the judges and orders that are planned."""

    id: str
    rate: float
    variance: VarianceComponents


def design(
    suite: Suite,
    samples: Sequence[int],
    positions: Sequence[Positions],
    *,
    earlier: Mapping[Positions, Earlier] | None = None,
    seats: Sequence[PanelJudge] = (),
    habits: Mapping[str, CallStats] | None = None,
    sampling: Sampling | None = None,
) -> Design:
    """Every combination of samples and positions.

    Args:
        suite: its prompts.
        samples: numbers of samples to compare.
        positions: orders to compare; without measured components they differ in price alone.
        earlier: orders -> what these judges measured in them, where they did.
        seats: judges to be priced.
        habits: judge -> what its earlier calls were like.
        sampling: limits of the answers; the suite's own by default.
    """
    rows = []
    for order in positions:
        pilot = (earlier or {}).get(order)
        ratios, used = _ratios(pilot, samples)
        for power in plan_table(len(suite.prompts), ratios):
            cost = price(suite, seats, power.samples, order, habits or {}, sampling) if seats else None
            rows.append(
                Row(
                    order,
                    power,
                    cost,
                    measured=used.id if used else None,
                    assumed=assumed(used.variance, samples) if used else None,
                )
            )
    names = tuple(panel_judge.judge.id for panel_judge in seats)
    return Design(suite.name, len(suite.prompts), tuple(rows), names)


def place(spec: JudgeSpec, rubric: Rubric | None) -> PanelJudge:
    """A judge as it would be sealed: its weights and its key are not needed for that."""
    return panel_judge(spec, None if spec.provided.kind == "rule" else rubric)


def _ratios(pilot: Earlier | None, samples: Sequence[int]) -> tuple[dict[int, float], Earlier | None]:
    """Samples -> variance ratio, and the evaluation they come from; None: they are assumed."""
    if pilot is not None:
        measured = {k: measured_ratio(pilot.variance, k, rate=pilot.rate) for k in samples}
        known = {k: ratio for k, ratio in measured.items() if ratio is not None}
        if len(known) == len(measured):
            return known, pilot
    return {k: variance_ratio(k) for k in samples}, None


def price(
    suite: Suite,
    seats: Sequence[PanelJudge],
    samples: int,
    positions: Positions,
    habits: Mapping[str, CallStats],
    sampling: Sampling | None = None,
    *,
    controls: int = CONTROLS,
) -> Price:
    """What judging a suite costs.

    Args:
        suite: its prompts.
        seats: who judges.
        samples: samples a prompt.
        positions: orders a comparison is judged in.
        habits: judge -> what its earlier calls were like.
        sampling: limits of the answers; the suite's own by default.
        controls: prompts with a known answer that are judged besides.
    """
    used = sampling or suite.sampling or Sampling()
    sizes = _sizes(suite, samples, positions, used, controls)
    live, batched = (
        [
            _quote(panel_judge, sizes, habits.get(panel_judge.judge.id, CallStats()), batch=batch)
            for panel_judge in seats
        ]
        for batch in (False, True)
    )
    unknown = any(q.paid and q.price is None for q in live)
    untimed = any(
        not q.minutes and panel_judge.judge.provided.weights
        for q, panel_judge in zip(live, seats, strict=True)
    )
    return Price(
        calls=sum(q.calls for q in live),
        usd=None if unknown else sum(q.expected for q in live),
        usd_batch=None if unknown else sum(q.expected for q in batched),
        minutes=None if untimed else max(q.minutes for q in live),
        by_judge={
            q.judge: JudgePrice(
                calls=q.calls,
                usd=None if q.paid and q.price is None else q.expected,
                usd_at_most=None if q.paid and q.price is None else q.worst,
                minutes=q.minutes,
                host=q.host,
            )
            for q in live
        },
    )


def _quote(
    panel_judge: PanelJudge, sizes: Sequence[int], habits: CallStats, *, batch: bool
) -> JudgeQuote:
    spec = panel_judge.judge
    if is_paid(spec):
        known = price_of(spec, longest=max(sizes, default=0))
        panel_judge = panel_judge.model_copy(update={"judge": spec.model_copy(update={"price": known})})
    return quote(panel_judge, sizes, habits, batch=batch)


def _sizes(
    suite: Suite, samples: int, positions: Positions, sampling: Sampling, controls: int
) -> list[int]:
    """UTF-8 bytes of every request's own texts, answers being as long as usual."""
    answer, _ = blank_answers(sampling.max_new_tokens)
    orders = 2 if positions == "both" else 1
    each = [
        request_bytes(
            JudgeInput(
                messages=with_system(p, suite),
                reference=p.reference,
                check=p.check,
                first=answer,
                second=answer,
                first_letter="A",
            )
        )
        for p in suite.prompts
    ]
    known = each[:controls] * (2 if sampling.temperature > 0 else 1)
    return [size for size in each for _ in range(samples * orders)] + known * orders


def _design(row: Row) -> PlanDesign:
    power, cost = row.power, row.price
    priced = {} if cost is None else {"price": PlanPrice(**asdict(cost))}
    return PlanDesign(
        samples=power.samples,
        positions=row.positions,
        ratio=power.ratio,
        detectable=power.detectable,
        formula={f"{rate:g}": n for rate, n in power.formula.items()},
        needed={f"{rate:g}": n for rate, n in power.needed.items()},
        equivalence=power.equivalence,
        measured=row.measured,
        assumed=row.assumed,
        **priced,
    )
