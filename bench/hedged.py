"""The hedged-capital confidence sequence of Waudby-Smith and Ramdas (2024), for comparison only."""

from __future__ import annotations

import numpy as np

from bench.simulate import Floats


def hedged_sequence(x: Floats, alpha: float = 0.05, breaks: int = 1000) -> tuple[Floats, Floats]:
    """Running ends of the intersected sequence after each value, on a grid of `breaks` means.

    Ends are rounded outward to the grid, and bets use log(2 / alpha): so does confseq, whose
    figures this reproduces.
    """
    t = np.arange(1, len(x) + 1)
    mean = (0.5 + x.cumsum()) / (t + 1)
    variance = (0.25 + ((x - mean) ** 2).cumsum()) / (t + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    bet = np.sqrt(2 * np.log(2 / alpha) / (t * np.log(1 + t) * before))
    grid = np.arange(breaks + 1) / breaks
    with np.errstate(divide="ignore", invalid="ignore"):
        up_limit, down_limit = 0.5 / grid, 0.5 / (1 - grid)
    up = np.minimum(bet[:, None], up_limit)
    down = np.minimum(bet[:, None], down_limit)
    gain = x[:, None] - grid
    gains = np.log1p(np.nan_to_num(up * gain, posinf=0.0)).cumsum(axis=0)
    losses = np.log1p(np.nan_to_num(-down * gain, posinf=0.0)).cumsum(axis=0)
    wealth = np.maximum(gains, losses) + np.log(0.5)
    alive = np.logical_and.accumulate(wealth < np.log(1 / alpha), axis=0)
    low = np.where(alive, grid, np.inf).min(axis=1)
    high = np.where(alive, grid, -np.inf).max(axis=1)
    return np.maximum(low - 1 / breaks, 0.0), np.minimum(high + 1 / breaks, 1.0)
