"""Every pair of a panel's judges: tables of what they said, resampled, and their coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from brie.analyse.agreement import (
    OUTCOMES,
    cohen_kappa,
    coincidences,
    gwet_ac1,
    krippendorff_alpha,
    occurring,
    percent,
    ratio,
)
from brie.analyse.arrays import AnyInts, Floats, Ints, distinct
from brie.analyse.bootstrap import PLUS_FOUR, percentiles
from brie.analyse.ratings import Ratings
from brie.analyse.study import Study
from brie.conventions import FEWEST_PROMPTS
from brie.records.agreement import PairAgreement
from brie.records.estimates import Ends, Estimate

K = len(OUTCOMES)

COEFFICIENTS: dict[str, Callable[[Floats], Floats]] = {
    "percent": percent,
    "kappa": cohen_kappa,
    "alpha": lambda table: krippendorff_alpha(coincidences(table)),
    "alpha_ordinal": lambda table: krippendorff_alpha(coincidences(table), "ordinal"),
    "ac1": gwet_ac1,
}
"""Functions of a pair table (..., K, K)."""


_DEFINED = 0.75
"""Share of the resamples that must give a number."""
LOSS, TIE, WIN = 0, 1, 2
IMAGINED = ((WIN, WIN), (LOSS, LOSS), (WIN, LOSS), (LOSS, WIN))
"""What two judges say of the four imagined prompts that join every resample: both agreements and both
disagreements. Without them agreement near 0 or 1, or of judges who nearly always say the same, would
have too narrow an interval, or none."""


@dataclass(frozen=True)
class PairTables:
    """Items by the categories two judges gave them, for every pair of judges."""

    judges: list[tuple[str, str]]
    tables: Floats
    """(pairs, K, K)"""
    draws: Floats
    """(resamples, pairs, K, K), imagined prompts included."""
    prompts: list[int]
    """Prompts behind each table."""


def pair_tables(study: Study, rated: Ratings) -> PairTables:
    """Count and resample."""
    category = rated.category
    units, size = study.bootstrap.unit[rated.prompt], study.bootstrap.weights.shape[1]
    pieces, judges, prompts = [], [], []
    for a, b in combinations(range(len(rated.judges)), 2):
        pieces.append(_pair_pieces(category[:, a], category[:, b], units, size))
        judges.append((rated.judges[a], rated.judges[b]))
        both = np.isfinite(category[:, a]) & np.isfinite(category[:, b])
        prompts.append(distinct(rated.prompt[both]))
    every = np.concatenate(pieces, axis=1)
    tables = every.sum(axis=0).reshape(-1, K, K)
    draws = study.bootstrap.of_units(every).reshape(-1, len(judges), K, K)
    items = tables.sum(axis=(1, 2)) / np.maximum(prompts, 1)
    for drawn, (first, second) in zip(study.bootstrap.imagined.T, IMAGINED, strict=True):
        draws[:, :, first, second] += drawn[:, None] * items
    return PairTables(judges, tables, draws, prompts)


def pair_entries(
    study: Study,
    counted: PairTables,
    path: str,
    intervals: Sequence[dict[str, dict[str, Ends]]] | None = None,
) -> tuple[PairAgreement, ...]:
    """For each pair: coefficients with intervals, confusion table, base rates.

    Args:
        intervals: of the base rates, where they are to be shown (`base_rate_intervals`).
    """
    entries = []
    for i, names in enumerate(counted.judges):
        table = counted.tables[i]
        entry = PairAgreement(
            judges=names,
            n=int(table.sum()),
            prompts=counted.prompts[i],
            **_coefficients(study, counted, i, f"{path}.{names[0]}.{names[1]}"),
            confusion=table.astype(int).tolist(),
            outcomes=OUTCOMES,
            marginals={name: shares(table.sum(axis=1 - side)) for side, name in enumerate(names)},
        )
        more = {} if intervals is None else {"marginal_intervals": intervals[i]}
        entries.append(entry.model_copy(update=more))
    return tuple(entries)


def estimate(study: Study, value: float, draws: Floats, prompts: int, path: str) -> Estimate | None:
    """A value with its percentile interval, which holds it, or None with a note.

    Args:
        draws: the value in every resample, imagined prompts included.
    """
    if prompts < FEWEST_PROMPTS:
        study.notes[path] = f"too few prompts: {prompts} of the {FEWEST_PROMPTS} needed"
        return None
    interval = percentiles(draws, study.settings.level, finite=_DEFINED)
    if not np.isfinite(value):
        reason = "every verdict is the same, so agreement beyond chance is 0/0"
        study.notes[path] = f"{reason}{_allowed(interval)}"
        return None
    if interval is None:
        study.notes[path] = "no interval: it is 0/0 in more than one resample in four"
    elif interval[1] - interval[0] < 1e-12:
        study.notes[path] = "no interval: every prompt gives the same, so resampling shows no spread"
        interval = None
    low, high = interval or (None, None)
    return Estimate(
        value=value,
        low=None if low is None else min(low, value),
        high=None if high is None else max(high, value),
        level=study.settings.level,
        n=prompts,
        method=PLUS_FOUR,
    )


def _allowed(ends: tuple[float | None, float | None] | None) -> str:
    """What a coefficient without a value may be, as its interval says."""
    low, high = ends or (None, None)
    return "" if low is None or high is None else f"; it may be anything from {low:.2f} to {high:.2f}"


def shares(counts: Floats) -> dict[str, float]:
    """Counts of loss, tie and win as shares."""
    total = float(counts.sum())
    return {name: float(c) / total if total else 0.0 for name, c in zip(OUTCOMES, counts, strict=True)}


def _coefficients(
    study: Study, counted: PairTables, index: int, path: str
) -> dict[str, Estimate | None]:
    table, draws = counted.tables[index], counted.draws[:, index]
    used = occurring(table)
    few = np.ix_(used, used)
    cells = with_imagined(used)
    drawn = draws[:, cells][:, :, cells]
    values = {
        name: estimate(
            study,
            float(function(table[few])) if table.sum() else float("nan"),
            function(drawn),
            counted.prompts[index],
            f"{path}.{name}",
        )
        for name, function in COEFFICIENTS.items()
    }
    if values["kappa"] is not None and one_is_constant(table):
        ends = (values["kappa"].low, values["kappa"].high)
        values["kappa"] = None
        study.notes[f"{path}.kappa"] = f"{CONSTANT}{_allowed(ends)}"
    return values


def with_imagined(used: AnyInts) -> AnyInts:
    """Categories that occur, with those of the imagined prompts."""
    return np.union1d(used, [LOSS, WIN])


CONSTANT = "one of the two always says the same, and kappa is then 0 whatever the other says"


def one_is_constant(table: Floats) -> bool:
    """Whether one of the two judges used a single category."""
    return bool(min((table.sum(axis=axis) > 0).sum() for axis in (0, 1)) < 2)


def base_rate_intervals(study: Study, counted: PairTables) -> list[dict[str, dict[str, Ends]]]:
    """For each pair and judge, intervals of the base rates; empty where prompts are too few."""
    level, imagined = study.settings.level, study.bootstrap.imagined
    every: list[dict[str, dict[str, Ends]]] = []
    for i, names in enumerate(counted.judges):
        table, prompts = np.ascontiguousarray(counted.draws[:, i]), counted.prompts[i]
        intervals: dict[str, dict[str, Ends]] = {}
        for side, name in enumerate(names if prompts >= FEWEST_PROMPTS else ()):
            counts = table.sum(axis=2 - side)
            total = counts.sum(axis=1, keepdims=True)
            # No imagined prompt is a tie: for the share of ties, as for the others, two of them are.
            counts[:, TIE] += imagined[:, :2].sum(axis=1) * counted.tables[i].sum() / prompts
            drawn = ratio(counts, total)
            ends = {o: percentiles(drawn[:, c], level) for c, o in enumerate(OUTCOMES)}
            intervals[name] = {outcome: pair for outcome, pair in ends.items() if pair}
        every.append(intervals)
    return every


def _pair_pieces(a: Floats, b: Floats, units: Ints, size: int) -> Floats:
    """Pair tables by unit, flattened: (units, K * K)."""
    both = np.isfinite(a) & np.isfinite(b)
    cell = (a[both] * K + b[both]).astype(np.int64)
    flat = np.bincount(units[both] * K**2 + cell, minlength=size * K**2)
    return flat.reshape(size, K**2).astype(np.float64)
