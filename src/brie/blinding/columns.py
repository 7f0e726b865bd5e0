"""Many presentations as columns: which cell each takes, and what names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from brie.blinding.dealing import BALANCED, BOTH, Cell
from brie.blinding.letters import Ints, Presentation, first_letter, in_order, presentation_digests
from brie.records import Order, Positions
from brie.records.base import CRITERIA_ORDERS, CriteriaOrder

CELLS: tuple[Cell, ...] = tuple(cell for code in sorted(BALANCED) for cell in BALANCED[code])
"""The four cells, as `Presentations.cell` counts them."""
Strings = npt.NDArray[np.object_]


def cells_of(codes: Iterable[str], positions: Positions) -> Ints:
    """The cells of many comparisons, one row a digit and one column a presentation.

    Args:
        codes: of `assign`, one digit a comparison.
        positions: what they belong to.
    """
    cells = BOTH if positions == "both" else BALANCED
    table = [[CELLS.index(cell) for cell in cells[code]] for code in sorted(cells)]
    return np.array(table, np.int64)[digits(codes)]


def criteria_read(codes: Iterable[str], orders: Sequence[Sequence[CriteriaOrder]]) -> Ints:
    """The orders of the criteria in many comparisons, as places in `CRITERIA_ORDERS`.

    Args:
        codes: of `deal_criteria`, one digit a comparison.
        orders: what a digit stands for (`criteria_codes`).
    """
    table = [[CRITERIA_ORDERS.index(order) for order in each] for each in orders]
    return np.array(table, np.int64)[digits(codes)]


def digits(codes: Iterable[str]) -> Ints:
    """The digits of some codes, one after the other."""
    return np.frombuffer("".join(codes).encode("ascii"), np.uint8).astype(np.int64) - ord("0")


@dataclass(frozen=True, eq=False)
class Presentations:
    """Different presentations, one entry each."""

    prompts: Sequence[str]
    """Digest of what is read, one entry a pair."""
    candidates: Sequence[str]
    """Key of the candidate's completion, one entry a pair."""
    baselines: Sequence[str]
    pair: Ints
    """Which pair is shown."""
    cell: Ints
    """In which of `CELLS`."""
    criteria: Ints
    """In which of `CRITERIA_ORDERS` the criteria are read."""

    def __len__(self) -> int:
        return len(self.pair)

    def at(self, number: int) -> Presentation:
        """One of them."""
        pair = int(self.pair[number])
        order, letter = CELLS[self.cell[number]]
        return Presentation(
            prompt=self.prompts[pair], candidate=self.candidates[pair], baseline=self.baselines[pair],
            order=order, candidate_letter=letter, criteria=CRITERIA_ORDERS[self.criteria[number]],
        )  # fmt: skip

    @property
    def position(self) -> Ints:
        """+1 where the candidate is shown first, -1 where second."""
        return _POSITION[self.cell]

    @property
    def label(self) -> Ints:
        """+1 where the candidate is A, -1 where it is B."""
        return _LABEL[self.cell]

    @cached_property
    def digests(self) -> Strings:
        """`Presentation.digest` of each."""
        named = np.empty(len(self), np.object_)
        for cell, (order, letter) in enumerate(CELLS):
            for code, criteria in enumerate(CRITERIA_ORDERS):
                rows = np.flatnonzero((self.cell == cell) & (self.criteria == code))
                if len(rows):
                    shown = self._shown(self.pair[rows].tolist(), order)
                    given = presentation_digests(shown, first_letter(order, letter), criteria)
                    named[rows] = np.array(given, np.object_)
        return named

    def _shown(self, pairs: Sequence[int], order: Order) -> Iterator[tuple[str, str, str]]:
        """What is shown first, what is read, what is shown second."""
        firsts, seconds = in_order(order, candidate=self.candidates, baseline=self.baselines)
        prompts = self.prompts
        return ((firsts[pair], prompts[pair], seconds[pair]) for pair in pairs)


_POSITION = np.array([1 if order == "candidate_first" else -1 for order, _ in CELLS], np.int64)
_LABEL = np.array([1 if letter == "A" else -1 for _, letter in CELLS], np.int64)
