"""Verdict tables for tests: full designs with planted judges, and the reference numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from brie.analyse.arrays import Floats, Ints
from brie.analyse.table import VerdictTable

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "reference.json").read_text("utf-8"))

Judge = Callable[[Ints, Ints, np.random.Generator], Floats]
"""(position, label, generator) -> scores."""


def first(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
    """Always names the answer that stands first."""
    return (position + 1) / 2


def second(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
    """Always names the answer that stands second."""
    return (1 - position) / 2


def always_a(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
    """Always answers "A"."""
    return (label + 1) / 2


def always_b(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
    """Always answers "B"."""
    return (1 - label) / 2


def ties(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
    """Always ties."""
    return np.full(len(position), 0.5)


def coin(win: float) -> Judge:
    """Wins with a fixed probability, whatever it is shown."""

    def judge(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
        return (rng.random(len(position)) < win).astype(np.float64)

    return judge


def often(habit: Judge, share: float, otherwise: float) -> Judge:
    """Follows a habit in that share of verdicts, else names the candidate with a probability."""

    def judge(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
        free = (rng.random(len(position)) < otherwise).astype(np.float64)
        return np.where(rng.random(len(position)) < share, habit(position, label, rng), free)

    return judge


def names(letter: str, count: int) -> list[str]:
    """p00, p01, …"""
    return [f"{letter}{index:02d}" for index in range(count)]


def design(
    judges: list[Judge],
    *,
    prompts: int = 24,
    samples: int = 1,
    seed: int = 0,
    categories: int = 3,
    sources: int = 8,
    **columns: Any,
) -> VerdictTable:
    """Every judge on every comparison in both orders, in complementary cells."""
    rng = np.random.default_rng(seed)
    shape = (prompts, samples, len(judges), 2)
    prompt, sample, judge, side = (a.ravel() for a in np.meshgrid(*map(np.arange, shape), indexing="ij"))
    position = 1 - 2 * side
    layout = rng.choice([-1, 1], size=shape[:3])[prompt, sample, judge]
    label = layout * position
    score = np.zeros(len(prompt))
    for code, function in enumerate(judges):
        own = judge == code
        score[own] = function(position[own], label[own], rng)
    filled: dict[str, Any] = {
        "prompts": names("p", prompts),
        "judges": names("j", len(judges)),
        "category": [f"c{index % categories}" for index in range(prompts)],
        "source": [f"s{index % sources}" for index in range(prompts)],
        "prompt": prompt, "judge": judge, "sample": sample, "score": score,
        "position": position, "label": label, "both_orders": True,
    }  # fmt: skip
    return VerdictTable.build(**{**filled, **columns})


def one_verdict_each(scores: list[float] | Floats, **columns: Any) -> VerdictTable:
    """One judge, one order, one verdict a prompt."""
    count = len(scores)
    filled: dict[str, Any] = {
        "prompts": names("p", count), "judges": ["j"], "prompt": np.arange(count),
        "judge": np.zeros(count, np.int64), "score": scores, "both_orders": False,
    }  # fmt: skip
    return VerdictTable.build(**{**filled, **columns})


def mirrored(table: VerdictTable) -> VerdictTable:
    """The same verdicts with the two sides exchanged."""
    from dataclasses import replace

    length = table.length_difference
    return replace(
        table,
        score=1 - table.score,
        position=-table.position,
        label=-table.label,
        length_difference=None if length is None else -length,
        features={name: -values for name, values in table.features.items()},
        criteria={name: -values for name, values in table.criteria.items()},
    )
