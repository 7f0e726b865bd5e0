"""The orders in which judges read their rubric's criteria: which judge reads which, where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brie.blinding import OWN_ORDER, CriteriaCodes, criteria_codes, deal_criteria
from brie.errors import UsageError
from brie.records import PanelJudge, Plan, Positions
from brie.records.base import CriteriaOrder


@dataclass(frozen=True)
class DealtOrders:
    """What was sealed, and what is dealt to judges that were added later."""

    dealt: Mapping[str, tuple[CriteriaCodes, Mapping[str, str]]]
    """Judge id -> what a digit stands for, and prompt id -> one digit a sample."""

    @classmethod
    def of(
        cls, plan: Plan, added: Sequence[PanelJudge], cells: Mapping[str, Mapping[str, str]]
    ) -> DealtOrders:
        """The orders of a plan's judges.

        Args:
            plan: as it was sealed.
            added: judges that joined since.
            cells: every judge's assignments.
        """
        blocks, orders = [(p.id, p.category) for p in plan.suite.prompts], plan.criteria_orders
        late = criteria_dealt(
            blocks, added, cells, positions=plan.positions, seed=plan.seed, orders=orders
        )
        seats = {seat.judge.id: seat for seat in (*plan.seats, *added)}
        return cls(
            {
                name: (criteria_of(seats[name], plan.positions, orders), codes)
                for name, codes in {**late, **plan.criteria}.items()
            }
        )

    def read(self, judge: str, prompt: str, sample: int) -> tuple[CriteriaOrder, ...]:
        """The order of the criteria in each presentation of a comparison."""
        if judge not in self.dealt:
            return OWN_ORDER
        codes, digits = self.dealt[judge]
        return codes[int(digits[prompt][sample])]


def reads_in_turn(panel_judge: PanelJudge) -> bool:
    """Whether a judge reads criteria whose order could matter."""
    return panel_judge.rubric is not None and len(panel_judge.rubric.criteria) > 1


def readable_orders(orders: int, panel_judges: Sequence[PanelJudge]) -> int:
    """In how many orders judges are to read their criteria.

    Raises:
        UsageError: no judge reads several criteria, or some judge so few that orders would be alike.
    """
    if orders < 2:
        return 1
    most = [len(seat.rubric.criteria) for seat in panel_judges if seat.rubric and reads_in_turn(seat)]
    if not most:
        raise UsageError(
            "no judge reads several criteria, so their order cannot be changed. Leave out "
            "--criteria-orders, or name a judge whose rubric lists criteria: brie judges ls"
        )
    if orders > min(most):
        raise UsageError(f"a rubric has {min(most)} criteria, so take --criteria-orders {min(most)}.")
    return orders


def criteria_of(panel_judge: PanelJudge, positions: Positions, orders: int) -> CriteriaCodes:
    """What a digit of a judge's dealt orders stands for.

    Log-probabilities of two presentations are read against each other: they take the same order.
    """
    return criteria_codes(positions, orders, alike=panel_judge.judge.output == "logprobs")


def criteria_dealt(
    prompts: Sequence[tuple[str, str]],
    panel_judges: Sequence[PanelJudge],
    cells: Mapping[str, Mapping[str, str]],
    *,
    positions: Positions,
    seed: int,
    orders: int,
) -> dict[str, dict[str, str]]:
    """Judge id -> prompt id -> one digit a sample (see `blinding.deal_criteria`).

    Args:
        prompts: ids and categories, in the suite's order.
        panel_judges: whose orders are wanted; those that read no criteria have none.
        cells: their assignments.
        positions: two complementary cells a comparison, or one of four.
        seed: the plan's.
        orders: of the criteria; 1: nothing is dealt.
    """
    if orders < 2:
        return {}
    return {
        seat.judge.id: deal_criteria(
            prompts, cells[seat.judge.id], len(criteria_of(seat, positions, orders)), positions,
            seed=seed, judge=seat.digest,
        )
        for seat in panel_judges
        if reads_in_turn(seat)
    }  # fmt: skip
