"""Simulated panels of judges, verdict by verdict: what position, agreement and variance are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.simulate import Floats
from brie.analyse.table import VerdictTable


@dataclass(frozen=True)
class Panel:
    """One cell of a grid: how an evaluation is laid out, and what its judges do."""

    prompts: int
    rate: float
    """Mean probability that a sample of the candidate is the better one."""
    icc: float = 0.0
    samples: int = 1
    judges: int = 1
    both: bool = True
    """Each comparison in both orders; else once, the four cells balanced within each judge."""
    sees: float = 1.0
    """Share of verdicts that follow the sample, an error all judges share; the others are coins."""
    first: float = 0.0
    """Share of verdicts that take the first answer: the effect of position."""
    letter: float = 0.0
    """Share of verdicts that take the answer called A: the effect of the letter."""
    ties: float = 0.0

    @property
    def name(self) -> str:
        """The setting in one line."""
        orders = "both orders" if self.both else "one order"
        more = "".join(
            f", {word} {value:g}"
            for word, value in (("icc", self.icc), ("sees", self.sees), ("first", self.first),
                                ("letter", self.letter), ("ties", self.ties))
            if value != (1.0 if word == "sees" else 0.0)
        )  # fmt: skip
        return f"{self.prompts} x {self.samples} x {self.judges}, {orders}, rate {self.rate:g}{more}"


def verdicts(panel: Panel, rng: np.random.Generator) -> Floats:
    """Scores of one simulated evaluation: (prompts, samples, judges, 2 orders, 2 letterings).

    All four presentations have one; which are asked for is the design's affair (`tabled`).
    """
    size = (panel.prompts, panel.samples)
    chance = np.full(panel.prompts, panel.rate)
    if panel.icc > 0:
        spread = 1 / panel.icc - 1
        chance = rng.beta(panel.rate * spread, (1 - panel.rate) * spread, panel.prompts)
    won = rng.random(size) < chance[:, None]
    shape = (*size, panel.judges, 2, 2)
    says = np.broadcast_to(won[..., None, None, None], shape)
    drawn = rng.random(shape)
    order, letter = np.array([True, False])[:, None], np.array([True, False])[None, :]
    says = np.where(drawn < panel.sees, says, rng.random(shape) < 0.5)
    taken = rng.random(shape)
    says = np.where(taken < panel.first, order, says)
    says = np.where(taken > 1 - panel.letter, letter, says)
    scores = says.astype(np.float64)
    return np.where(rng.random(shape) < panel.ties, 0.5, scores) if panel.ties else scores


def tabled(panel: Panel, rng: np.random.Generator) -> VerdictTable:
    """One simulated evaluation as a table, order and letter crossed as in a real one."""
    scores = verdicts(panel, rng)
    comparisons = panel.prompts * panel.samples
    prompt, sample = np.divmod(np.arange(comparisons), panel.samples)
    prompt, sample = np.repeat(prompt, panel.judges), np.repeat(sample, panel.judges)
    judge = np.tile(np.arange(panel.judges), comparisons)
    cell = np.stack([rng.permutation(comparisons) % 4 for _ in range(panel.judges)], axis=1).reshape(-1)
    order, letter = cell // 2, cell % 2
    if panel.both:
        prompt, sample, judge = (np.repeat(column, 2) for column in (prompt, sample, judge))
        order, letter = np.repeat(order, 2), np.repeat(letter, 2)
        second = np.arange(len(order)) % 2
        order, letter = order ^ second, letter ^ second
    return VerdictTable.build(
        prompts=[f"p{i:04d}" for i in range(panel.prompts)],
        judges=[f"j{i}" for i in range(panel.judges)],
        prompt=prompt, judge=judge, sample=sample,
        score=scores[prompt, sample, judge, order, letter],
        position=1 - 2 * order, label=1 - 2 * letter, both_orders=panel.both,
    )  # fmt: skip
