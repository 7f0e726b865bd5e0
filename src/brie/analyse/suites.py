"""Several suites of one pair of models: a rate each, all prompts together, one part against the rest.

Suites are read side by side, so their intervals hold together: each has level 1 - alpha / K (Bonferroni,
which holds however the suites' prompts overlap). See docs/statistics.md 10.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from brie.analyse.arrays import Floats, generator
from brie.analyse.bootstrap import PLUS_ONE, plus_one
from brie.analyse.bounded import one_sided
from brie.analyse.sequential import betting_interval
from brie.analyse.signflip import sign_flip
from brie.analyse.win_rate import Settings
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import Ends

BETTING = "betting"
MOVER = "square-and-add"
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


def lines(parts: Sequence[tuple[Floats, int]], settings: Settings) -> list[Rated]:
    """Each suite's rate; the intervals hold together at the settings' level.

    Args:
        parts: prompt means and seed of each suite.
        settings: the level of all together.
    """
    level = 1 - (1 - settings.level) / len(parts)
    return [rated(means, level, seed, settings) for means, seed in parts]


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


def gap(first: Rated, second: Rated) -> tuple[float, float]:
    """The interval of first minus second, from theirs of the same level.

    The distances to the two ends are squared and added (MOVER: Zou and Donner 2008, "Construction of
    confidence limits about effect measures", equation 6), for rates that are independent; where prompts
    are shared it is wider than it need be.
    """
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    value = first.value - second.value
    return max(value - below, -1.0), min(value + above, 1.0)


def p_value(means: Floats, seed: int, settings: Settings) -> float:
    """Two-sided sign-flip p of "the sides are exchangeable" on these prompts."""
    return sign_flip(means - 0.5, generator(seed, RATE), resamples=settings.flips).p_value


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
