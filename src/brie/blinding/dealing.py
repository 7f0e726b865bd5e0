"""Which cell each presentation takes: orders, letters and criteria, dealt by hashes of the seed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import lcm

from brie.blinding.letters import Presentation
from brie.digest import Canonical, canonical_json, text_digests
from brie.records import Letter, Order, Positions
from brie.records.base import CRITERIA_ORDERS, CriteriaOrder

Cell = tuple[Order, Letter]
Placed = tuple[str, int]
"""A category, and a prompt's place among its prompts, from 0."""

BOTH: dict[str, tuple[Cell, ...]] = {
    "0": (("candidate_first", "A"), ("baseline_first", "B")),
    "1": (("candidate_first", "B"), ("baseline_first", "A")),
}
BALANCED: dict[str, tuple[Cell, ...]] = {
    "0": (("candidate_first", "A"),),
    "1": (("candidate_first", "B"),),
    "2": (("baseline_first", "A"),),
    "3": (("baseline_first", "B"),),
}
OWN_ORDER: tuple[CriteriaOrder, ...] = ("own", "own")
"""The criteria as the rubric has them, in both presentations."""
_BIT_REVERSED = (0, 2, 1, 3)
"""Rows `s ^ r` of this order form a Latin square whose every corner rectangle is balanced."""


def assign(
    prompts: Sequence[tuple[str, str]],
    samples: int,
    positions: Positions,
    *,
    seed: int,
    judge: str,
    only: Collection[str] | None = None,
) -> dict[str, str]:
    """Codes of one judge's presentations: prompt id -> one digit a sample.

    Args:
        prompts: ids and categories, in the suite's order.
        samples: samples a prompt.
        positions: two complementary cells a comparison, or one of four.
        seed: the plan's.
        judge: the judge's digest.
        only: prompts whose codes are wanted; the others still take their places.
    """
    places = placed(prompts)
    wanted = places if only is None else {name: places[name] for name in places if name in only}
    return codes_at(wanted, samples, positions, seed=seed, judge=judge)


def placed(prompts: Iterable[tuple[str, str]]) -> dict[str, Placed]:
    """Prompt id -> where it stands, which decides its codes.

    Args:
        prompts: ids and categories, in the suite's order.
    """
    seen: dict[str, int] = {}
    places: dict[str, Placed] = {}
    for name, category in prompts:
        rank = seen.get(category, 0)
        seen[category] = rank + 1
        places[name] = category, rank
    return places


def codes_at(
    places: Mapping[str, Placed], samples: int, positions: Positions, *, seed: int, judge: str
) -> dict[str, str]:
    """`assign` of prompts whose places are known.

    Args:
        places: of the prompts whose codes are wanted, from `placed`.
        samples: samples a prompt.
        positions: two complementary cells a comparison, or one of four.
        seed: the plan's.
        judge: the judge's digest.
    """
    width = 2 if positions == "both" else 4
    codes: dict[str, str] = {}
    deals: dict[tuple[str, int], list[int]] = {}
    for name, (category, rank) in places.items():
        block = (category, rank // width)
        if block not in deals:
            deals[block] = _deal(width, [seed, judge, category, positions, rank // width])
        deal = deals[block]
        row = rank % width if width == 2 else _BIT_REVERSED[rank % width]
        codes[name] = "".join(str(deal[(sample % width) ^ row]) for sample in range(samples))
    return codes


def presentations(
    code: str,
    *,
    positions: Positions,
    prompt: str,
    candidate: str,
    baseline: str,
    criteria: tuple[CriteriaOrder, ...] = OWN_ORDER,
) -> tuple[Presentation, ...]:
    """The presentations of one comparison.

    Args:
        code: one digit from `assign`.
        positions: what the code belongs to.
        prompt: digest of the messages.
        candidate: key of the candidate's completion.
        baseline: key of the baseline's completion.
        criteria: the order of the criteria in each of them.
    """
    cells = (BOTH if positions == "both" else BALANCED)[code]
    return tuple(
        Presentation(
            prompt=prompt,
            candidate=candidate,
            baseline=baseline,
            order=order,
            candidate_letter=letter,
            criteria=read,
        )
        for (order, letter), read in zip(cells, criteria, strict=False)
    )


CriteriaCodes = tuple[tuple[CriteriaOrder, ...], ...]
"""Digit -> the order of the criteria in each presentation of a comparison."""


def criteria_codes(positions: Positions, orders: int, *, alike: bool = False) -> CriteriaCodes:
    """What a digit of `deal_criteria` stands for: the order of the criteria in each presentation.

    Args:
        positions: two presentations a comparison, or one.
        orders: 2 or 3.
        alike: both presentations take the same order, for judges whose two are read against each other.
    """
    names = CRITERIA_ORDERS[:orders]
    if positions == "balanced":
        return tuple((name,) for name in names)
    if alike:
        return tuple((name, name) for name in names)
    turns = range(1, orders)
    return tuple((names[k], names[(k + turn) % orders]) for turn in turns for k in range(orders))


def deal_criteria(
    prompts: Sequence[tuple[str, str]],
    cells: Mapping[str, str],
    codes: int,
    positions: Positions,
    *,
    seed: int,
    judge: str,
) -> dict[str, str]:
    """Orders of the criteria of one judge's presentations: prompt id -> one digit a sample.

    Within every category each digit comes equally often, to within one, after each block of cells, and
    with every cell alike after as many blocks as there are digits.

    Args:
        prompts: ids and categories, in the suite's order.
        cells: `assign`'s codes of the same judge.
        codes: how many digits there are (`criteria_codes`).
        positions: what the cells belong to.
        seed: the plan's.
        judge: the judge's digest.
    """
    width = 2 if positions == "both" else 4
    turn, whole = lcm(width, codes), width * codes
    seen: dict[str, int] = {}
    dealt: dict[str, str] = {}
    for name, category in prompts:
        rank = seen.get(category, 0)
        seen[category] = rank + 1
        start = rank // width * width
        places = [start + int(cell) for cell in cells[name]]
        deal = _deal(codes, ["criteria", seed, judge, category, positions, start // whole])
        dealt[name] = "".join(str(deal[(place + place // turn) % codes]) for place in places)
    return dealt


def drawn(lot: str, *, prompt: str, candidate: str, baseline: str) -> Presentation:
    """A presentation in one of the four cells, whichever a lot gives.

    For comparisons whose sides are named after each vote: dealt in blocks, as `assign` does, the earlier
    ones would tell the last of a block.

    Args:
        lot: drawn anew for each, from what nobody can guess.
        prompt: digest of the messages.
        candidate: key of the candidate's completion.
        baseline: key of the baseline's completion.
    """
    (code,) = assign([("", "")], 1, "balanced", seed=0, judge=lot).values()
    (shown,) = presentations(
        code, positions="balanced", prompt=prompt, candidate=candidate, baseline=baseline
    )
    return shown


def _deal(width: int, block: Sequence[Canonical]) -> list[int]:
    """A permutation of the codes, drawn by a hash of the block."""
    before = canonical_json(block)[:-1]
    lots = text_digests(f"{before},{code}]" for code in range(width))  # of the block with each code
    return sorted(range(width), key=lots.__getitem__)
