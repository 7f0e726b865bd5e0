"""Does it matter who stands first, and who is called A? (docs/statistics.md 7)

One verdict is modelled as 1/2 + candidate/2 + position/2 (+-1) + label/2 (+-1) + layout/2 (+-1):
an effect of .08 moves a verdict by 8 points when that factor is reversed. A factor that the design
does not vary independently of the others gets no number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import (
    Bools,
    Floats,
    Ints,
    binomial_two_sided,
    distinct,
    group_sum,
    largest,
    present,
)
from brie.analyse.cells import Cells
from brie.analyse.regression import least_squares
from brie.analyse.table import VerdictTable
from brie.records.estimates import Effect

METHOD = "ols-cluster-cr1"
FACTORS = ("position", "label", "layout")


@dataclass(frozen=True)
class Flips:
    """Comparisons judged in both orders by one judge whose winner changes between them."""

    rate: float | None
    compared: int
    first: int
    """Flips that favour whichever answer stands first."""
    second: int
    p_value: float
    """Exact McNemar test of first against second."""


@dataclass(frozen=True)
class Presentation:
    """Effects of how answers were shown."""

    position: Effect
    label: Effect
    layout: Effect
    flips: Flips
    reasons: dict[str, str]
    """Factor -> why there is no number, for those that have none."""


def presentation_effects(
    table: VerdictTable, cells: Cells, keep: Bools | None = None, *, level: float = 0.95
) -> Presentation:
    """Position, letter and layout effects, and flips, over all judges or those rows kept.

    Args:
        keep: mask over rows, e.g. one judge's.
    """
    rows = table.usable & ~table.identical
    rows = rows if keep is None else rows & keep
    effects, reasons = _effects(table, rows, level)
    cell_keep = np.ones(len(cells.prompt), np.bool_)
    if keep is not None:
        cell_keep = np.zeros(len(cells.prompt), np.bool_)
        cell_keep[cells.of_row[keep]] = True
    return Presentation(**effects, flips=flips(cells, cell_keep), reasons=reasons)


def flips(cells: Cells, keep: Bools) -> Flips:
    """Winner changes between the orders; a change from or to a tie counts."""
    both = keep & ~cells.identical & ~np.isnan(cells.first) & ~np.isnan(cells.second)
    first, second = cells.first[both], cells.second[both]
    changed = np.sign(first - 0.5) != np.sign(second - 0.5)
    for_first = int((changed & (first > second)).sum())
    for_second = int((changed & (first < second)).sum())
    compared = len(first)
    return Flips(
        rate=float(changed.mean()) if compared else None,
        compared=compared,
        first=for_first,
        second=for_second,
        p_value=binomial_two_sided(for_first, for_first + for_second),
    )


def _effects(table: VerdictTable, rows: Bools, level: float) -> tuple[dict[str, Effect], dict[str, str]]:
    """Factor -> its effect, and factor -> why there is no number."""
    knows_position = bool((table.position[rows] != 0).any())
    knows_label = bool((table.label[rows] != 0).any())
    if knows_position:
        rows = rows & (table.position != 0)
    if knows_label:
        rows = rows & (table.label != 0)
    shown = _shown(table, rows)
    reasons = _identify(shown, knows_position, knows_label)
    names = [name for name, reason in reasons.items() if not reason]
    effects = {
        name: _effect(shown, names, name, level) if name in names else _without(shown, level)
        for name in reasons
    }
    why = {name: reason or "fewer than two prompts" for name, reason in reasons.items()}
    return effects, {name: why[name] for name, effect in effects.items() if effect.effect is None}


@dataclass(frozen=True)
class _Shown:
    """Verdicts put together that share prompt, position and letter."""

    prompt: Ints
    position: Floats
    label: Floats
    score: Floats
    """Mean score."""
    rows: Floats
    """How many verdicts."""

    def factor(self, name: str) -> Floats:
        """The levels, +-1, of a factor."""
        return {"position": self.position, "label": self.label, "layout": self.position * self.label}[
            name
        ]

    @property
    def prompts(self) -> int:
        """Different prompts."""
        return distinct(self.prompt)


def _shown(table: VerdictTable, rows: Bools) -> _Shown:
    code = 9 * table.prompt[rows] + 3 * (table.position[rows] + 1) + table.label[rows] + 1
    counts = np.bincount(code, minlength=1)
    present = np.flatnonzero(counts)
    prompt, cell = np.divmod(present, 9)
    position, label = np.divmod(cell, 3)
    total = group_sum(code, table.score[rows], len(counts))[present]
    count = counts[present].astype(np.float64)
    return _Shown(prompt, position - 1.0, label - 1.0, total / np.maximum(count, 1), count)


def _without(shown: _Shown, level: float) -> Effect:
    return Effect(identified=False, effect=None, low=None, high=None, level=level, n=shown.prompts)


def _effect(shown: _Shown, names: list[str], name: str, level: float) -> Effect:
    """An identified factor's effect, with an interval that an edge cannot make too narrow.

    Two imagined prompts are added for the interval: one follows the factor, one opposes it.
    """
    point = least_squares(_design(shown, names), shown.score, shown.prompt, shown.rows)
    if point is None:
        effect = _without(shown, level)
        return effect.model_copy(update={"identified": True})
    column, prompts = 1 + names.index(name), shown.prompts
    value, padded = float(point.coefficients[column]), _padded(shown, name)
    fit = least_squares(_design(padded, names), padded.score, padded.prompt, padded.rows)
    low, high = (value, value) if fit is None else fit.interval(column, level, prompts - 1)
    return Effect(
        identified=True, effect=value, low=min(low, value), high=max(high, value), level=level, n=prompts
    )


def _design(shown: _Shown, names: list[str]) -> Floats:
    columns = [shown.factor(name) / 2 for name in names]
    return np.stack([np.ones(len(shown.score)), *columns], axis=1)


def _padded(shown: _Shown, name: str) -> _Shown:
    """The verdicts with the two imagined prompts, each shown in every way that occurs."""
    code = present(np.rint(3 * shown.position + shown.label).astype(np.int64)).astype(np.float64)
    position = np.rint(code / 3)
    label = code - 3 * position
    rows = np.full(len(code), float(shown.rows.sum()) / shown.prompts / len(code))
    one = _Shown(np.zeros(len(code), np.int64), position, label, np.zeros(len(code)), rows)
    follows, last = _size(shown, name) / 2 * one.factor(name), int(shown.prompt.max())
    return _Shown(
        np.concatenate([shown.prompt, one.prompt + last + 1, one.prompt + last + 2]),
        np.concatenate([shown.position, position, position]),
        np.concatenate([shown.label, label, label]),
        np.concatenate([shown.score, 0.5 + follows, 0.5 - follows]),
        np.concatenate([shown.rows, rows, rows]),
    )


def _size(shown: _Shown, name: str) -> float:
    """Effect within an imagined prompt: as large as the largest that some prompt shows by itself.

    1 where the factor does not vary within every prompt: no prompt then shows what it can do.
    """
    level, prompts = shown.factor(name), int(shown.prompt.max()) + 1

    def mean_at(sign: float) -> Floats:
        rows = np.where(level == sign, shown.rows, 0.0)
        total = group_sum(shown.prompt, rows * shown.score, prompts)
        count = group_sum(shown.prompt, rows, prompts)
        return np.asarray(total / np.where(count > 0, count, np.nan))

    effects = (mean_at(1.0) - mean_at(-1.0))[present(shown.prompt)]
    return 1.0 if np.isnan(effects).any() else largest(effects)


def _identify(shown: _Shown, knows_position: bool, knows_label: bool) -> dict[str, str]:
    """For each factor why it is not identified; empty if it is.

    Position and label may each be constant, or tied to each other; layout, their product, needs
    all four cells.
    """
    cells = set(zip(shown.position.tolist(), shown.label.tolist(), strict=True))
    if not cells:
        return dict.fromkeys(FACTORS, "no verdict says how its answers were shown")
    orders, letters = {order for order, _ in cells}, {letter for _, letter in cells}
    reasons = {"position": "", "label": "", "layout": ""}
    if len(orders) == len(letters) == len(cells) == 2:
        tied = "the letter always went with the order, so neither can be told from the other"
        reasons |= {"position": tied, "label": tied}
    if len(orders) < 2:
        reasons["position"] = (
            "only one order was shown" if knows_position else "the order was not recorded"
        )
    if len(letters) < 2:
        fixed = "each side always carried the same letter"
        reasons["label"] = fixed if knows_label else "the letters were not recorded"
    if len(cells) < 4:
        reasons["layout"] = "order and letter were not fully crossed"
    return reasons
