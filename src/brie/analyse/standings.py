"""A table of models: strengths, ranks that hold together, and pairs that are not resolved.

Prompts are drawn anew, never rows: every resample weighs the prompts, sums their comparisons to
counts for each pair of models, and fits again from the last fit (docs/statistics.md 8.6). As the
headline's interval has one imagined win and one imagined loss, each model here has one of either,
against a model of average strength.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from brie.analyse.arrays import Floats, Ints, group_sum, z_quantile
from brie.analyse.davidson import (
    Strengths,
    connected,
    curvature_of,
    expected_rates,
    fit,
    fit_near,
    has_a_maximum,
)

RESAMPLES = 1_000
LEVEL = 0.95
POWER = 0.8
_LEAST = 0.1
"""Of an imagined comparison in every resample, so that none has an infinite strength."""
_CHUNK = 1 << 22
"""Numbers held at once while resamples are fitted."""


@dataclass(frozen=True)
class Comparisons:
    """Comparisons of M models, one entry for each prompt and pair of models.

    A prompt's verdicts on one pair (of judges, samples and orders) have been averaged: they weigh one.
    """

    prompt: Ints
    first: Ints
    second: Ints
    """Codes of the models, `first` below `second`."""
    won: Floats
    tied: Floats
    lost: Floats
    """Shares for the first model; they add up to one."""
    models: int
    prompts: int


@dataclass(frozen=True)
class Standing:
    """One model's place."""

    model: int
    rating: float
    """Log strength; the mean of all is zero."""
    rate: float
    """Expected win rate against the others."""
    low: float
    high: float
    best: int
    """Best rank that the intervals allow; they hold together for all models."""
    worst: int


@dataclass(frozen=True)
class Gap:
    """Two neighbours in the table."""

    better: int
    worse: int
    difference: float
    """Of ratings."""
    low: float
    high: float
    """Holds together with those of every other pair."""
    resolution: float
    """Prompts there over prompts needed to tell the two apart in four cases of five."""


@dataclass(frozen=True)
class Standings:
    """The whole table, best model first."""

    standings: list[Standing]
    gaps: list[Gap]
    unresolved: list[tuple[int, int]]
    """Pairs whose interval contains 0, the better-placed model first."""
    apart: list[int]
    """Models that met none of the others, or only each other: they have no place."""
    nu: float
    finite: bool
    """The likelihood has a maximum without imagined comparisons."""
    resamples: int


def standings(
    comparisons: Comparisons,
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Standings:
    """Rank the models.

    Args:
        comparisons: of three models or more.
        rng: draws the prompts.
        level: of every interval.
        resamples: how often prompts are drawn.
    """
    wins, ties = counts(comparisons)
    member = connected((wins + wins.T + ties) > 0)
    apart, kept = np.flatnonzero(~member), np.flatnonzero(member)
    wins, ties = (part[np.ix_(kept, kept)] for part in (wins, ties))
    finite = has_a_maximum(wins, ties)
    one_each = np.ones((len(kept), 2))
    whole = fit(wins, ties, None if finite else one_each)
    theta, nu = _resampled(comparisons, kept, whole, rng, resamples)
    rates = np.concatenate(
        [_rates(theta[part], nu[part]) for part in _parts(len(theta), len(kept) ** 2)]
    )
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2], axis=0)
    spread = _spread(theta)
    wide = _widened(theta, whole.theta, spread, level)
    order = np.argsort(-whole.theta, kind="stable")
    above = whole.theta[:, None] - whole.theta[None, :] > wide * spread
    rate = expected_rates(whole)
    placed = [
        Standing(
            int(kept[i]), float(whole.theta[i]), float(rate[i]),
            float(min(low[i], rate[i])), float(max(high[i], rate[i])),
            1 + int(above[:, i].sum()), len(kept) - int(above[i].sum()),
        )
        for i in order
    ]  # fmt: skip
    unresolved = [
        (int(kept[i]), int(kept[j]))
        for at, i in enumerate(order) for j in order[at + 1 :] if not above[i, j]
    ]  # fmt: skip
    gaps = [_gap(whole.theta, spread, wide, int(i), int(j), kept) for i, j in pairwise(order)]
    return Standings(placed, gaps, unresolved, apart.tolist(), float(whole.nu), finite, resamples)


