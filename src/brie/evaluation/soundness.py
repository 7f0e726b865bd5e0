"""Whether a sealed plan may be computed on: its seal and chain hold, and it is possible at all."""

from __future__ import annotations

from collections.abc import Sequence

from brie.blinding import BALANCED, BOTH
from brie.errors import SealBroken, UsageError
from brie.evaluation.criteria import criteria_of, reads_in_turn
from brie.evaluation.manifest import broken_links
from brie.evaluation.votes import voters
from brie.evaluation.work import Work
from brie.records import Manifest, Plan
from brie.records.base import remembered


@remembered
def unsound(manifest: Manifest) -> Sequence[str]:
    """Why no number may be computed on a plan; empty where nothing speaks against it.

    What is inside a plan is looked at only where its seal holds: one that does not may say anything.
    """
    return broken_links(manifest) or _contradictions(manifest)


_SIDES = {"candidate", "baseline"}


def refuse_unsound(manifest: Manifest) -> None:
    """Refuse a plan that no number may be computed on.

    Raises:
        SealBroken: its seal or chain does not hold, or it contradicts itself.
    """
    if broken := unsound(manifest):
        raise SealBroken(
            f"{manifest.id}: the seal is broken, so nothing is computed on it: {'; '.join(broken)}. "
            f"Put its manifest.json back from a copy; what does not hold: brie verify {manifest.id}"
        )


def _contradictions(manifest: Manifest) -> Sequence[str]:
    """What a plan says that cannot be, although it was sealed so."""
    wrong = [f"the plan contradicts itself: {what}" for what in _impossible(manifest.plan)]
    if set(manifest.names) != _SIDES or set(manifest.locations) != _SIDES:
        wrong.append("the manifest does not name both sides")
    if wrong:
        return wrong
    try:
        Work.of(manifest)
        voters(manifest)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        return [f"what was added to the plan cannot be read ({type(error).__name__})"]
    return []


def _impossible(plan: Plan) -> Sequence[str]:
    ids = [prompt.id for prompt in plan.suite.prompts]
    if not len(set(ids)) == len(ids) == len(plan.order) or set(plan.order) != set(ids):
        return ["its order of work does not name each prompt once"]
    if not set(plan.controls.prompts) <= set(ids):
        return ["a control is on a prompt that it does not have"]
    judges = {seat.judge.id for seat in plan.seats}
    if set(plan.assignments) != judges or len(judges) != len(plan.seats):
        return ["its assignments are not those of its judges"]
    codes = set(BOTH if plan.positions == "both" else BALANCED)
    for judge, assigned in plan.assignments.items():
        dealt = assigned.values()
        if set(assigned) != set(ids) or any(len(code) != plan.samples for code in dealt):
            return [f"the assignments of {judge} are not those of its prompts and samples"]
        if not set("".join(dealt)) <= codes:
            return [f"the assignments of {judge} name an order that there is not"]
    return _impossible_orders(plan)


def _impossible_orders(plan: Plan) -> Sequence[str]:
    """What the dealt orders of the criteria say that cannot be."""
    if plan.criteria_orders not in (1, 2, 3):
        return [f"there are no {plan.criteria_orders} orders of criteria"]
    reading = {s.judge.id: s for s in plan.seats if plan.criteria_orders > 1 and reads_in_turn(s)}
    if set(plan.criteria) != set(reading):
        return ["its orders of the criteria are not those of the judges that read some"]
    for judge, dealt in plan.criteria.items():
        codes = criteria_of(reading[judge], plan.positions, plan.criteria_orders)
        digits = {str(digit) for digit in range(len(codes))}
        cells = plan.assignments[judge]
        if dealt.keys() != cells.keys() or any(len(dealt[n]) != len(cells[n]) for n in cells):
            return [f"the orders of the criteria of {judge} are not those of its prompts and samples"]
        if not set("".join(dealt.values())) <= digits:
            return [f"the orders of the criteria of {judge} name one that there is not"]
    return []
