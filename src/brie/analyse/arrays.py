"""Array types, quantiles of standard distributions, and a generator for every quantity."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
AnyInts = npt.NDArray[np.integer[Any]]


def generator(seed: int, quantity: str) -> np.random.Generator:
    """A random generator of its own for each named quantity.

    Computing one more quantity, or one less, then moves none of the others.
    """
    return np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(quantity.encode())])


def z_quantile(q: float) -> float:
    """Quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(q))


def z_two_sided(z: float) -> float:
    """Two-sided p-value of a standard normal statistic."""
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def t_quantile(q: float, df: float) -> float:
    """Quantile of Student's t with `df` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(df, q))


def t_two_sided(t: float, df: float) -> float:
    """Two-sided p-value of a t statistic."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))


def f_upper(f: float, df1: float, df2: float) -> float:
    """Upper tail of the F distribution."""
    from scipy.special import fdtrc

    return float(fdtrc(df1, df2, f))


def binomial_two_sided(k: int, n: int) -> float:
    """Exact two-sided p of k successes in n fair trials; 1 for no trials."""
    from scipy.special import bdtr

    return 1.0 if n == 0 else min(1.0, 2 * float(bdtr(min(k, n - k), n, 0.5)))


def group_sum(codes: AnyInts, values: npt.NDArray[Any], size: int) -> Floats:
    """Sum of `values` by code."""
    return np.bincount(codes, weights=values, minlength=size).astype(np.float64, copy=False)


def group_mean(codes: AnyInts, values: Floats, size: int) -> Floats:
    """Mean of `values` by code; NaN for codes that do not occur."""
    count = np.bincount(codes, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(group_sum(codes, values, size) / count)


def distinct(codes: AnyInts) -> int:
    """How many different codes occur."""
    return len(present(codes))


def present(codes: AnyInts) -> Ints:
    """The codes that occur, ascending: as `np.unique`, which hashes or sorts, but by counting."""
    low, span = _span(codes)
    if span > _SPARSE * len(codes):
        ordered: Ints = np.sort(codes).astype(np.int64, copy=False)
        return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))]
    return np.flatnonzero(np.bincount(codes - low)) + low


def ranked(codes: AnyInts) -> tuple[Ints, Ints]:
    """The codes that occur, ascending, and for every entry its place among them."""
    low, span = _span(codes)
    if span > _SPARSE * len(codes):
        known, place = np.unique(codes, return_inverse=True)
        return known.astype(np.int64, copy=False), place.astype(np.int64, copy=False)
    seen = np.bincount(codes - low) > 0
    return np.flatnonzero(seen) + low, (np.cumsum(seen) - 1)[codes - low]


_SPARSE = 8
"""From this many times as many codes as entries on, sorting takes less than a count of all codes."""


def _span(codes: AnyInts) -> tuple[int, int]:
    """The lowest code, and how many there are from it to the highest."""
    return (int(codes.min()), int(codes.max()) - int(codes.min()) + 1) if len(codes) else (0, 0)


def largest(differences: Floats) -> float:
    """How large an imagined prompt's difference is: as the largest seen, between 1/2 and 1.

    1 where all are 0, as nothing then says how large one may be.
    """
    seen = float(np.abs(differences).max()) if len(differences) else 0.0
    return min(max(seen, 0.5), 1.0) if seen > 1e-12 else 1.0
