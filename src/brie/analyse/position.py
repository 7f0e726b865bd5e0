"""Does it matter who stands first, and who is called A? (docs/statistics.md 7)

One verdict is modelled as 1/2 + candidate/2 + position/2 (+-1) + label/2 (+-1) + layout/2 (+-1):
an effect of .08 moves a verdict by 8 points when that factor is reversed. A factor that the design
does not vary independently of the others gets no number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Bools, Floats, binomial_two_sided, distinct
from brie.analyse.cells import Cells
from brie.analyse.regression import Fit, least_squares
from brie.analyse.table import VerdictTable
from brie.records.estimates import Effect

METHOD = "ols-cluster-cr1"


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
    position, label = table.position[rows].astype(np.float64), table.label[rows].astype(np.float64)
    columns = {"position": position, "label": label, "layout": position * label}
    reasons = _identify(columns, knows_position, knows_label)
    prompts = table.prompt[rows]
    names = [name for name, reason in reasons.items() if not reason]
    fit = None
    if names and len(prompts):
        design = np.stack([np.ones(len(position)), *(columns[name] / 2 for name in names)], axis=1)
        fit = least_squares(design, table.score[rows], prompts)
    effects = {
        name: _effect(fit, names.index(name) + 1 if name in names else None, level, distinct(prompts))
        for name in columns
    }
    why = {name: reason or "fewer than two prompts" for name, reason in reasons.items()}
    return effects, {name: why[name] for name, effect in effects.items() if effect.effect is None}


def _effect(fit: Fit | None, column: int | None, level: float, n: int) -> Effect:
    """The effect in one column of the design; None: it is not identified."""
    if fit is None or column is None:
        return Effect(identified=column is not None, effect=None, low=None, high=None, level=level, n=n)
    low, high = fit.interval(column, level)
    value = float(fit.coefficients[column])
    return Effect(identified=True, effect=value, low=low, high=high, level=level, n=n)


def _identify(columns: dict[str, Floats], knows_position: bool, knows_label: bool) -> dict[str, str]:
    """For each factor why it is not identified; empty if it is.

    Position and label may each be constant, or tied to each other; layout, their product, needs
    all four cells.
    """
    code = 3 * (columns["position"] + 1) + columns["label"] + 1
    present = np.flatnonzero(np.bincount(code.astype(np.int64), minlength=9))
    if len(present) == 0:
        return dict.fromkeys(columns, "no verdict says how its answers were shown")
    shown = [divmod(int(cell), 3) for cell in present]
    orders, letters = {order for order, _ in shown}, {letter for _, letter in shown}
    reasons = {"position": "", "label": "", "layout": ""}
    if len(orders) == len(letters) == len(shown) == 2:
        tied = "the letter always went with the order, so neither can be told from the other"
        reasons |= {"position": tied, "label": tied}
    if len(orders) < 2:
        reasons["position"] = (
            "only one order was shown" if knows_position else "the order was not recorded"
        )
    if len(letters) < 2:
        fixed = "each side always carried the same letter"
        reasons["label"] = fixed if knows_label else "the letters were not recorded"
    if len(shown) < 4:
        reasons["layout"] = "order and letter were not fully crossed"
    return reasons
