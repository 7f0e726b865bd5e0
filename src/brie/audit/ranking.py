"""All models of some rows as one table: who is ahead of whom, and where nothing says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from brie.analyse.arrays import Floats, Ints, generator, group_mean
from brie.analyse.standings import LEVEL, RESAMPLES, Comparisons, Gap, Standings, standings
from brie.audit.rows import Row
from brie.records import Status
from brie.records.audit import ModelGap, ModelRank, ModelTable
from brie.records.estimates import Estimate

METHOD = "davidson-prompt-bootstrap-plus-one"
Name = TypeVar("Name", str, tuple[str, str])
_LISTED = 400
"""Unresolved pairs listed one by one."""
_BOTH = 0.5


@dataclass(frozen=True)
class Counted:
    """Rows of many models as comparisons, and what became of the rows."""

    comparisons: Comparisons
    models: list[str]
    statuses: dict[str, int]
    verdicts: int
    cells: int
    """What a judge said of a comparison, orders together."""
    half: int
    both_orders: bool
    with_itself: int
    """Rows that compare a model with itself."""


def ranked(rows: Sequence[Row], *, seed: int = 0) -> tuple[ModelTable, Counted]:
    """The table of models of some rows."""
    counted = count(rows)
    whole = standings(counted.comparisons, generator(seed, "standings"))
    return _table(whole, counted), counted


def count(rows: Sequence[Row]) -> Counted:
    """Comparisons by prompt and pair of models, verdicts averaged as in a win rate.

    Over a judge's orders, then samples, then judges; a comparison planned in both orders and judged in
    one is `half` and counts for nothing.
    """
    names, one, two, score, position = _oriented(rows)
    prompt, judge = _codes([row.prompt for row in rows]), _codes([row.judge for row in rows])
    comparison = _codes([(row.pair, row.sample) for row in rows])
    order = np.lexsort((position, np.nan_to_num(score, nan=-1.0), comparison, judge, two, one, prompt))
    one, two, position, prompt, judge, comparison = (
        column[order] for column in (one, two, position, prompt, judge, comparison)
    )
    score = score[order]
    apart = one != two
    usable = apart & np.isfinite(score)
    pair = one * len(names) + two
    cell, of_cell = _cells(np.stack([prompt[apart], pair[apart], judge[apart], comparison[apart]]))
    both = _plans_both(rows, of_cell, position[apart], len(cell[0]))
    part = usable[apart]
    value, complete, half = _means(of_cell, score[apart], position[apart], part, len(cell[0]), both=both)
    won, tied = _shares(value, complete)
    keep = np.flatnonzero(complete)
    by_judge, judge_of = _cells(cell[:3, keep])
    wins, ties = (group_mean(judge_of, values[keep], len(by_judge[0])) for values in (won, tied))
    by_pair, pair_of = _cells(by_judge[:2])
    wins, ties = (group_mean(pair_of, values, len(by_pair[0])) for values in (wins, ties))
    known, code = np.unique(by_pair[0], return_inverse=True)
    comparisons = Comparisons(
        code.astype(np.int64), by_pair[1] // len(names), by_pair[1] % len(names),
        wins, ties, np.maximum(1 - wins - ties, 0.0), len(names), len(known),
    )  # fmt: skip
    counts = {status.value: 0 for status in Status}
    for row in rows:
        counts[row.status.value] += 1
    return Counted(
        comparisons, names, counts, int(apart.sum()), len(cell[0]), half, both, int((~apart).sum())
    )


def _oriented(rows: Sequence[Row]) -> tuple[list[str], Ints, Ints, Floats, Ints]:
    """Model names, and for each row the codes of both models, the lower one's score and place."""
    names = sorted({name for row in rows for name in row.models})
    code = {name: at for at, name in enumerate(names)}
    first = np.array([code[row.models[0]] for row in rows], np.int64)
    second = np.array([code[row.models[1]] for row in rows], np.int64)
    score = np.array([row.score if row.status is Status.OK else np.nan for row in rows])
    position = np.array([row.position for row in rows], np.int64)
    turned = first > second
    return (
        names, np.minimum(first, second), np.maximum(first, second),
        np.where(turned, 1 - score, score), np.where(turned, -position, position),
    )  # fmt: skip


