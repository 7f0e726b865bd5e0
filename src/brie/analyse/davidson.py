"""Strengths of many models from paired comparisons with ties (docs/statistics.md 8.6).

Davidson 1970 (J. Am. Stat. Assoc. 65, 317-328): with d = theta_i - theta_j a comparison is won by i
with probability e^(d/2) / D, tied with nu / D and lost with e^(-d/2) / D, where D is the sum of the
three numerators. Without ties nu is 0 and the model is Bradley and Terry's (1952). The likelihood is
concave in theta and log nu, so Newton's method finds its only maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Bools, Floats

_STEPS = 60
_CLOSE = 1e-9
_CHORDS = 15
_NEAR = 1e-6
"""Resamples need no more digits: their spread is some thousand times as wide."""
_LARGEST_STEP = 2.0
"""A Newton step longer than this overshoots where probabilities are near 0 or 1."""
_LARGEST = 30.0
_LEAST_TIES = 1e-9


@dataclass(frozen=True)
class Strengths:
    """Strengths of M models; a leading axis is one of resamples."""

    theta: Floats
    """(…, M), mean zero: log strengths."""
    nu: Floats
    """(…): how ready judges are to tie; 0 without ties."""


def fit(
    wins: Floats, ties: Floats, imagined: Floats | None = None, start: Strengths | None = None
) -> Strengths:
    """Maximum likelihood.

    Args:
        wins: (…, M, M), how often i was preferred to j; fractions are allowed.
        ties: (…, M, M), symmetric: how often the two tied.
        imagined: (…, M, 2), wins and losses of each model against one of average strength; they keep
            the strength of a model that won or lost everything finite.
        start: where to begin; zero by default.
    """
    batch, size = wins.shape[:-2], wins.shape[-1]
    games = wins + np.swapaxes(wins, -1, -2) + ties
    observed = (wins + ties / 2).sum(axis=-1)
    tied = ties.sum(axis=(-2, -1)) / 2
    has_ties = tied > _LEAST_TIES
    theta = (
        np.zeros((*batch, size))
        if start is None
        else np.broadcast_to(start.theta, (*batch, size)).copy()
    )
    eta = (
        np.zeros(batch) if start is None else np.log(np.maximum(np.broadcast_to(start.nu, batch), 1e-6))
    )
    for _ in range(_STEPS):
        gradient = _gradient(games, observed, tied, has_ties, theta, eta)
        curvature = _curvature(games, has_ties, theta, eta)
        if imagined is not None:
            _imagine(gradient, imagined, theta)
            _imagine_curvature(curvature, imagined, theta)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        length = np.abs(step).max(axis=-1, keepdims=True)
        step = step * np.minimum(1.0, _LARGEST_STEP / np.maximum(length, 1e-300))
        theta = np.clip(theta + step[..., :size], -_LARGEST, _LARGEST)
        eta = np.clip(eta + step[..., size], -_LARGEST, _LARGEST)
        if float(length.max(initial=0.0)) < _CLOSE:
            break
    if imagined is None:
        theta = theta - theta.mean(axis=-1, keepdims=True)
    return Strengths(theta, np.where(has_ties, np.exp(eta), 0.0))


def fit_near(
    wins: Floats, ties: Floats, imagined: Floats, known: Strengths, inverse: Floats
) -> Strengths:
    """`fit` of resamples of one table, whose own fit and inverse curvature are known.

    The known curvature serves for all of them (a chord instead of Newton's tangent), which needs
    no matrix to be solved; those that do not come to rest so are fitted by Newton's method.

    Args:
        wins: (B, M, M).
        ties: (B, M, M), symmetric.
        imagined: (B, M, 2).
        known: the fit of the whole table.
        inverse: (M + 1, M + 1), of `curvature_of` it.
    """
    batch, size = wins.shape[0], wins.shape[-1]
    games = wins + np.swapaxes(wins, -1, -2) + ties
    observed, tied = (wins + ties / 2).sum(axis=-1), ties.sum(axis=(-2, -1)) / 2
    has_ties = tied > _LEAST_TIES
    theta = np.tile(known.theta, (batch, 1))
    eta = np.full(batch, float(np.log(max(float(known.nu), 1e-6))))
    length = np.full(batch, np.inf)
    for _ in range(_CHORDS):
        gradient = _gradient(games, observed, tied, has_ties, theta, eta)
        _imagine(gradient, imagined, theta)
        step = gradient @ inverse
        theta, eta = theta + step[:, :size], eta + step[:, size]
        length = np.abs(step).max(axis=1)
        if not np.isfinite(length).all() or float(length.max(initial=0.0)) < _NEAR:
            break
    far = ~(length < _NEAR)
    nu = np.where(has_ties, np.exp(np.clip(eta, -_LARGEST, _LARGEST)), 0.0)
    if far.any():
        again = fit(wins[far], ties[far], imagined[far], known)
        theta[far], nu[far] = again.theta, again.nu
    return Strengths(theta, nu)


def curvature_of(wins: Floats, ties: Floats, imagined: Floats, at: Strengths) -> Floats:
    """Negative Hessian (M + 1, M + 1) of the log likelihood at some strengths, log nu last."""
    games = wins + wins.T + ties
    has_ties = np.asarray(ties.sum() > _LEAST_TIES)
    eta = np.log(np.maximum(at.nu, 1e-6))
    curvature = _curvature(games, has_ties, at.theta, np.asarray(eta))
    _imagine_curvature(curvature, imagined, at.theta)
    return curvature


def outcomes(theta: Floats, nu: Floats) -> tuple[Floats, Floats]:
    """For every ordered pair the probabilities of a win and of a tie: (…, M, M) each."""
    half = np.exp((theta[..., :, None] - theta[..., None, :]) / 2)
    total = half + 1 / half + nu[..., None, None]
    return half / total, nu[..., None, None] / total


def expected_rates(strengths: Strengths) -> Floats:
    """Each model's expected win rate against the others, each weighing the same: (…, M)."""
    won, tied = outcomes(strengths.theta, strengths.nu)
    size = won.shape[-1]
    score = won + tied / 2
    index = np.arange(size)
    return np.asarray((score.sum(axis=-1) - score[..., index, index]) / max(size - 1, 1))


def connected(played: Bools) -> Bools:
    """Members of the largest group of models that met each other, by way of others or not.

    Args:
        played: (M, M), symmetric.
    """
    group = _groups(played, directed=False)
    return np.asarray(group == np.bincount(group).argmax())


def has_a_maximum(wins: Floats, ties: Floats) -> bool:
    """Ford 1957: no group of models won every comparison with the rest, or lost every one."""
    group = _groups((wins + ties) > 0, directed=True)
    return bool((group == group[0]).all())


def _groups(edges: Bools, *, directed: bool) -> Floats:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    kind = "strong" if directed else "weak"
    return np.asarray(connected_components(csr_array(edges), directed=True, connection=kind)[1])


def _gradient(
    games: Floats, observed: Floats, tied: Floats, has_ties: Bools, theta: Floats, eta: Floats
) -> Floats:
    """Gradient of the log likelihood, (…, M + 1), log nu last."""
    nu = np.where(has_ties, np.exp(eta), 0.0)
    root = np.exp(theta / 2)
    square = root**2
    both = (nu[..., None] * root)[..., :, None] * root[..., None, :]
    per = games / (square[..., :, None] + square[..., None, :] + both)
    across = np.matmul(per, root[..., None])[..., 0]
    expected = square * per.sum(axis=-1) + (nu[..., None] / 2) * root * across
    gradient = np.empty((*theta.shape[:-1], theta.shape[-1] + 1))
    gradient[..., :-1] = observed - expected
    gradient[..., -1] = np.where(has_ties, tied - nu * (root * across).sum(axis=-1) / 2, 0.0)
    return gradient


def _curvature(games: Floats, has_ties: Bools, theta: Floats, eta: Floats) -> Floats:
    """Negative Hessian, (…, M + 1, M + 1)."""
    won, tie = outcomes(theta, np.where(has_ties, np.exp(eta), 0.0))
    score = won + tie / 2
    size = theta.shape[-1]
    weight = games * (won + tie / 4 - score**2)
    curvature = np.empty((*theta.shape[:-1], size + 1, size + 1))
    inner = curvature[..., :size, :size]
    inner[...] = 1.0 / size - weight  # the mean of theta is free: this fixes it where it is
    index = np.arange(size)
    inner[..., index, index] += weight.sum(axis=-1)
    cross = (games * tie * (0.5 - score)).sum(axis=-1)
    curvature[..., :size, size] = cross
    curvature[..., size, :size] = cross
    own = np.where(has_ties, (games * tie * (1 - tie)).sum(axis=(-2, -1)) / 2, 0.0)
    curvature[..., size, size] = own + np.where(own > 1e-12, 0.0, 1.0)
    return curvature


def _imagine(gradient: Floats, imagined: Floats, theta: Floats) -> None:
    chance = 1 / (1 + np.exp(-theta))
    gradient[..., :-1] += imagined[..., 0] - imagined.sum(axis=-1) * chance


def _imagine_curvature(curvature: Floats, imagined: Floats, theta: Floats) -> None:
    """One of strength 0 is among the models: where it was met, it fixes the mean."""
    size = theta.shape[-1]
    chance = 1 / (1 + np.exp(-theta))
    number = imagined.sum(axis=-1)
    index = np.arange(size)
    met = number.sum(axis=-1) > 0
    curvature[..., :size, :size] -= np.where(met, 1.0 / size, 0.0)[..., None, None]
    curvature[..., index, index] += number * chance * (1 - chance)
