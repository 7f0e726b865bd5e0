"""Does it matter in which order a judge reads its rubric's criteria? (docs/statistics.md 7.1)

One verdict is modelled as 1/2 + candidate/2 + position/2 (+-1) + label/2 (+-1) + a number for each
order of the criteria; the effect of two orders is the difference of theirs, in units of the win rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints, distinct, group_sum, largest
from brie.analyse.regression import least_squares
from brie.analyse.table import VerdictTable
from brie.records.base import CRITERIA_ORDERS
from brie.records.estimates import CriteriaOrders, Effect

_ORDERS = len(CRITERIA_ORDERS)


def criteria_orders(
    table: VerdictTable, keep: Bools | None = None, *, level: float = 0.95
) -> CriteriaOrders | None:
    """The rate in each order and the effect of every two; None where one order alone was read.

    Args:
        table: verdicts; judges that read the rubric as it is throughout are left out.
        keep: mask over rows, such as one judge's.
        level: of each interval by itself.
    """
    if table.criteria_order is None:
        return None
    rows = table.usable & ~table.identical & _read_in_turn(table)
    rows = rows if keep is None else rows & keep
    shown = _shown(table, rows, table.criteria_order)
    orders = np.unique(shown.order)
    if len(orders) < 2:
        return None
    rates = {
        CRITERIA_ORDERS[order]: float(_prompt_means(shown, shown.order == order).mean())
        for order in orders
    }
    effects = {
        f"{CRITERIA_ORDERS[one]}-{CRITERIA_ORDERS[two]}": _effect(shown, (one, two), level)
        for one, two in combinations(orders.tolist(), 2)
    }
    return CriteriaOrders(rates=rates, effects=effects)


def _read_in_turn(table: VerdictTable) -> Bools:
    """Rows of judges that read more than one order."""
    if table.criteria_order is None:
        return np.zeros(len(table.score), np.bool_)
    several = np.zeros(len(table.judges), np.bool_)
    several[table.judge[table.criteria_order > 0]] = True
    return several[table.judge]


@dataclass(frozen=True)
class _Shown:
    """Verdicts put together that share prompt, position, letter and order of the criteria."""

    prompt: Ints
    position: Floats
    label: Floats
    order: Ints
    score: Floats
    """Mean score."""
    rows: Floats
    """How many verdicts."""


def _shown(table: VerdictTable, rows: Bools, order: Ints) -> _Shown:
    cell = 3 * (table.position[rows] + 1) + table.label[rows] + 1
    code = (table.prompt[rows] * 9 + cell) * _ORDERS + order[rows]
    counts = np.bincount(code, minlength=1)
    present = np.flatnonzero(counts)
    rest, read = np.divmod(present, _ORDERS)
    prompt, cell = np.divmod(rest, 9)
    position, label = np.divmod(cell, 3)
    total = group_sum(code, table.score[rows], len(counts))[present]
    count = counts[present].astype(np.float64)
    return _Shown(prompt, position - 1.0, label - 1.0, read, total / count, count)


def _effect(shown: _Shown, pair: tuple[int, int], level: float) -> Effect:
    """The first order's number minus the second's.

    Two imagined prompts widen the interval: on one the first order gains, on the other the second, by
    as much as on the prompt that shows most.
    """
    prompts = distinct(shown.prompt)
    point = least_squares(*_design(shown, pair))
    if point is None:
        return Effect(identified=True, effect=None, low=None, high=None, level=level, n=prompts)
    value = float(point.coefficients[1])
    fit = least_squares(*_design(_padded(shown, pair), pair))
    low, high = (value, value) if fit is None else fit.interval(1, level, prompts - 1)
    return Effect(effect=value, low=min(low, value), high=max(high, value), level=level, n=prompts)


def _design(shown: _Shown, pair: tuple[int, int]) -> tuple[Floats, Floats, Ints, Floats]:
    """Columns: 1, the first order of the pair, the third where it was read, and what else varies; the
    second order is what they are held against."""
    others = [order for order in np.unique(shown.order).tolist() if order not in pair]
    columns = [
        np.ones(len(shown.score)),
        *((shown.order == o).astype(float) for o in (pair[0], *others)),
    ]
    columns += [f / 2 for f in (shown.position, shown.label) if len(np.unique(f)) > 1]
    return np.stack(columns, axis=1), shown.score, shown.prompt, shown.rows


def _padded(shown: _Shown, pair: tuple[int, int]) -> _Shown:
    """With the two imagined prompts, each read in both orders and shown in every way that occurs."""
    ways = np.unique(np.stack([shown.position, shown.label], axis=1), axis=0)
    position, label = (np.tile(column, 2) for column in ways.T)
    order = np.repeat(np.array(pair, dtype=np.int64), len(ways))
    gain = _size(shown, pair) / 2 * np.where(order == pair[0], 1.0, -1.0)
    rows = np.full(len(order), float(shown.rows.sum()) / distinct(shown.prompt) / len(order))
    new = int(shown.prompt.max()) + 1
    prompt = np.repeat(np.array([new, new + 1], dtype=np.int64), len(order))
    return _Shown(
        np.concatenate([shown.prompt, prompt]),
        np.concatenate([shown.position, position, position]),
        np.concatenate([shown.label, label, label]),
        np.concatenate([shown.order, order, order]),
        np.concatenate([shown.score, 0.5 + gain, 0.5 - gain]),
        np.concatenate([shown.rows, rows, rows]),
    )


def _size(shown: _Shown, pair: tuple[int, int]) -> float:
    """Effect within an imagined prompt: the largest that some prompt shows by itself, at least one half;
    1 where no prompt was read in both orders."""
    one, two = (_by_prompt(shown, shown.order == order) for order in pair)
    both = np.isfinite(one) & np.isfinite(two)
    return largest((one - two)[both]) if both.any() else 1.0


def _prompt_means(shown: _Shown, rows: Bools) -> Floats:
    """Mean score of each prompt that has one."""
    means = _by_prompt(shown, rows)
    return means[np.isfinite(means)]


def _by_prompt(shown: _Shown, rows: Bools) -> Floats:
    """Prompt -> its mean score over some rows; NaN where it has none."""
    size = int(shown.prompt.max(initial=-1)) + 1
    counted = np.where(rows, shown.rows, 0.0)
    total, count = (group_sum(shown.prompt, of, size) for of in (counted * shown.score, counted))
    return np.asarray(total / np.where(count > 0, count, np.nan))
