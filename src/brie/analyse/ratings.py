"""What each judge said of each item: the input of every agreement coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints
from brie.analyse.cells import Cells
from brie.analyse.table import VerdictTable

Unit = Literal["comparison", "row"]


@dataclass(frozen=True)
class Ratings:
    """Items by judges. Byte-identical answers are left out: no judge was asked about them."""

    unit: Unit
    prompt: Ints
    """Prompt of each item."""
    sample: Ints
    score: Floats
    """(items, judges), NaN where a judge gave no usable verdict."""
    judges: tuple[str, ...]

    @property
    def category(self) -> Floats:
        """0 loss, 1 tie, 2 win, NaN: a verdict's side; a pair whose orders disagree is a tie."""
        return np.asarray(np.sign(np.round(self.score - 0.5, 12)) + 1)

    def where(self, keep: Bools) -> Ratings:
        """Some of the items."""
        return Ratings(self.unit, self.prompt[keep], self.sample[keep], self.score[keep], self.judges)


def ratings(cells: Cells, unit: Unit | None = None) -> Ratings:
    """Items both judges of a pair may have seen.

    Args:
        unit: "comparison" averages a comparison's orders, as the win rate does; "row" matches
            single verdicts of the same prompt and sample: in both orders by order, in imported
            files as they come. None takes "row" only where a design of one order holds several
            rows a comparison.
    """
    table = cells.table
    if unit is None:
        several = bool((cells.verdicts > 1).any()) and not table.both_orders
        unit = "row" if several else "comparison"
    return _by_comparison(cells) if unit == "comparison" else _by_row(table)


def _by_comparison(cells: Cells) -> Ratings:
    used = cells.complete & ~cells.identical
    return _spread(
        "comparison", cells.table,
        (cells.prompt[used], cells.sample[used]), cells.judge[used], cells.mean[used],
    )  # fmt: skip


def _by_row(table: VerdictTable) -> Ratings:
    planned = (table.repeat == 0) & ~table.identical
    prompt, sample, judge = (c[planned] for c in (table.prompt, table.sample, table.judge))
    # Imported judges often saw a row's answers in different orders: there the order is no key.
    order = table.position[planned] if table.both_orders else np.zeros(len(prompt), np.int64)
    keys = (prompt, sample, order, _occurrence((judge, order, sample, prompt)))
    used = table.usable[planned]
    return _spread(
        "row", table, tuple(key[used] for key in keys), judge[used], table.score[planned][used]
    )


def _occurrence(keys: tuple[Ints, ...]) -> Ints:
    """For rows with equal keys 0, 1, 2, … as they come: a judge's k-th goes with another's k-th."""
    order = np.lexsort(keys)
    stacked = np.stack(keys)[:, order]
    index = np.arange(len(order))
    start = np.ones(len(order), np.bool_)
    start[1:] = (stacked[:, 1:] != stacked[:, :-1]).any(axis=0)
    occurrence = np.empty(len(order), np.int64)
    occurrence[order] = index - np.maximum.accumulate(np.where(start, index, 0))
    return occurrence


def _spread(
    unit: Unit, table: VerdictTable, keys: tuple[Ints, ...], judge: Ints, score: Floats
) -> Ratings:
    """Long to wide: one line an item, one column a judge."""
    item = np.zeros(len(judge), np.int64)
    for key in keys:
        values, code = np.unique(key, return_inverse=True)
        item = item * max(1, len(values)) + code
    _, first, code = np.unique(item, return_index=True, return_inverse=True)
    wide = np.full((len(first), len(table.judges)), np.nan)
    wide[code, judge] = score
    return Ratings(unit, keys[0][first], keys[1][first], wide, table.judges)
