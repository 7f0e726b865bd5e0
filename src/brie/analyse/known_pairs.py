"""How often a judge is right on pairs whose better answer is known (docs/statistics.md 8.7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brie.analyse.arrays import Floats, group_mean, t_quantile
from brie.records.estimates import Estimate

METHOD = "families alike, t by source, two imagined"
_CHANGE = 0.99
"""Quantile of the changes of margins that is still no difference."""
_ROUNDING = 1e-9
"""Margins up to here are the rounding of their own arithmetic."""


def accuracy(
    right: Sequence[float], families: Sequence[str], sources: Sequence[str], *, level: float = 0.95
) -> Estimate:
    """Mean of the families' means, with an interval clustered by source.

    Two imagined sources join for the interval, each with one pair of every family: one always right,
    one never. Without them a judge that is always right would have no spread.

    Args:
        right: for every pair 1, or 0, or a half where there is no difference or no outcome.
        families: for every pair, what it tests.
        sources: for every pair, the recipe it came from.
        level: of the interval, t(sources - 1).

    Returns:
        Its `n` counts pairs. With one source the interval is [0, 1].

    Raises:
        ValueError: there is no pair.
    """
    if not right:
        raise ValueError("there is no pair")
    names, family = np.unique(np.asarray(families), return_inverse=True)
    clusters, source = np.unique(np.asarray(sources), return_inverse=True)
    scores = np.asarray(right, np.float64)
    value = float(group_mean(family, scores, len(names)).mean())
    low, high = 0.0, 1.0
    if len(clusters) > 1:
        every = np.arange(len(names))
        middle, error = _padded(
            np.concatenate([scores, np.ones(len(names)), np.zeros(len(names))]),
            np.concatenate([family, every, every]),
            np.concatenate([source, np.full(len(names), len(clusters)),
                            np.full(len(names), len(clusters) + 1)]),
        )  # fmt: skip
        half = t_quantile((1 + level) / 2, len(clusters) - 1) * error
        low, high = max(0.0, min(middle - half, value)), min(1.0, max(middle + half, value))
    return Estimate(value=value, low=low, high=high, level=level, n=len(scores), method=METHOD)


def tie_threshold(changes: Sequence[float]) -> float:
    """The largest margin that is no difference: the 99th percentile of absolute changes, upwards.

    Args:
        changes: margin of the second asking less that of the first, one a pair.
    """
    sizes = np.abs(np.asarray(changes, np.float64))
    return max(_ROUNDING, float(np.quantile(sizes, _CHANGE, method="higher")))


def _padded(scores: Floats, family: np.ndarray, source: np.ndarray) -> tuple[float, float]:
    """Mean of family means and its standard error over sources (CR1)."""
    size = int(family.max()) + 1
    counts = np.bincount(family, minlength=size)
    means = group_mean(family, scores, size)
    pull = (scores - means[family]) / (size * counts[family])
    sums = np.bincount(source, weights=pull)
    clusters = len(sums)
    return float(means.mean()), float(np.sqrt(clusters / (clusters - 1) * (sums**2).sum()))
