"""Several suites of one pair of models: a rate each, all prompts together, one part against the rest.

Suites are read side by side, so their intervals hold together: each has level 1 - alpha / K (Bonferroni,
which holds however the suites' prompts overlap). See docs/statistics.md 10.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from brie.analyse.arrays import Floats, generator, t_quantile
from brie.analyse.bootstrap import PLUS_ONE, plus_one
from brie.analyse.bounded import one_sided
from brie.analyse.sequential import betting_interval
from brie.analyse.win_rate import Settings
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import Ends

BETTING = "betting"
SIMULTANEOUS = f"{PLUS_ONE}, one-sided bounds"
GAP = "welch-t-plus-one"
RATE = "win_rate"
"""The quantity whose draws are used: those of the suite's own evaluation, so that a wider interval of
the same rate contains the narrower one."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A rate with its interval."""

    value: float
    low: float
    high: float
    level: float
    method: str
    prompts: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What "not worse" is held against: an interval and one-sided bounds, of one claim of several."""

    interval: Ends
    one_sided: Ends
    level: float
    """Of the interval; each bound has (1 + level) / 2 by itself."""


def rated(means: Floats, level: float, seed: int, settings: Settings) -> Rated:
    """The mean of some prompts with its interval: the headline's, or below 8 prompts by betting.

    Args:
        means: prompt means in [0, 1], at least one.
        level: of the interval.
        seed: of the evaluation they are from.
        settings: how many resamples.
    """
    value = float(means.mean())
    if len(means) < FEWEST_PROMPTS:
        return Rated(value, *betting_interval(means, level), level, BETTING, len(means))
    drawn = plus_one(means, generator(seed, RATE), resamples=settings.resamples).interval(level)
    return Rated(value, drawn.low, drawn.high, level, PLUS_ONE, len(means))


def among(means: Floats, suites: int, seed: int, settings: Settings) -> Rated:
    """A suite's rate as one of several: the intervals of all hold together at the settings' level.

    From 8 prompts on each end is the farther of the headline's interval and of the one-sided bounds, of
    level 1 - alpha / K: the first alone falls short where many suites have one verdict a prompt.

    Args:
        means: its prompt means.
        suites: how many there are, K.
        seed: of its evaluation.
        settings: the level of all together.
    """
    alpha = (1 - settings.level) / suites
    rate, bounds = rated(means, 1 - alpha, seed, settings), one_sided(means, alpha / 2)
    if bounds is None:
        return rate
    return replace(
        rate, low=min(rate.low, bounds[0]), high=max(rate.high, bounds[1]), method=SIMULTANEOUS
    )


def once(rates: Sequence[Mapping[str, float]]) -> Floats:
    """All suites' prompt means, a prompt that several suites ask once: with the mean of its rates.

    Args:
        rates: what a prompt asks (as a digest) -> its mean, suite by suite.
    """
    asked: dict[str, list[float]] = {}
    for suite in rates:
        for what, mean in suite.items():
            asked.setdefault(what, []).append(mean)
    return np.array([sum(means) / len(means) for _, means in sorted(asked.items())], np.float64)


def gap(first: Floats, second: Floats, level: float) -> tuple[float, float]:
    """The interval of the mean of `first` minus that of `second`, of prompts drawn apart.

    Each has one imagined prompt that is won and one that is lost (Agresti and Caffo 2000, for two
    proportions); then Welch's t. Where prompts stand in both it is wider than it need be.

    Args:
        first, second: prompt means in [0, 1], at least one each.
        level: of the interval.
    """
    full = [np.concatenate([means, [0.0, 1.0]]) for means in (first, second)]
    error = [float(means.var(ddof=1)) / len(means) for means in full]
    freedom = sum(error) ** 2 / sum(e**2 / (len(f) - 1) for e, f in zip(error, full, strict=True))
    centre = float(full[0].mean() - full[1].mean())
    half = t_quantile((1 + level) / 2, freedom) * sqrt(sum(error))
    return max(centre - half, -1.0), min(centre + half, 1.0)


def floor_bounds(means: Floats, claims: int, seed: int, settings: Settings) -> Bounds | None:
    """What "not worse" needs where so many suites make that claim; None below 8 prompts.

    Args:
        means: prompt means of one suite.
        claims: suites that may be called not worse; any false one of them has probability 5 % at most.
        seed: of its evaluation.
        settings: how many resamples.
    """
    alpha = 0.05 / claims
    bounds = one_sided(means, alpha)
    if bounds is None:
        return None
    level = 1 - 2 * alpha
    drawn = plus_one(means, generator(seed, RATE), resamples=settings.resamples).interval(level)
    return Bounds((drawn.low, drawn.high), bounds, level)
