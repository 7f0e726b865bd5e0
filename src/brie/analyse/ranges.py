"""How far the win rate moves when a judge or a source is left out, and the majority vote."""

from __future__ import annotations

import numpy as np

from brie.analyse.arrays import AnyInts, Floats, group_mean, group_sum, present, ranked
from brie.analyse.cells import Cells, PromptMeans, prompt_means
from brie.records.estimates import Range


def leave_one_judge_out(cells: Cells) -> Range | None:
    """Win rate without each judge in turn; None for one judge."""
    names = cells.table.judges
    rates = np.full(len(names), np.nan)
    for code in range(len(names)):
        left = prompt_means(cells, cells.judge != code)
        if len(left):
            rates[code] = left.mean.mean()
    return _range(rates, names) if len(names) > 1 else None


def leave_one_source_out(means: Floats, source: AnyInts, names: tuple[str, ...]) -> Range | None:
    """Win rate without each source in turn; None for one source."""
    sums = group_sum(source, means, len(names))
    counts = np.bincount(source, minlength=len(names))
    present = counts > 0
    if present.sum() < 2:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = (means.sum() - sums) / (len(means) - counts)
    return _range(np.where(present, rates, np.nan), names)


def majority_means(cells: Cells) -> PromptMeans | None:
    """Prompt means of the panel's majority: each judge votes once a comparison, with its orders' mean.

    A vote is win, tie or loss; the majority is the sign of wins minus losses. None for one judge.
    """
    if len(cells.table.judges) < 2:
        return None
    used = cells.complete
    samples = present(cells.sample)
    width = max(1, len(samples))
    comparison = cells.prompt * width + np.searchsorted(samples, cells.sample)
    comparisons, code = ranked(comparison[used])
    votes = np.sign(np.round(cells.mean[used] - 0.5, 12))
    balance = np.sign(group_sum(code, votes, len(comparisons)))
    prompts = len(cells.table.prompts)
    mean = group_mean(comparisons // width, 0.5 + balance / 2, prompts)
    kept = np.flatnonzero(~np.isnan(mean))
    verdicts = np.bincount(comparisons // width, minlength=prompts)[kept]
    return PromptMeans(kept, mean[kept], verdicts)


def _range(rates: Floats, names: tuple[str, ...]) -> Range | None:
    if np.isnan(rates).all():
        return None
    low, high = int(np.nanargmin(rates)), int(np.nanargmax(rates))
    members = int((~np.isnan(rates)).sum())
    return Range(
        low=float(rates[low]),
        high=float(rates[high]),
        low_without=names[low],
        high_without=names[high],
        members=members,
    )
