"""Simulated differences of two evaluations on the same prompts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.simulate import Floats


@dataclass(frozen=True)
class Pair:
    """One cell of a grid: two rates, and how alike a prompt is for both."""

    prompts: int
    first: float
    second: float
    icc: float = 0.0
    """Correlation of two samples of one prompt; a prompt has the same rank in both evaluations."""
    samples: int = 1

    @property
    def name(self) -> str:
        """The setting in one line."""
        rates = f"rates {self.first:g} and {self.second:g}"
        return f"{self.prompts} x {self.samples}, {rates}, icc {self.icc:g}"

    @property
    def truth(self) -> float:
        """The difference of the rates."""
        return self.first - self.second


PAIRS = tuple(
    Pair(prompts, first, second, icc, samples)
    for prompts, (first, second), (icc, samples) in product(
        (8, 20, 57, 200),
        ((0.5, 0.5), (0.9, 0.9), (0.77, 0.5), (0.9, 0.7), (0.99, 0.9), (0.97, 0.97), (1.0, 0.95),
         (1.0, 0.99)),
        ((0.0, 1), (0.6, 1), (0.6, 3)),
    )
)  # fmt: skip


def gaps(pair: Pair, rng: np.random.Generator) -> Floats:
    """Differences by prompt of one simulated pair of evaluations."""
    from scipy.special import betaincinv

    rank = rng.random(pair.prompts)
    means = []
    for rate in (pair.first, pair.second):
        chance = np.full(pair.prompts, rate)
        if pair.icc > 0 and rate < 1:
            spread = 1 / pair.icc - 1
            chance = betaincinv(rate * spread, (1 - rate) * spread, rank)
        means.append((rng.random((pair.samples, pair.prompts)) < chance).mean(axis=0))
    return np.asarray(means[0] - means[1])
