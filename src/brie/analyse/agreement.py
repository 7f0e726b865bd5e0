"""Agreement coefficients between judges, from counts (docs/statistics.md 8.1).

Every coefficient is a function of additive counts, so resampling prompts is one matrix product.
Functions take leading axes: counts of shape (..., K, K) give coefficients of shape (...). A
coefficient that is 0/0, as kappa is when both judges always say the same word, is NaN here and
None in every report. At 90 % prevalence kappa and alpha approach 0 and AC1 .9 for the same table:
show them together, with base rates. Agreement is not validity.
"""

from __future__ import annotations

import numpy as np

from brie.analyse.arrays import AnyInts, Floats

OUTCOMES = ("loss", "tie", "win")


def percent(table: Floats) -> Floats:
    """Share of items on which both judges say the same; table[a, b] counts items."""
    return ratio(_trace(table), table.sum(axis=(-2, -1)))


def cohen_kappa(table: Floats) -> Floats:
    """Cohen 1960: agreement beyond what the two judges' own base rates give by chance."""
    total = table.sum(axis=(-2, -1))
    observed = ratio(_trace(table), total)
    chance = ratio((table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1), total**2)
    return ratio(observed - chance, 1 - chance)


def gwet_ac1(table: Floats) -> Floats:
    """Gwet 2008: chance agreement from the mean base rates; stable at high prevalence.

    The number of categories counts: pass a table of those that occur (see `occurring`).
    """
    total = table.sum(axis=(-2, -1))
    rate = ratio((table.sum(axis=-1) + table.sum(axis=-2)) / 2, total[..., None])
    return ac1_of(ratio(_trace(table), total), rate)


def ac1_of(observed: Floats, rate: Floats) -> Floats:
    """AC1 from observed agreement (...) and mean base rates (..., K); any number of judges."""
    chance = (rate * (1 - rate)).sum(axis=-1) / max(rate.shape[-1] - 1, 1)
    return ratio(observed - chance, 1 - chance)


def coincidences(table: Floats) -> Floats:
    """Coincidence matrix of a pair table: every item gives both ordered pairs of its values."""
    return table + np.swapaxes(table, -1, -2)


def krippendorff_alpha(coincidence: Floats, metric: str = "nominal") -> Floats:
    """Krippendorff 2011: 1 - observed over expected disagreement.

    Args:
        coincidence: (..., K, K) as in `coincidences` or `coincidences_of`; categories in order.
        metric: "nominal", "ordinal" or "interval" (categories 0, 1, 2, …).
    """
    marginal = coincidence.sum(axis=-1)
    total = marginal.sum(axis=-1)
    distance = _distance(marginal, metric)
    observed = (coincidence * distance).sum(axis=(-2, -1))
    expected = (marginal[..., :, None] * marginal[..., None, :] * distance).sum(axis=(-2, -1))
    return 1 - ratio((total - 1) * observed, expected)


def coincidences_of(ratings: Floats, categories: int) -> Floats:
    """Each item's contribution to the coincidence matrix: (items, K, K).

    Args:
        ratings: (items, judges), category codes, NaN where a judge gave none.
    """
    counts = category_counts(ratings, categories)
    raters = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    index = np.arange(categories)
    pairs[:, index, index] -= counts
    return np.asarray(pairs / np.maximum(raters - 1, 1)[:, None, None])


def category_counts(ratings: Floats, categories: int) -> Floats:
    """How many judges gave each category to each item: (items, K)."""
    return np.stack([(ratings == c).sum(axis=1) for c in range(categories)], axis=1).astype(np.float64)


def pair_table(a: AnyInts, b: AnyInts, categories: int = 3) -> Floats:
    """Items by the two judges' categories."""
    flat = np.bincount(a * categories + b, minlength=categories**2)
    return flat.reshape(categories, categories).astype(np.float64)


def occurring(table: Floats) -> AnyInts:
    """Categories of a (K, K) table that either judge has used."""
    return np.asarray(np.flatnonzero(table.sum(axis=0) + table.sum(axis=1)), dtype=np.int64)


def _distance(marginal: Floats, metric: str) -> Floats:
    size = marginal.shape[-1]
    index = np.arange(size)
    if metric == "nominal":
        return np.asarray(index[:, None] != index[None, :], dtype=np.float64)
    if metric == "interval":
        return np.asarray((index[:, None] - index[None, :]).astype(np.float64) ** 2)
    if metric != "ordinal":
        raise ValueError(f"metric must be nominal, ordinal or interval, not {metric!r}")
    # Ordinal distance: values between the two, each end counting half.
    middle = marginal.cumsum(axis=-1) - marginal / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


def _trace(table: Floats) -> Floats:
    return np.asarray(np.trace(table, axis1=-2, axis2=-1))


def ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, NaN where bottom is 0."""
    top, bottom = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    safe = np.where(np.abs(bottom) > 1e-12, bottom, 1.0)
    return np.asarray(np.where(np.abs(bottom) > 1e-12, top / safe, np.nan))
