"""Which cells a comparison's presentations take (invariant I1).

A cell is an order (candidate first or second) with a lettering (candidate A or B). With
`positions = "both"` a comparison takes two complementary cells, in one of two ways:

    "0"  {candidate first & A, candidate second & B}     the answer shown first carries A
    "1"  {candidate first & B, candidate second & A}     the answer shown first carries B

With "balanced" it takes one of four cells. Prompts of a category go in blocks, in the suite's
order, and each block is dealt by a hash of the seed and the judge, so that within every judge x
category the counts differ by at most one, whatever the number of prompts and samples. Adding
samples or judges, or appending prompts to a suite, moves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from brie.digest import Canonical, digest
from brie.records import Letter, Order, Positions, Presentation

Cell = tuple[Order, Letter]

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
    width = 2 if positions == "both" else 4
    seen: dict[str, int] = {}
    codes: dict[str, str] = {}
    deals: dict[tuple[str, int], list[int]] = {}
    for name, category in prompts:
        rank = seen.get(category, 0)
        seen[category] = rank + 1
        if only is not None and name not in only:
            continue
        block = (category, rank // width)
        if block not in deals:
            deals[block] = _deal(width, [seed, judge, category, positions, rank // width])
        deal = deals[block]
        row = rank % width if width == 2 else _BIT_REVERSED[rank % width]
        codes[name] = "".join(str(deal[(sample % width) ^ row]) for sample in range(samples))
    return codes


@lru_cache(maxsize=64)  # judges of one comparison share them
def presentations(
    code: str, positions: Positions, *, prompt: str, candidate: str, baseline: str
) -> tuple[Presentation, ...]:
    """The presentations of one comparison.

    Args:
        code: one digit from `assign`.
        positions: what the code belongs to.
        prompt: digest of the messages.
        candidate: key of the candidate's completion.
        baseline: key of the baseline's completion.
    """
    cells = (BOTH if positions == "both" else BALANCED)[code]
    return tuple(
        Presentation(
            prompt=prompt, candidate=candidate, baseline=baseline, order=order, candidate_letter=letter
        )
        for order, letter in cells
    )


def _deal(width: int, block: Sequence[Canonical]) -> list[int]:
    """A permutation of the codes, drawn by a hash of the block."""
    return sorted(range(width), key=lambda code: digest([*block, code]))
