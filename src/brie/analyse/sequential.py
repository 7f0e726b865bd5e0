"""Safe early stopping: e-process, its interval, and the betting interval (docs/statistics.md 5).

A gambler starts with 1 and bets, at fair odds if the mean is m, that prompts win or lose more
often. By Ville's inequality the wealth reaches 1/alpha with probability at most alpha when the
mean is m, however often one looks. The interval holds every m against which it never did. The
log wealth is a convex function of m (every factor's logarithm is, and so is the log of a sum of
exponentials), hence so is its largest value over time: the m not rejected form an interval, and
its ends are found by bisection from a point inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Floats

FRACTIONS = np.linspace(0.1, 1.9, 10) / 2
"""Shares of the largest admissible bet; at m = 1/2 the bets are +-linspace(.1, 1.9, 10)."""
_EDGE = 1e-9
_PRECISION = 1e-11
_STEPS = 80


@dataclass(frozen=True)
class Sequence:
    """What an evaluation that may stop early says after its last prompt."""

    wealth: float
    """Largest wealth so far against "the mean is one half"."""
    p_value: float
    """1 / wealth, at most 1: valid whenever one stops."""
    stopped_at: int | None
    """Prompts judged when the wealth first reached 1/alpha; None if it never did."""
    low: float
    high: float
    mean: float
    prompts: int
    alpha: float

    @property
    def decided(self) -> bool:
        """The wealth has reached 1/alpha: the interval excludes one half."""
        return self.stopped_at is not None


def wealth(means: Floats, centre: float = 0.5) -> Floats:
    """Wealth after each prompt against "the mean is `centre`".

    Args:
        means: prompt means in [0, 1] in the sealed, shuffled order.
        centre: strictly between 0 and 1.
    """
    return np.asarray(np.exp(_log_path(means, centre)))


def sequence(means: Floats, alpha: float = 0.05) -> Sequence:
    """E-process and anytime-valid interval, for someone who looked after any prompt of `means`.

    The interval excludes one half exactly when the wealth has reached 1/alpha. The sample mean
    at a stop is too extreme by 3 to 6 points; the interval is valid all the same.

    Raises:
        ValueError: no prompts.
    """
    if len(means) == 0:
        raise ValueError("no prompts")
    path = wealth(means)
    reached = np.flatnonzero(path >= 1 / alpha)
    low, high = _sublevel(lambda m: float(_log_path(means, m).max()), float(means.mean()), alpha)
    best = float(path.max())
    return Sequence(
        wealth=best,
        p_value=min(1.0, 1 / best),
        stopped_at=int(reached[0]) + 1 if len(reached) else None,
        low=low,
        high=high,
        mean=float(means.mean()),
        prompts=len(means),
        alpha=alpha,
    )


def betting_interval(means: Floats, level: float = 0.95) -> tuple[float, float]:
    """Finite-sample interval for the mean of values in [0, 1], for any number of prompts.

    The means whose final wealth stays below 1/(1 - level): by Markov's inequality it covers with
    probability `level` or more. It does not depend on the order of the prompts.
    """
    values, counts = np.unique(np.round(means, 12), return_counts=True)
    return _sublevel(lambda m: _log_final(values, counts, m), float(means.mean()), 1 - level)


def _bets(x: Floats, m: float) -> Floats:
    """Log of the factor each bet earns on each value: (values, bets)."""
    x = x[:, None]
    # Bets f/m on winning and f/(1-m) on losing keep every factor at 1 - f or more.
    up, down = FRACTIONS * (x / m - 1), FRACTIONS * ((1 - x) / (1 - m) - 1)
    return np.asarray(np.log1p(np.concatenate([up, down], axis=1)))


def _log_mean_exp(logs: Floats) -> Floats:
    top = logs.max(axis=-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(logs - top).mean(axis=-1)))


def _log_path(means: Floats, m: float) -> Floats:
    values, code = np.unique(means, return_inverse=True)
    return _log_mean_exp(_bets(values, m)[code].cumsum(axis=0))


def _log_final(values: Floats, counts: np.ndarray[tuple[int], np.dtype[np.int64]], m: float) -> float:
    return float(_log_mean_exp(counts @ _bets(values, m)))


def _sublevel(convex: Callable[[float], float], start: float, alpha: float) -> tuple[float, float]:
    """Ends of {m: convex(m) < log(1/alpha)} within [0, 1]; the minimum alone if that is empty."""
    threshold = -float(np.log(alpha))

    def excess(m: float) -> float:
        return convex(m) - threshold

    inside = min(max(start, _EDGE), 1 - _EDGE)
    if excess(inside) >= 0:
        inside = _minimum(convex)
        if excess(inside) >= 0:
            return inside, inside
    return _boundary(excess, inside, _EDGE), _boundary(excess, inside, 1 - _EDGE)


def _boundary(excess: Callable[[float], float], inside: float, edge: float) -> float:
    """The last point with negative excess on the way from `inside` to the edge.

    Secant steps with the Illinois weight, and a bisection wherever one did not halve the bracket.
    """
    kept, outside, g_kept, g_outside = inside, edge, excess(inside), excess(edge)
    if g_outside < 0:
        return float(round(edge))
    bisect, last = True, 0
    for _ in range(_STEPS):
        width = abs(outside - kept)
        if width < _PRECISION:
            break
        share = 0.5 if bisect else g_kept / (g_kept - g_outside)
        point = kept + min(max(share, 1e-3), 1 - 1e-3) * (outside - kept)
        g = excess(point)
        if g < 0:
            kept, g_kept, side = point, g, -1
            g_outside = g_outside / 2 if last == side else g_outside
        else:
            outside, g_outside, side = point, g, 1
            g_kept = g_kept / 2 if last == side else g_kept
        bisect, last = abs(outside - kept) > width / 2, side
    return kept


def _minimum(convex: Callable[[float], float]) -> float:
    """Golden-section search over (0, 1)."""
    ratio = (5**0.5 - 1) / 2
    low, high = _EDGE, 1 - _EDGE
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = convex(left), convex(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = convex(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = convex(right)
    return left if at_left <= at_right else right