def counts(comparisons: Comparisons, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """Wins (M, M) and ties (M, M, symmetric) of every pair, prompts weighed where weights are given."""
    c, size = comparisons, comparisons.models
    each = np.ones(len(c.prompt)) if weight is None else weight[c.prompt]
    wins = _sum(c.first * size + c.second, each * c.won, size) + _sum(
        c.second * size + c.first, each * c.lost, size
    )
    ties = _sum(c.first * size + c.second, each * c.tied, size)
    return wins, ties + ties.T


def _sum(cell: Ints, values: Floats, size: int) -> Floats:
    return group_sum(cell, values, size * size).reshape(size, size)


def _resampled(
    comparisons: Comparisons, kept: Ints, whole: Strengths, rng: np.random.Generator, resamples: int
) -> tuple[Floats, Floats]:
    """Strengths of every resample, (B, M) and (B): prompts and imagined comparisons drawn together."""
    from scipy.sparse import csr_array

    pieces, cells, weight = _pieces(comparisons)
    size, models = comparisons.models, len(kept)
    pairs = np.unique(cells // 3)
    column = np.searchsorted(pairs, cells // 3) * 3 + cells % 3
    table = csr_array((weight, (column, pieces.entry)), shape=(3 * len(pairs), len(pieces.share)))
    place = np.full(size, -1)
    place[kept] = np.arange(models)
    one, two = place[pairs // size], place[pairs % size]
    inside = (one >= 0) & (two >= 0)
    theta, nu = np.empty((resamples, models)), np.empty(resamples)
    inverse = np.asarray(np.linalg.inv(_curvature(comparisons, kept, whole)), np.float64)
    for part in _parts(resamples, max(models**2 * 8, len(pieces.share))):
        number = part.stop - part.start
        draws, imagined = _draws(pieces, models, comparisons.prompts, rng, number)
        sums = np.asarray(table @ draws).T.reshape(number, -1, 3)[:, inside]
        wins, ties = np.zeros((number, models, models)), np.zeros((number, models, models))
        wins[:, one[inside], two[inside]] = sums[..., 0]
        ties[:, one[inside], two[inside]] = ties[:, two[inside], one[inside]] = sums[..., 1]
        wins[:, two[inside], one[inside]] = sums[..., 2]
        found = fit_near(wins, ties, imagined, whole, inverse)
        theta[part], nu[part] = found.theta - found.theta.mean(axis=-1, keepdims=True), found.nu
    return theta, nu


def _curvature(comparisons: Comparisons, kept: Ints, whole: Strengths) -> Floats:
    wins, ties = (part[np.ix_(kept, kept)] for part in counts(comparisons))
    return curvature_of(wins, ties, np.ones((len(kept), 2)), whole)


def _draws(
    pieces: _Pieces, models: int, prompts: int, rng: np.random.Generator, number: int
) -> tuple[Floats, Floats]:
    """How often each piece is drawn, (pieces, B), and each imagined comparison, (B, M, 2)."""
    alike, single, imagined = pieces.alike, len(pieces.share) - pieces.alike, 2 * models
    total = prompts + imagined
    chance = np.concatenate([pieces.share[:alike], [single, imagined]]) / total
    drawn = rng.multinomial(total, chance / chance.sum(), size=number)
    draws = np.empty((len(pieces.share), number))
    draws[:alike] = drawn[:, :alike].T
    imaginary = np.empty((number, imagined))
    for at, (of_single, of_imagined) in enumerate(drawn[:, alike:].tolist()):
        if single:
            draws[alike:, at] = np.bincount(rng.integers(0, single, of_single), minlength=single)
        imaginary[at] = _LEAST + np.bincount(rng.integers(0, imagined, of_imagined), minlength=imagined)
    return draws, imaginary.reshape(number, models, 2)


@dataclass(frozen=True)
class _Pieces:
    """What is drawn: a prompt by itself, or all prompts that say the same of the same pair."""

    share: Floats
    """Prompts of each piece: of those alike, then 1 for every other."""
    alike: int
    """Pieces of prompts that are alike."""
    entry: Ints
    """The piece of each non-zero entry."""


def _pieces(comparisons: Comparisons) -> tuple[_Pieces, Ints, Floats]:
    """Pieces, and for each of their entries its cell (pair * 3 + outcome) and its weight.

    Prompts with one comparison that was wholly won, tied or lost are alike where pair and outcome are:
    they are drawn as one piece, which is the same draw and far fewer numbers.
    """
    c = comparisons
    pair = c.first * c.models + c.second
    share = np.stack([c.won, c.tied, c.lost], axis=1)
    single = np.bincount(c.prompt, minlength=c.prompts)[c.prompt] == 1
    whole = single & (share.max(axis=1) == 1.0)
    alike, code = np.unique(pair[whole] * 3 + share[whole].argmax(axis=1), return_inverse=True)
    numbers = np.bincount(code, minlength=len(alike)).astype(np.float64)
    others, own = np.unique(c.prompt[~whole], return_inverse=True)
    row, outcome = np.nonzero(share[~whole])
    cells = np.concatenate([alike, pair[~whole][row] * 3 + outcome])
    entry = np.concatenate([np.arange(len(alike)), len(alike) + own[row]])
    weight = np.concatenate([np.ones(len(alike)), share[~whole][row, outcome]])
    return _Pieces(np.concatenate([numbers, np.ones(len(others))]), len(alike), entry), cells, weight


def _parts(number: int, each: int) -> Iterator[slice]:
    step = max(1, min(number, _CHUNK // max(each, 1)))
    return (slice(start, min(start + step, number)) for start in range(0, number, step))


def _rates(theta: Floats, nu: Floats) -> Floats:
    return expected_rates(Strengths(theta, nu))


def _spread(theta: Floats) -> Floats:
    """Standard error of every difference: (M, M)."""
    covariance = np.cov(theta, rowvar=False)
    own = np.diag(covariance)
    return np.sqrt(np.maximum(own[:, None] + own[None, :] - 2 * covariance, 1e-30))


def _widened(theta: Floats, centre: Floats, spread: Floats, level: float) -> float:
    """How many standard errors every difference's interval takes to hold together (max-T)."""
    about = theta - theta.mean(axis=0)
    largest = np.zeros(len(theta))
    for i in range(len(centre) - 1):
        ratio = np.abs(about[:, i : i + 1] - about[:, i + 1 :]) / spread[i, i + 1 :]
        largest = np.maximum(largest, ratio.max(axis=1))
    return float(np.quantile(largest, level))


def _gap(theta: Floats, spread: Floats, wide: float, i: int, j: int, kept: Ints) -> Gap:
    difference, error = float(theta[i] - theta[j]), float(spread[i, j])
    needed = (z_quantile((1 + LEVEL) / 2) + z_quantile(POWER)) * error
    return Gap(
        int(kept[i]), int(kept[j]), difference, difference - wide * error, difference + wide * error,
        (difference / needed) ** 2,
    )  # fmt: skip
