"""From verdicts to prompt means: judges over samples over orders (docs/statistics.md 1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints, group_mean, group_sum, present
from brie.analyse.table import VerdictTable


@dataclass(frozen=True)
class Cells:
    """One entry for what one judge said of one comparison, its orders averaged."""

    table: VerdictTable
    prompt: Ints
    judge: Ints
    sample: Ints
    first: Floats
    """Mean score where the candidate stood first; NaN if no such verdict is usable."""
    second: Floats
    mean: Floats
    """Mean over orders; NaN where the cell is not complete."""
    verdicts: Ints
    """Usable verdicts in the cell."""
    complete: Bools
    """Every planned order is judged."""
    identical: Bools
    of_row: Ints
    """For every row of the table, its cell."""

    @cached_property
    def half(self) -> Bools:
        """Cells with a verdict but not in every planned order: they leave the mean."""
        joint, any_verdict = self.table.joint, self.verdicts > 0
        if joint is not None:
            any_verdict[self.of_row[joint.half]] = True
        return np.asarray(any_verdict & ~self.complete)


@dataclass(frozen=True)
class PromptMeans:
    """The G numbers all inference runs on."""

    prompt: Ints
    """Codes of the prompts that have a mean, ascending."""
    mean: Floats
    verdicts: Ints
    """Usable verdicts behind each mean."""

    def __len__(self) -> int:
        return len(self.mean)

    def where(self, keep: Bools) -> PromptMeans:
        """Some of the prompts."""
        return PromptMeans(self.prompt[keep], self.mean[keep], self.verdicts[keep])


def cells(table: VerdictTable, missing: float | None = None) -> Cells:
    """Group the rows of a table by (prompt, judge, sample).

    Args:
        missing: the score unusable verdicts are given; None leaves them out.
    """
    code, prompt, judge, sample = _cell_codes(table)
    size = len(prompt)
    planned = table.repeat == 0
    used = table.usable if missing is None else planned
    score = table.score if missing is None else np.where(table.usable, table.score, missing)
    score = np.where(used, score, 0.0)

    def mean_where(rows: Bools) -> Floats:
        return group_mean(code[rows], score[rows], size)

    first, second = mean_where(used & (table.position > 0)), mean_where(used & (table.position < 0))
    every = mean_where(used)
    identical = np.zeros(size, np.bool_)
    identical[code[table.identical]] = True
    verdicts = np.bincount(code[used], minlength=size)
    if table.both_orders:
        both = (first + second) / 2
        complete = ~np.isnan(both) | (identical & (verdicts > 0))
        mean = np.where(np.isnan(both) & complete, every, both)
    else:
        complete, mean = verdicts > 0, every
    return Cells(table, prompt, judge, sample, first, second, mean, verdicts, complete, identical, code)


def prompt_means(cells: Cells, keep: Bools | None = None) -> PromptMeans:
    """Mean over judges of the mean over samples, for every prompt with a complete cell."""
    used = cells.complete if keep is None else cells.complete & keep
    judges, prompts = len(cells.table.judges), len(cells.table.prompts)
    pair = cells.prompt[used] * judges + cells.judge[used]
    by_judge = group_mean(pair, cells.mean[used], prompts * judges).reshape(prompts, judges)
    present = ~np.isnan(by_judge)
    count = present.sum(axis=1)
    prompt = np.flatnonzero(count)
    mean = np.where(present, by_judge, 0.0).sum(axis=1)[prompt] / count[prompt]
    verdicts = group_sum(cells.prompt[used], cells.verdicts[used], prompts)[prompt]
    return PromptMeans(prompt, mean, verdicts.astype(np.int64))


def judge_means(cells: Cells, keep: Bools | None = None) -> Floats:
    """Prompt means of each judge alone: (prompts, judges), NaN where a judge has none."""
    used = cells.complete if keep is None else cells.complete & keep
    judges, prompts = len(cells.table.judges), len(cells.table.prompts)
    pair = cells.prompt[used] * judges + cells.judge[used]
    return group_mean(pair, cells.mean[used], prompts * judges).reshape(prompts, judges)


def _cell_codes(table: VerdictTable) -> tuple[Ints, Ints, Ints, Ints]:
    """Cell of every row, and prompt, judge and sample of every cell."""
    judges = max(1, len(table.judges))
    samples = present(table.sample)
    sample = np.searchsorted(samples, table.sample)
    width = max(1, len(samples))
    dense = (table.prompt * judges + table.judge) * width + sample
    size = len(table.prompts) * judges * width
    if size <= 4 * len(dense) + 1024:  # a table of flags is cheaper than a sort
        seen = np.zeros(size, np.bool_)
        seen[dense] = True
        known = np.flatnonzero(seen)
        rank = np.cumsum(seen) - 1
        code = rank[dense]
    else:
        known, code = np.unique(dense, return_inverse=True)
    pair, sample_code = np.divmod(known, width)
    prompt, judge = np.divmod(pair, judges)
    sample_value = samples[sample_code] if len(samples) else sample_code
    return code, prompt, judge, sample_value
