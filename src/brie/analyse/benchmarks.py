"""Benchmarks on two sides, paired by document (docs/statistics.md 15).

lm-eval's own comparison of two models is a z test of two independent means; both sides meet the same
documents, and what is common to them falls out of the differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Floats, generator
from brie.analyse.bootstrap import plus_one
from brie.analyse.compare import PAIRED_T, paired_gap, together
from brie.analyse.multiplicity import holm
from brie.analyse.signflip import sign_flip
from brie.analyse.win_rate import Settings
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import Ends, Estimate


@dataclass(frozen=True)
class Scores:
    """A task's documents, on both sides in one order; every value in [0, 1]."""

    candidate: Floats
    baseline: Floats

    @property
    def gap(self) -> Floats:
        """Candidate minus baseline, document by document."""
        return self.candidate - self.baseline


@dataclass(frozen=True)
class Compared:
    """What one task says of the two sides."""

    candidate: Estimate
    baseline: Estimate
    difference: Estimate
    """Its interval holds together with those of the other tasks."""
    p_adjusted: float


def compare_tasks(tasks: Mapping[str, Scores], settings: Settings, seed: int) -> dict[str, Compared]:
    """Every task's difference; the intervals of all hold together.

    The interval is that of two evaluations on shared prompts (`compare.paired_gap`), documents being the
    prompts; of several tasks p is adjusted by Holm, and the intervals go with it (`compare.together`).

    Args:
        tasks: name -> both sides' scores, at least one document each.
        settings: of the intervals.
        seed: of random draws.
    """
    gaps = {
        name: paired_gap(scores.gap) if len(scores.gap) >= FEWEST_PROMPTS else None
        for name, scores in tasks.items()
    }
    p_values = [
        gap.p_value
        if (gap := gaps[name]) is not None
        else sign_flip(scores.gap, generator(seed, f"tasks.{name}"), resamples=settings.flips).p_value
        for name, scores in tasks.items()
    ]
    adjusted = holm(np.array(p_values, np.float64))
    ends = together(list(gaps.values()), adjusted, settings.level)
    return {
        name: Compared(
            candidate=_mean(scores.candidate, f"tasks.{name}.candidate", settings, seed),
            baseline=_mean(scores.baseline, f"tasks.{name}.baseline", settings, seed),
            difference=_difference(scores.gap, interval, settings.level),
            p_adjusted=float(p),
        )
        for (name, scores), interval, p in zip(tasks.items(), ends, adjusted, strict=True)
    }


def _difference(gap: Floats, ends: Ends | None, level: float) -> Estimate:
    low, high = ends or (None, None)
    return Estimate(
        value=float(gap.mean()), low=low, high=high, level=level, n=len(gap), method=PAIRED_T
    )


def _mean(values: Floats, path: str, settings: Settings, seed: int) -> Estimate:
    drawn = plus_one(values, generator(seed, path), resamples=settings.resamples)
    few = len(values) < FEWEST_PROMPTS
    interval = None if few else drawn.interval(settings.level)
    return Estimate(
        value=float(values.mean()), low=interval.low if interval else None,
        high=interval.high if interval else None, level=settings.level, n=len(values),
        method=drawn.method,
    )  # fmt: skip
