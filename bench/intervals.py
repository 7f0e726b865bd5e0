"""Interval functions to compare: prompt means in, (low, high) out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.simulate import Floats
from brie.analyse.arrays import t_quantile, z_quantile
from brie.analyse.bootstrap import Resampled, plus_one, resampled_mean

Interval = tuple[float, float]
_RNG = np.random.default_rng(0)


def default(means: Floats) -> Interval:
    """The plus-one cluster bootstrap."""
    found = plus_one(means, _RNG).interval(0.95)
    return found.low, found.high


def percentile(means: Floats) -> Interval:
    """The plain cluster percentile bootstrap."""
    found = resampled_mean(means, _RNG).interval(0.95)
    return found.low, found.high


def bca(means: Floats) -> Interval:
    """Bias-corrected and accelerated, over prompts; the point itself where all prompts are alike."""
    drawn, deviation = resampled_mean(means, _RNG), means - means.mean()
    squares = float((deviation**2).sum())
    if squares == 0:
        return float(means[0]), float(means[0])
    bias = z_quantile(min(max(_below(drawn, float(means.mean())), 1e-6), 1 - 1e-6))
    skew = float((deviation**3).sum()) / (6 * squares**1.5)

    def end(z: float) -> float:
        shifted = bias + (bias + z) / (1 - skew * (bias + z))
        return drawn.quantile(float(np.clip(_normal(shifted), 1e-9, 1 - 1e-9)))

    return end(-z_quantile(0.975)), end(z_quantile(0.975))


def miller(means: Floats) -> Interval:
    """Miller 2024: clustered standard error CR0, normal quantile."""
    return _symmetric(means, float(means.var() / len(means)) ** 0.5, z_quantile(0.975))


def cr1_t(means: Floats) -> Interval:
    """CR1 with t(G - 1)."""
    error = float(means.var(ddof=1) / len(means)) ** 0.5
    return _symmetric(means, error, t_quantile(0.975, len(means) - 1))


def wilson_rows(means: Floats, rows: int) -> Interval:
    """Wilson's interval as if `rows` verdicts were independent."""
    p, z = float(means.mean()), z_quantile(0.975)
    centre = (p + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * (p * (1 - p) / rows + z**2 / (4 * rows**2)) ** 0.5
    return centre - half, centre + half


METHODS: dict[str, Callable[[Floats], Interval]] = {
    "plus_one": default,
    "percentile": percentile,
    "bca": bca,
    "miller_cr0": miller,
    "cr1_t": cr1_t,
}


def _symmetric(means: Floats, error: float, q: float) -> Interval:
    value = float(means.mean())
    return value - q * error, value + q * error


def _below(drawn: Resampled, value: float) -> float:
    """P(resampled mean < value) + P(= value) / 2."""
    if drawn.cumulative is None:
        return float(
            (drawn.support < value - 1e-9).mean() + 0.5 * np.isclose(drawn.support, value).mean()
        )
    before = int(np.searchsorted(drawn.support, value - 1e-9))
    upto = int(np.searchsorted(drawn.support, value + 1e-9))
    low = float(drawn.cumulative[before - 1]) if before else 0.0
    high = float(drawn.cumulative[upto - 1]) if upto else 0.0
    return (low + high) / 2


def _normal(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(z))
