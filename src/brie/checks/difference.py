"""Does a rate really differ, or has a smaller part only lost power? By a jackknife of the difference.

Prompts, or sources, are the units: D is the difference, D_i the same with unit i left out, and
se^2 = (n - 1)/n sum (D_i - mean D)^2 (Tukey 1958); D/se is held against a t (docs/statistics.md 1.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints, group_mean, group_sum, t_two_sided
from brie.analyse.cells import cells, prompt_means
from brie.checks.evidence import Evidence, survives
from brie.conventions import FEWEST_PROMPTS
from brie.records import Record
from brie.records.analysis import WinRate

ALPHA = 0.05


class Without(Record):
    """The verdict without the comparisons that a check flags."""

    holds: bool
    """The interval of the others lies on the side where the whole one's does."""
    prompts_left: int
    difference: float | None
    """The rate of all minus the rate of the others; None where no other is left."""
    p_value: float | None
    """None where too few prompts are flagged, or left, for a test."""
    changes: bool
    """The verdict does not hold, and that is a difference by test, or too little is left to hold it."""


@dataclass(frozen=True)
class Difference:
    """A difference of two dependent rates and its p-value."""

    value: float
    p_value: float | None


def without(evidence: Evidence, rows: Bools, again: WinRate | None) -> Without:
    """Whether the verdict differs without some rows, by test.

    Args:
        evidence: the whole.
        rows: the rows that are left, as a mask.
        again: their win rate.
    """
    holds, left = survives(evidence, again), again.prompts if again else 0
    found = _of_rows(evidence, rows) if again else None
    differs = found is not None and found.p_value is not None and found.p_value < ALPHA
    return Without(
        holds=holds,
        prompts_left=left,
        difference=found.value if found else None,
        p_value=found.p_value if found else None,
        changes=not holds and (differs or left < FEWEST_PROMPTS),
    )


def mean_of_sources(means: Floats, source: Ints) -> Difference:
    """The mean of source means minus the mean of prompts, sources left out one by one.

    Args:
        means: one a prompt.
        source: the code of its source.
    """
    size = int(source.max()) + 1
    counts, sums = np.bincount(source, minlength=size), group_sum(source, means, size)
    rates, present = group_mean(source, means, size), counts > 0
    counts, sums, rates = counts[present], sums[present], rates[present]
    number = len(rates)
    value = float(rates.mean() - means.mean())
    if number < 2:
        return Difference(value, None)
    left_out = (rates.sum() - rates) / (number - 1) - (sums.sum() - sums) / (len(means) - counts)
    return Difference(value, _p_value(value, left_out, number - 1))


def _of_rows(evidence: Evidence, rows: Bools) -> Difference:
    """The rate of all minus the rate of some rows, prompts left out one by one."""
    prompts = len(evidence.table.prompts)
    every = prompt_means(cells(evidence.table))
    some = prompt_means(cells(evidence.table.select(rows)))
    whole, part = np.full(prompts, np.nan), np.full(prompts, np.nan)
    whole[every.prompt], part[some.prompt] = every.mean, some.mean
    used = ~np.isnan(whole)
    whole, part = whole[used], part[used]
    kept = ~np.isnan(part)
    affected = int((~kept | (np.abs(np.where(kept, part, 0.0) - whole) > 1e-12)).sum())
    value = float(whole.mean() - part[kept].mean())
    if min(affected, int(kept.sum())) < 2:
        return Difference(value, None)
    without_one = (whole.sum() - whole) / (len(whole) - 1)
    rest = part[kept].sum() - np.where(kept, part, 0.0)
    left_out = without_one - rest / (int(kept.sum()) - kept)
    return Difference(value, _p_value(value, left_out, min(affected, int(kept.sum())) - 1))


def _p_value(value: float, left_out: Floats, freedom: int) -> float | None:
    number = len(left_out)
    error = sqrt((number - 1) / number * float(((left_out - left_out.mean()) ** 2).sum()))
    if error <= 1e-12:
        return 1.0 if abs(value) <= 1e-12 else None
    return t_two_sided(value / error, freedom)