def _codes(values: Sequence[Name]) -> Ints:
    """A number for each value, in the values' own order: where a row stands decides nothing."""
    known = {value: code for code, value in enumerate(sorted(set(values)))}
    return np.array([known[value] for value in values], np.int64)


def _cells(columns: Ints) -> tuple[Ints, Ints]:
    """Distinct columns of some codes, and which of them each is."""
    key = np.zeros(columns.shape[1], np.int64)
    for column in columns:
        _, code = np.unique(column, return_inverse=True)
        key = key * (int(code.max(initial=0)) + 1) + code
        _, key = np.unique(key, return_inverse=True)
    _, first = np.unique(key, return_index=True)
    return columns[:, first], key


def _plans_both(rows: Sequence[Row], of_cell: Ints, position: Ints, size: int) -> bool:
    seen = np.zeros((size, 3), np.bool_)
    seen[of_cell, position + 1] = True
    two = int((seen[:, 0] & seen[:, 2]).sum())
    if any(row.both for row in rows):
        return two > 0
    known = int((seen[:, 0] | seen[:, 2]).sum())
    return bool(known) and two >= _BOTH * known


def _means(
    of_cell: Ints, score: Floats, position: Ints, usable: Ints, size: int, *, both: bool
) -> tuple[Floats, Ints, int]:
    """Each cell's mean score, whether it counts, and how many are half."""

    def mean(rows: Ints) -> Floats:
        return group_mean(of_cell[rows], score[rows], size)

    every = mean(usable)
    if not both:
        return every, np.isfinite(every), 0
    orders = (mean(usable & (position > 0)) + mean(usable & (position < 0))) / 2
    complete = np.isfinite(orders)
    return orders, complete, int((np.isfinite(every) & ~complete).sum())


def _shares(value: Floats, complete: Ints) -> tuple[Floats, Floats]:
    """Won and tied: one half is a tie, a fraction is won by its share and lost by the rest."""
    tied = np.where(complete & (np.abs(value - 0.5) < 1e-12), 1.0, 0.0)
    return np.where(complete & (tied == 0), value, 0.0), tied


def _table(whole: Standings, counted: Counted) -> ModelTable:
    c, names = counted.comparisons, counted.models
    met = np.bincount(np.concatenate([c.first, c.second]), minlength=c.models)
    opponents = np.unique(np.concatenate([c.first * c.models + c.second, c.second * c.models + c.first]))
    against = np.bincount(opponents // c.models, minlength=c.models)
    unresolved = [(names[one], names[two]) for one, two in whole.unresolved]
    ranks = tuple(
        ModelRank(
            name=names[place.model], rank=rank, rank_low=place.best, rank_high=place.worst,
            rating=place.rating, comparisons=int(met[place.model]), opponents=int(against[place.model]),
            expected=Estimate(
                value=place.rate, low=place.low, high=place.high, level=LEVEL, n=c.prompts, method=METHOD
            ),
        )
        for rank, place in enumerate(whole.standings, 1)
    )  # fmt: skip
    return ModelTable(
        models=ranks,
        neighbours=tuple(_gap(gap, names, c.prompts) for gap in whole.gaps),
        pairs=len(ranks) * (len(ranks) - 1) // 2,
        unresolved=len(unresolved),
        unresolved_pairs=tuple(unresolved[:_LISTED]),
        apart=tuple(names[model] for model in whole.apart),
        tie=whole.nu,
        finite=whole.finite,
        prompts=c.prompts,
        level=LEVEL,
        resamples=RESAMPLES,
        method=METHOD,
    )


def _gap(gap: Gap, names: Sequence[str], prompts: int) -> ModelGap:
    needed = int(np.ceil(prompts / gap.resolution)) if gap.resolution > 1e-9 else None
    return ModelGap(
        ahead=names[gap.better],
        behind=names[gap.worse],
        difference=Estimate(
            value=gap.difference, low=gap.low, high=gap.high, level=LEVEL, n=prompts, method=METHOD
        ),
        resolved=gap.low > 0,
        resolution=gap.resolution,
        prompts_needed=needed,
    )


def reasons_of(rows: Iterable[Row]) -> dict[str, tuple[int, int]]:
    """What stood where no verdict could be read -> how often, and the first line."""
    seen: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row.why:
            number, line = seen.get(row.why, (0, row.line))
            seen[row.why] = number + 1, min(line, row.line)
    return dict(sorted(seen.items(), key=lambda item: (-item[1][0], item[1][1])))
