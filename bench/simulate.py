"""Simulated evaluations whose true win rate is known (docs/statistics.md 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FIRST = 0.15
"""Regime `full`: share of verdicts that just take the first answer."""
SEES = 0.80
"""Regime `full`: share of the other verdicts that follow the sample, an error all judges share
included; the rest are coins."""


@dataclass(frozen=True)
class Setting:
    """One cell of a grid."""

    prompts: int
    rate: float
    """Mean probability that a sample of the candidate wins."""
    icc: float
    samples: int
    regime: str
    """`simple`: one judge, one order. `full`: three judges, both orders, shared errors."""
    ties: float = 0.0

    @property
    def truth(self) -> float:
        """The win rate intervals should cover."""
        rate = self.rate
        if self.regime == "full":
            rate = FIRST / 2 + (1 - FIRST) * (SEES * rate + (1 - SEES) / 2)
        return (1 - self.ties) * rate + self.ties / 2


def prompt_means(setting: Setting, runs: int, rng: np.random.Generator) -> Floats:
    """Prompt means of simulated evaluations: (runs, prompts)."""
    size = (runs, setting.prompts)
    chance = np.full(size, setting.rate)
    if setting.icc > 0:
        spread = 1 / setting.icc - 1
        chance = rng.beta(setting.rate * spread, (1 - setting.rate) * spread, size)
    won = rng.random((*size, setting.samples)) < chance[..., None]
    if setting.regime == "simple":
        scores = _with_ties(won.astype(np.float64), setting.ties, rng)
        return np.asarray(scores.mean(axis=-1))
    shape = (*size, setting.samples, 3, 2)
    seen = np.broadcast_to(won[..., None, None], shape)
    says = np.where(rng.random(shape) < SEES, seen, rng.random(shape) < 0.5)
    candidate_first = np.broadcast_to(np.array([True, False]), shape)
    says = np.where(rng.random(shape) < FIRST, candidate_first, says)
    return np.asarray(_with_ties(says.astype(np.float64), setting.ties, rng).mean(axis=(-3, -2, -1)))


def _with_ties(scores: Floats, ties: float, rng: np.random.Generator) -> Floats:
    return np.where(rng.random(scores.shape) < ties, 0.5, scores) if ties else scores
