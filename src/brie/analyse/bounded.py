"""One-sided bounds of a mean of scores in [0, 1], for "not worse" and "equivalent".

Gaffke 2005 ("Three test statistics for a nonparametric one-sided hypothesis on the mean of a
nonnegative variable"): the lower bound of level 1 - alpha is the alpha quantile of the mean of the
scores and of one imagined score 0 under weights that are uniform on the simplex. With one verdict a
prompt it is the exact binomial bound of Clopper and Pearson; with fractional scores it is narrower
than a bound by betting, and `bench/claims.py` measures how often it errs (docs/statistics.md 3.4).
"""

from __future__ import annotations

from math import log

import numpy as np
import numpy.typing as npt

from brie.analyse.arrays import Floats, z_quantile
from brie.conventions import FEWEST_PROMPTS

ALPHA = 0.05
_MOST = 256
"""Different scores beyond which they are rounded, away from the claim, to steps of 1/256."""
_NODES = 121
_SADDLE = 20
_SPAN = 6.0
_FAR = 500.0
_PRECISION = 1e-10
_STEPS = 100


def one_sided(means: Floats, alpha: float = ALPHA) -> tuple[float, float] | None:
    """The lower and the upper bound of the mean, each of level 1 - `alpha` by itself.

    Args:
        means: prompt means in [0, 1].

    None below `FEWEST_PROMPTS`.
    """
    if len(means) < FEWEST_PROMPTS:
        return None
    return lower_bound(means, alpha), 1 - lower_bound(1 - means, alpha)


def lower_bound(means: Floats, alpha: float = ALPHA) -> float:
    """The largest mean m0 that "the mean is at most m0" is rejected for, at level `alpha`."""
    values, counts = _counted(means)
    if values[-1] <= 0:
        return 0.0
    # The log odds of p rise with m0, nearly straight: secants, and a bisection where one did not halve.
    low, high = 0.0, float(values[-1])
    at_low, at_high, bisect, last = -_FAR, _FAR, False, 0
    near = list(_near(values, counts, alpha))
    for _ in range(_STEPS):
        width = high - low
        if width < _PRECISION:
            break
        share = 0.5 if bisect else -at_low / (at_high - at_low)
        middle = low + min(max(share, 1e-4), 1 - 1e-4) * width
        if near:
            middle = min(max(near.pop(), low + 1e-4 * width), high - 1e-4 * width)
        excess = _log_odds(_p_value(values, counts, middle)) - _log_odds(alpha)
        side = -1 if excess < 0 else 1
        if side < 0:
            low, at_low = middle, excess
            at_high = at_high / 2 if last == side else at_high
        else:
            high, at_high = middle, excess
            at_low = at_low / 2 if last == side else at_low
        bisect, last = high - low > width / 2, side
    return low


def _near(values: Floats, counts: Floats, alpha: float) -> tuple[float, float]:
    """Where the normal approximation looks for the bound, on either side."""
    total = float(counts.sum())
    mean = float(counts @ values) / total
    error = (float(counts @ (values - mean) ** 2)) ** 0.5 / total
    centre = mean + z_quantile(alpha) * error
    return centre + 0.1 * error, centre - 0.1 * error


def _log_odds(p: float) -> float:
    return min(max(log(max(p, 1e-300)) - log(max(1 - p, 1e-300)), -_FAR), _FAR)


def p_value(means: Floats, mean: float) -> float:
    """One-sided p for "the true mean is at most `mean`"."""
    return _p_value(*_counted(means), mean)


def _counted(means: Floats) -> tuple[Floats, Floats]:
    """The different scores, ascending, with the imagined 0, and how many there are of each."""
    values: Floats = np.clip(means, 0.0, 1.0).round(12).astype(np.float64)
    if len(np.unique(values)) > _MOST:
        values = np.floor(values * _MOST) / _MOST
    distinct, counts = np.unique(np.append(values, 0.0), return_counts=True)
    return distinct, counts.astype(np.float64)


def _p_value(values: Floats, counts: Floats, mean: float) -> float:
    """P(sum of w (x - mean) <= 0) for uniform weights: of gamma variables, as only the sign matters.

    With a_i = x_i - mean it is P(sum of a_i E_i <= 0), E exponential. Its transform is inverted along
    a vertical line through the saddle point, where the integrand falls fastest and never oscillates
    much (Daniels 1987); the line is stretched by sinh, so that the trapezoid rule converges fast.
    """
    a = values - mean
    if a[-1] <= 0:
        return 1.0
    if a[0] >= 0:
        return 0.0
    positive = float(counts @ a) > 0  # the tail on the far side of the mean is the one computed
    tail = _tail(-a if positive else a, counts)
    return tail if positive else 1 - tail


def _tail(a: Floats, counts: Floats) -> float:
    """P(sum of a_i E_i >= 0) for a sum whose mean is at most 0."""
    point = _saddle(a, counts)
    curvature = float(counts @ (a / (1 - a * point)) ** 2) + 1 / point**2
    scale = 1 / curvature**0.5
    step = _SPAN / (_NODES - 1)
    u = step * np.arange(_NODES)  # the other half of the line mirrors this one
    z: npt.NDArray[np.complex128] = point + 1j * scale * np.sinh(u)
    logs = -(counts @ np.log(1 - np.outer(a, z))) - np.log(z)
    heights = np.exp(logs).real * np.cosh(u)
    heights[0] /= 2
    return float(min(max(heights.sum() * step * scale / np.pi, 0.0), 1.0))


def _saddle(a: Floats, counts: Floats) -> float:
    """The minimum of K(z) - log z between 0 and the first pole, K the cumulant function."""
    pole = 1 / float(a.max())
    low, high = 0.0, pole
    for _ in range(_SADDLE):  # anywhere near it will do
        middle = (low + high) / 2
        slope = float(counts @ (a / (1 - a * middle))) - 1 / middle
        low, high = (low, middle) if slope > 0 else (middle, high)
    return (low + high) / 2
