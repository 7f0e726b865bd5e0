"""A win rate anchored in people: their votes on some prompts, judges on all (docs/statistics.md 9).

Judges can agree with each other and lean all the same; their own numbers cannot tell. Where people
voted on prompts that were drawn at random, what judges say of all prompts is corrected by how far they
were off on those.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from brie.analyse.arrays import Floats, t_quantile, t_two_sided, z_quantile, z_two_sided

FEWEST_LABELLED = 50
"""Prompts with votes below which no anchored rate is given: the intervals of fewer do not hold."""
_FOLDS = 10


@dataclass(frozen=True)
class AnchoredRate:
    """What people would have preferred, in units of the win rate."""

    value: float
    low: float
    high: float
    p_value: float
    """Two-sided, for a rate of one half."""
    interval_90: tuple[float, float]
    weight: float
    """lambda: how much the judges count; 0 is people alone."""


@dataclass(frozen=True)
class Labels:
    """Prompt means between 0 and 1: people's where they voted, the judges' everywhere."""

    people: Floats
    """(m,) of the prompts that people voted on."""
    judged: Floats
    """(m,) of the same prompts."""
    others: Floats
    """(n,) of all other prompts, n may be 0."""

    def __post_init__(self) -> None:
        if len(self.people) != len(self.judged) or len(self.people) < 2:
            raise ValueError("people and judges must have judged the same prompts, two or more")

    @property
    def all_judged(self) -> Floats:
        """(m + n,) what judges said of every prompt."""
        return np.concatenate([self.judged, self.others])


def new_prompts(
    labels: Labels,
    *,
    level: float = 0.95,
    weight: float | None = None,
    imagined: bool = True,
    normal: bool = False,
) -> AnchoredRate:
    """Prediction-powered inference, PPI++ (Angelopoulos, Duchi, Zrnic 2023), for prompts like these.

    theta = lambda mean(f of the others) + mean(Y - lambda f), lambda = cov(Y, f) / ((1 + m/n) var(f))
    between 0 and 1, and the quantile of t(m - 1). Two imagined prompts, one won and one lost, widen the
    variance: without them the interval covers .59 to .88 where nearly all prompts are won.

    Args:
        labels: m prompts with votes, drawn at random, and n without.
        level: of the interval.
        weight: lambda; None takes it from the votes.
        imagined: with the imagined prompts; the published method has none.
        normal: the normal quantile instead of t(m - 1), as published.
    """
    m, n = len(labels.people), len(labels.others)
    if weight is None:
        weight = _weight(labels.people, labels.judged, labels.all_judged, 1 + m / n) if n > 1 else 0.0
    others = labels.others
    mean = float(others.mean()) if weight else 0.0
    corrected = labels.people - weight * (labels.judged - mean)
    value = float(corrected.mean())
    if imagined:
        corrected, others = np.append(corrected, [0.0, 1.0]), np.append(others, [0.0, 1.0])
    variance = float(corrected.var()) / len(corrected)
    if weight:
        variance += weight**2 * float(others.var()) / len(others)
    return _rate(value, sqrt(variance), None if normal else m - 1, weight, level)


def this_suite(labels: Labels, *, level: float = 0.95) -> AnchoredRate:
    """The rate had people voted on every prompt of this suite: a finite population of m + n.

    theta = mean(Y - lambda (f - mean f of all)), lambda = cov(Y, f) / var(f) of the other nine tenths of
    the votes, between 0 and 1; its variance is (1 - m/N) of the mean's, with the two imagined prompts.

    Args:
        labels: m prompts with votes, drawn at random, and n without.
        level: of the interval.
    """
    m, every = len(labels.people), labels.all_judged
    mean = float(every.mean())
    fold = np.arange(m) % _FOLDS
    weights = np.zeros(m)
    for k in range(min(_FOLDS, m) if len(labels.others) else 0):
        rest = fold != k
        weights[~rest] = _weight(labels.people[rest], labels.judged[rest], every, 1.0)
    corrected = labels.people - weights * (labels.judged - mean)
    spread = float(np.append(corrected, [0.0, 1.0]).var(ddof=1)) / (m + 2)
    error = sqrt((1 - m / len(every)) * spread)
    return _rate(float(corrected.mean()), error, m - 1, float(weights.mean()), level)


def lean(people: Floats, judged: Floats, *, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of judges minus people on the same prompts with its interval, in units of the win rate.

    Two imagined prompts, on which the judges are off by one half either way, keep the interval from
    vanishing where they never were.

    Raises:
        ValueError: fewer than 2 prompts.
    """
    m = len(people)
    if m < 2:
        raise ValueError("at least 2 prompts with votes are needed")
    gap = judged - people
    spread = np.append(gap, [gap.mean() - 0.5, gap.mean() + 0.5])
    half = t_quantile((1 + level) / 2, m - 1) * float(spread.std(ddof=1)) / sqrt(m + 2)
    return float(gap.mean()), float(gap.mean()) - half, float(gap.mean()) + half


def width_of(votes: int, *, prompts: int, level: float = 0.95, correlation: float = 0.6) -> float:
    """Half the width to expect of the rate for new prompts, in units of the win rate.

    Args:
        votes: prompts that people vote on.
        prompts: of the suite.
        level: of the interval.
        correlation: of people and judges over prompts; prompt means of single votes have variance 1/5.
    """
    left = max(prompts - votes, 0)
    explained = correlation**2 * left / prompts
    return t_quantile((1 + level) / 2, max(votes - 1, 1)) * sqrt(0.2 * (1 - explained) / votes)


def _weight(people: Floats, judged: Floats, every: Floats, scale: float) -> float:
    variance = float(every.var(ddof=1))
    if variance == 0 or len(people) < 2:
        return 0.0
    return float(np.clip(float(np.cov(people, judged, ddof=1)[0, 1]) / (scale * variance), 0, 1))


def _rate(value: float, error: float, df: int | None, weight: float, level: float) -> AnchoredRate:
    def ends(share: float) -> tuple[float, float]:
        q = z_quantile((1 + share) / 2) if df is None else t_quantile((1 + share) / 2, df)
        return max(0.0, value - q * error), min(1.0, value + q * error)

    low, high = ends(level)
    standardised = (value - 0.5) / error if error > 0 else 0.0
    p = z_two_sided(standardised) if df is None else t_two_sided(standardised, df)
    return AnchoredRate(min(1.0, max(0.0, value)), low, high, p, ends(0.90), weight)
