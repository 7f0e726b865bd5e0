"""Second opinions on a win rate, never the headline: human labels, latent classes, one-pair ratings."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from brie.analyse.arrays import Floats, t_quantile, z_quantile


@dataclass(frozen=True)
class Powered:
    """A rate from few human labels and many judge scores."""

    value: float
    low: float
    high: float
    level: float
    weight: float
    """lambda: how much the judges count; 0 is humans alone."""
    labelled: int
    unlabelled: int


def ppi(
    human: Floats,
    judged: Floats,
    unlabelled: Floats,
    *,
    level: float = 0.95,
    weight: float | None = None,
    normal: bool = False,
) -> Powered:
    """Prediction-powered inference, PPI++ (Angelopoulos, Duchi, Zrnic 2023), on prompt means.

    Args:
        human: prompt means by people, on randomly drawn prompts.
        judged: prompt means by the judges on the same prompts.
        unlabelled: prompt means by the judges on all other prompts.
        weight: lambda; None takes cov(Y, f) / ((1 + m/n) var(f)), clipped to [0, 1].
        normal: normal quantile instead of t(m - 1).

    Raises:
        ValueError: fewer than 2 labelled or unlabelled prompts.
    """
    m, n = len(human), len(unlabelled)
    if m < 2 or n < 2:
        raise ValueError("at least 2 prompts with labels and 2 without are needed")
    lam = _weight(human, judged, unlabelled) if weight is None else weight
    value = lam * float(unlabelled.mean()) + float((human - lam * judged).mean())
    variance = lam**2 * float(unlabelled.var()) / n + float((human - lam * judged).var()) / m
    q = z_quantile((1 + level) / 2) if normal else t_quantile((1 + level) / 2, m - 1)
    half = q * sqrt(variance)
    return Powered(value, value - half, value + half, level, lam, m, n)


def judge_bias(human: Floats, judged: Floats, *, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of judges minus people with its t interval: what single labels are most useful for.

    Raises:
        ValueError: fewer than 2 labelled prompts.
    """
    m = len(human)
    if m < 2:
        raise ValueError("at least 2 prompts with labels are needed")
    gap = judged - human
    half = t_quantile((1 + level) / 2, m - 1) * float(gap.std(ddof=1)) / sqrt(m)
    return float(gap.mean()), float(gap.mean()) - half, float(gap.mean()) + half


def dawid_skene(
    votes: Floats, *, iterations: int = 1000, tolerance: float = 1e-8
) -> tuple[Floats, Floats]:
    """Dawid and Skene 1979 for two classes, by EM from the majority vote.

    Args:
        votes: (items, judges) of 0 and 1, NaN where a judge gave none.

    Returns each item's probability of class 1 and each judge's confusion matrix (judges, truth,
    vote). It assumes judges err independently given the truth: a bias they share is reported
    with conviction.
    """
    given = np.stack([votes == 0, votes == 1], axis=2).astype(np.float64)  # (items, judges, vote)
    posterior = given.sum(axis=1)
    posterior = posterior / posterior.sum(axis=1, keepdims=True)
    confusion = np.zeros((votes.shape[1], 2, 2))
    for _ in range(iterations):
        confusion = np.einsum("it,ijv->jtv", posterior, given) + 1e-12
        confusion /= confusion.sum(axis=2, keepdims=True)
        prior = posterior.mean(axis=0) + 1e-300
        log = np.log(prior) + np.einsum("ijv,jtv->it", given, np.log(confusion))
        updated = np.exp(log - log.max(axis=1, keepdims=True))
        updated /= updated.sum(axis=1, keepdims=True)
        change = float(np.abs(updated - posterior).max())
        posterior = updated
        if change < tolerance:
            break
    return posterior[:, 1], confusion


def effective_judges(votes: Floats, truth: Floats) -> float | None:
    """How many independent judges the panel is worth: J / (1 + (J - 1) r).

    Args:
        votes: (items, judges), each judge's category, no NaN.
        truth: the majority of at least 3 people on each item. With single human labels the result
            is a lower bound: label noise alone makes independent judges look dependent.

    r is the mean correlation of being correct, within items of one true category, weighted by
    items. None for fewer than 2 judges, or where no judge errs in any category.
    """
    judges = votes.shape[1]
    if judges < 2:
        return None
    correct = (votes == truth[:, None]).astype(np.float64)
    total, weight = 0.0, 0.0
    for category in np.unique(truth):
        part = correct[truth == category]
        varied = part[:, part.std(axis=0) > 0]
        if varied.shape[1] < 2:
            continue
        upper = np.corrcoef(varied.T)[np.triu_indices(varied.shape[1], 1)]
        total, weight = total + len(part) * float(upper.mean()), weight + len(part)
    if weight == 0:
        return None
    return float(judges / max(1 + (judges - 1) * total / weight, 1e-9))


def davidson(wins: int, losses: int, ties: int) -> tuple[float, float] | None:
    """Davidson 1970 for one pair of models: strength ratio W/L and tie parameter T / sqrt(W L).

    With one pair the model is saturated: it says nothing the counts do not. None if a side never wins.
    """
    if wins == 0 or losses == 0:
        return None
    return wins / losses, ties / sqrt(wins * losses)


def _weight(human: Floats, judged: Floats, unlabelled: Floats) -> float:
    pooled = np.concatenate([judged, unlabelled])
    variance = float(pooled.var(ddof=1))
    if variance == 0:
        return 0.0
    covariance = float(np.cov(human, judged, ddof=1)[0, 1])
    return float(np.clip(covariance / ((1 + len(human) / len(unlabelled)) * variance), 0, 1))
