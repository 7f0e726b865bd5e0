"""Power at the planned prompts, and false claims of "not worse"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from bench.simulate import Floats, Setting, prompt_means
from brie.analyse.bootstrap import plus_one
from brie.analyse.bounded import ALPHA, p_value
from brie.analyse.power import prompts_needed, variance_ratio
from brie.analyse.signflip import sign_flip

LEAST_POWER = 0.78
_RNG = np.random.default_rng(0)


def planned_power(runs: int, seed: int) -> list[dict[str, Any]]:
    """Share of evaluations with the planned prompts that say `better`, at the planned rate."""
    rows = []
    for index, (rate, samples) in enumerate(product((0.55, 0.6, 0.65, 0.7, 0.77, 0.85, 0.9), (1, 3))):
        prompts = prompts_needed(rate, variance_ratio(samples))
        cell = Setting(prompts, rate, 0.3, samples, "simple")
        means = prompt_means(cell, runs, np.random.default_rng([seed, 20, index]))
        rows.append(
            {"rate": rate, "samples": samples, "prompts": prompts, "power": _share(means, _is_better)}
        )
    return rows


@dataclass(frozen=True)
class Null:
    """Evaluations whose true rate lies on the margin: nothing is to be shown of them."""

    name: str
    margin: float
    draw: Callable[[int, np.random.Generator], Floats]
    """Runs -> prompt means (runs, prompts)."""


def nulls(prompts: tuple[int, ...] = (8, 13, 20, 40, 66, 200)) -> list[Null]:
    """One and three verdicts a prompt, correlated within prompts or not, with and without ties.

    And prompts of which a few are lost outright and the others won by a little.
    """
    found = []
    for count, margin, samples, icc, ties in product(
        prompts, (0.05, 0.0), (1, 3), (0.0, 0.6), (0.0, 0.3)
    ):
        rate = (0.5 - margin - ties / 2) / (1 - ties)
        cell = Setting(count, rate, icc, samples, "simple", ties)
        name = f"{count} x {samples}, icc {icc:g}, ties {ties:g}"
        found.append(Null(name, margin, partial(prompt_means, cell)))
    for count, margin, lost in product(prompts, (0.05, 0.0), (0.02, 0.1, 0.2)):
        name = f"{count}, {lost:g} of the prompts at 0, the others alike"
        found.append(Null(name, margin, partial(_some_lost, count, lost, 0.5 - margin)))
    return found


def false_met(cells: Sequence[Null], runs: int, seed: Sequence[int]) -> list[dict[str, Any]]:
    """Share of evaluations that meet "not worse" where the true rate lies on the margin."""
    rows = []
    for index, null in enumerate(cells):
        means, floor = null.draw(runs, np.random.default_rng([*seed, index])), 0.5 - null.margin
        met = _share(means, partial(_is_above, floor=floor))
        rows.append({"setting": null.name, "margin": null.margin, "runs": runs, "false met": met})
    return rows


def _some_lost(prompts: int, lost: float, mean: float, runs: int, rng: np.random.Generator) -> Floats:
    return np.where(rng.random((runs, prompts)) < lost, 0.0, mean / (1 - lost))


def _share(means: Floats, claim: Callable[[Floats], bool]) -> float:
    """Share of runs with a claim; equal data are looked at once."""
    ordered = np.sort(np.round(means, 9), axis=1)
    _, first, count = np.unique(ordered, axis=0, return_index=True, return_counts=True)
    claims = np.array([claim(means[i]) for i in first])
    return float(claims @ count / len(means))


def _is_better(means: Floats) -> bool:
    if sign_flip(means - 0.5, _RNG).p_value >= ALPHA:
        return False
    return plus_one(means, _RNG).interval(0.95).low > 0.5 + 1e-9


def _is_above(means: Floats, floor: float) -> bool:
    """The gate's two conditions for "not worse"."""
    if p_value(means, floor) >= ALPHA:
        return False
    return plus_one(means, _RNG).interval(0.90).low > floor + 1e-12
