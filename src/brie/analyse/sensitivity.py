"""Second opinions on a win rate, never the headline: latent classes, independence, one-pair ratings."""

from __future__ import annotations

from math import sqrt

import numpy as np

from brie.analyse.arrays import Floats


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
