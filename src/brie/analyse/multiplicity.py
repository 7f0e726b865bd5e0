"""Adjusted p-values for several questions asked at once (docs/statistics.md 10.2)."""

from __future__ import annotations

import numpy as np

from brie.analyse.arrays import Floats


def holm(p: Floats) -> Floats:
    """Holm 1979: family-wise error, for questions named in advance."""
    count = len(p)
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(count, 0, -1))
    return _back(order, adjusted)


def benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini and Hochberg 1995: false discovery rate, for exploration."""
    return _step_up(p, 1.0)


def benjamini_yekutieli(p: Floats) -> Floats:
    """Benjamini and Yekutieli 2001: false discovery rate under any dependence."""
    return _step_up(p, float((1 / np.arange(1, len(p) + 1)).sum()))


def _step_up(p: Floats, factor: float) -> Floats:
    count = len(p)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * count * factor / np.arange(1, count + 1)
    return _back(order, np.minimum.accumulate(scaled[::-1])[::-1])


def _back(order: np.ndarray[tuple[int], np.dtype[np.int64]], adjusted: Floats) -> Floats:
    out = np.empty(len(adjusted))
    out[order] = np.minimum(adjusted, 1.0)
    return out
