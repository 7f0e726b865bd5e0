"""Does a part really differ, or has the rest only lost power? By tests of the difference itself.

Flagged pairs, groups of prompts: which prompts they are is dealt anew at random, and the difference
is held against those of the deals (a permutation test). The mean of source means: a jackknife over
sources (Tukey 1958). See docs/statistics.md 1.11.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from brie.analyse.arrays import (
    Bools,
    Floats,
    Ints,
    generator,
    group_mean,
    group_sum,
    t_two_sided,
    z_two_sided,
)
from brie.analyse.cells import cells
from brie.checks.evidence import Evidence, survives
from brie.conventions import FEWEST_PROMPTS
from brie.records import Record
from brie.records.analysis import WinRate

ALPHA = 0.05
DEALS = 4999
"""Deals of a permutation test."""
_WORK = 20_000_000
_DEALT_UP_TO = 5000
"""Prompts above which groups are tested by the normal distribution."""
_LARGE = 30
"""Prompts a group needs for that."""


class Without(Record):
    """The verdict without the comparisons that a check flags."""

    holds: bool
    """The interval of the others lies on the side where the whole one's does."""
    prompts_left: int
    difference: float | None
    """The rate of all minus the rate of the others; None where no other is left."""
    p_value: float | None
    """None where no comparison is left, or none is flagged."""
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
    whole = evidence.analysis.win_rate
    p = _flags_matter(evidence, rows) if again else None
    return Without(
        holds=holds,
        prompts_left=left,
        difference=whole.value - again.value if whole and again else None,
        p_value=p,
        changes=not holds and ((p is not None and p < ALPHA) or left < FEWEST_PROMPTS),
    )


def groups_differ(means: Floats, code: Ints, rng: np.random.Generator, *, deals: int = DEALS) -> Floats:
    """Two-sided p of "this group is like the other prompts", for every group.

    Group labels are dealt anew over prompts; above 5,000 prompts the normal distribution with the
    permutation's variance, for groups of 30 prompts and more.

    Args:
        means: one a prompt.
        code: its group, 0 to n - 1.
        rng: of the deals.
        deals: how many.

    Returns one p a group; 1 for a group of no prompt, or of all.
    """
    size = np.bincount(code)
    number, prompts = len(size), len(means)
    inside = (size > 0) & (size < prompts)
    observed = np.abs(_gaps(group_sum(code, means, number)[None, :], size, float(means.sum())))[0]
    if prompts > _DEALT_UP_TO:
        error = np.sqrt(means.var(ddof=1) * prompts / (np.maximum(size, 1) * (prompts - size + ~inside)))
        known = inside & (size >= _LARGE) & (error > 0)
        return np.array(
            [z_two_sided(o / e) if k else 1.0 for o, e, k in zip(observed, error, known, strict=True)]
        )
    member = np.zeros((prompts, number))
    member[np.arange(prompts), code] = 1.0
    beyond, block = np.zeros(number), max(1, 2_000_000 // prompts)
    for start in range(0, deals, block):
        rows = min(block, deals - start)
        dealt = rng.permuted(np.broadcast_to(means, (rows, prompts)), axis=1) @ member
        gaps = np.abs(_gaps(dealt, size, float(means.sum())))
        beyond += (gaps >= observed - 1e-9).sum(axis=0)
    return np.where(inside, (beyond + 1) / (deals + 1), 1.0)


def _gaps(sums: Floats, size: Ints, total: float) -> Floats:
    """Mean of each group minus the mean of the others: (rows, groups)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / size - (total - sums) / (size.sum() - size))


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


def _flags_matter(evidence: Evidence, rows: Bools) -> float | None:
    """p of "which comparisons are flagged has nothing to do with how they came out".

    A prompt's flags are dealt to another prompt as they are, in a random order of samples; the
    statistic is the rate of all minus the rate of the comparisons that are not flagged.
    """
    scores, flags = _comparisons(evidence, rows)
    flagged = np.flatnonzero(flags.any(axis=1))
    if len(flagged) == 0:
        return None
    means = np.nanmean(scores, axis=1)
    observed = float(_removed(scores, means, flagged[None, :], flags[flagged][None, :, :])[0])
    if np.isnan(observed):
        return None
    rng = generator(evidence.seed, "checks.difference")
    prompts, width = flags.shape
    deals = min(DEALS, evidence.settings.resamples, max(199, _WORK // (prompts * width)))
    beyond, block = 0, max(1, 2_000_000 // (prompts * width))
    for start in range(0, deals, block):
        shape = (min(block, deals - start), len(flagged), width)
        order = rng.permuted(np.broadcast_to(np.arange(prompts), (shape[0], prompts)), axis=1)
        dealt = rng.permuted(np.broadcast_to(flags[flagged], shape), axis=2)
        drawn = np.abs(_removed(scores, means, order[:, : len(flagged)], dealt))
        beyond += int((np.nan_to_num(drawn, nan=np.inf) >= abs(observed) - 1e-9).sum())
    return float((beyond + 1) / (deals + 1))


def _removed(scores: Floats, means: Floats, prompt: Ints, flags: Bools) -> Floats:
    """The rate of all minus the rate of the rest, for every deal; NaN where nothing is left.

    Args:
        scores: (prompts, samples), NaN where a comparison has none.
        means: one a prompt.
        prompt: (deals, flagged prompts).
        flags: (deals, flagged prompts, samples).
    """
    kept = np.where(flags, np.nan, scores[prompt])
    number = (~np.isnan(kept)).sum(axis=2)
    part = np.nansum(kept, axis=2) / np.maximum(number, 1)
    sums = means.sum() - means[prompt].sum(axis=1) + part.sum(axis=1)
    left = len(means) - prompt.shape[1] + (number > 0).sum(axis=1)
    return np.where(left > 0, means.mean() - sums / np.maximum(left, 1), np.nan)


def _comparisons(evidence: Evidence, rows: Bools) -> tuple[Floats, Bools]:
    """Score and flag of every comparison, (prompts, samples); prompts without any score left out."""
    table = evidence.table
    rated = cells(table)
    samples = np.unique(table.sample)
    shape = (len(table.prompts), len(samples))
    code = rated.prompt * shape[1] + np.searchsorted(samples, rated.sample)
    used = rated.complete
    scores = group_mean(code[used], rated.mean[used], shape[0] * shape[1]).reshape(shape)
    flags = np.zeros(shape, np.bool_)
    flags[table.prompt[~rows], np.searchsorted(samples, table.sample[~rows])] = True
    flags &= ~np.isnan(scores)
    present = ~np.isnan(scores).all(axis=1)
    return scores[present], flags[present]


def _p_value(value: float, left_out: Floats, freedom: int) -> float | None:
    number = len(left_out)
    error = sqrt((number - 1) / number * float(((left_out - left_out.mean()) ** 2).sum()))
    if error <= 1e-12:
        return 1.0 if abs(value) <= 1e-12 else None
    return t_two_sided(value / error, freedom)
