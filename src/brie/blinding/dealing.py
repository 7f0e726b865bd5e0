"""Which cell each presentation takes: orders, letters and criteria, dealt by hashes of the seed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import lcm

from brie.blinding.letters import Presentation
from brie.digest import canonical_json, text_digests
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
    return Blocks.of(prompts, positions, only).codes(samples, seed=seed, judge=judge)


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
    return Blocks.at(places, positions).codes(samples, seed=seed, judge=judge)


@dataclass(frozen=True)
class Blocks:
    """Prompts in the blocks within which codes are dealt, for any number of judges."""

    positions: Positions
    blocks: Sequence[Placed]
    """A category, and a block's place among its blocks."""
    rows: Mapping[str, tuple[int, int]]
    """Prompt id -> number of its block, and its row there."""

    @classmethod
    def of(
        cls,
        prompts: Iterable[tuple[str, str]],
        positions: Positions,
        only: Collection[str] | None = None,
    ) -> Blocks:
        """The blocks of some prompts.

        Args:
            prompts: ids and categories, in the suite's order.
            positions: two complementary cells a comparison, or one of four.
            only: prompts whose codes are wanted; the others still take their places.
        """
        places = placed(prompts)
        if only is not None:
            places = {name: place for name, place in places.items() if name in only}
        return cls.at(places, positions)

    @classmethod
    def at(cls, places: Mapping[str, Placed], positions: Positions) -> Blocks:
        """The blocks of prompts whose places are known."""
        width = _width(positions)
        numbers: dict[Placed, int] = {}
        rows = {
            name: (numbers.setdefault((category, rank // width), len(numbers)), rank % width)
            for name, (category, rank) in places.items()
        }
        return cls(positions, tuple(numbers), rows)

    def codes(self, samples: int, *, seed: int, judge: str) -> dict[str, str]:
        """One judge's codes: prompt id -> one digit a sample.

        Args:
            samples: samples a prompt.
            seed: the plan's.
            judge: the judge's digest.
        """
        width = _width(self.positions)
        before = {
            category: canonical_json([seed, judge, category, self.positions])[:-1]
            for category in {name for name, _ in self.blocks}
        }
        drawn = _deals(width, [f"{before[category]},{number}" for category, number in self.blocks])
        written = {deal: _written(deal, samples) for deal in set(drawn)}
        of_block = [written[deal] for deal in drawn]
        return {name: of_block[block][row] for name, (block, row) in self.rows.items()}


def _width(positions: Positions) -> int:
    """Codes of a block."""
    return 2 if positions == "both" else 4


def _written(deal: Sequence[int], samples: int) -> tuple[str, ...]:
    """The codes of a block's prompts."""
    width = len(deal)
    rows = (0, 1) if width == 2 else _BIT_REVERSED
    return tuple("".join(str(deal[(sample % width) ^ row]) for sample in range(samples)) for row in rows)


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
    width = _width(positions)
    turn, whole = lcm(width, codes), width * codes
    dealt: dict[str, str] = {}
    deals: dict[Placed, tuple[int, ...]] = {}
    for name, (category, rank) in placed(prompts).items():
        start = rank // width * width
        places = [start + int(cell) for cell in cells[name]]
        block = (category, start // whole)
        if block not in deals:
            before = canonical_json(["criteria", seed, judge, category, positions, block[1]])[:-1]
            (deals[block],) = _deals(codes, [before])
        deal = deals[block]
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


def _deals(width: int, blocks: Sequence[str]) -> list[tuple[int, ...]]:
    """A permutation of the codes for each block, drawn by a hash of it.

    Args:
        width: how many codes there are.
        blocks: canonical JSON of each, without its closing bracket.
    """
    hashed = text_digests(f"{block},{code}]" for block in blocks for code in range(width))
    if width == 2:
        return [
            (0, 1) if one < two else (1, 0) for one, two in zip(hashed[::2], hashed[1::2], strict=True)
        ]
    return [
        tuple(sorted(range(width), key=hashed[start : start + width].__getitem__))
        for start in range(0, len(hashed), width)
    ]
