"""Second opinions on a win rate, never the headline: latent classes, independence, one-pair ratings."""

from __future__ import annotations

from math import sqrt

import numpy as np

from brie.analyse.arrays import Floats, generator
from brie.analyse.bootstrap import PromptBootstrap
from brie.analyse.shared_errors import shared_errors, worth_in_judges


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

    r is the mean correlation of being correct, within items of one true category (`shared_errors`).
    None for fewer than 2 judges, or where no two of them err in some category.
    """
    if votes.shape[1] < 2:
        return None
    items = np.arange(len(truth))
    classes = np.unique(truth, return_inverse=True)[1]
    right = np.where(votes == truth[:, None], classes[:, None], -1).astype(np.float64)
    errors = shared_errors(right, classes, items, PromptBootstrap.draw(len(truth), generator(0, ""), 0))
    if errors is None:
        return None
    return float(worth_in_judges(votes.shape[1], errors.values.mean()))


def davidson(wins: int, losses: int, ties: int) -> tuple[float, float] | None:
    """Davidson 1970 for one pair of models: strength ratio W/L and tie parameter T / sqrt(W L).

    With one pair the model is saturated: it says nothing the counts do not. None if a side never wins.
    """
    if wins == 0 or losses == 0:
        return None
    return wins / losses, ties / sqrt(wins * losses)
