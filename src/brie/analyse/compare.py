"""Several candidates on shared prompts: paired differences, checkpoint ladders, a selection half.

Comparing two evaluations compares two checkpoints, not two recipes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from brie.analyse.arrays import Floats, generator, largest, t_quantile, t_two_sided
from brie.analyse.cells import cells, prompt_means
from brie.analyse.multiplicity import holm
from brie.analyse.signflip import FLOOR, sign_flip
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import Ends
from brie.records.studies import Difference

MAX_T = "max-t"
PAIRED_T = "paired-t-plus-one"
SIGN_FLIP = "sign-flip"


@dataclass(frozen=True)
class Rung:
    """One checkpoint of a ladder."""

    name: str
    value: float
    low: float
    """All intervals of a ladder hold together at its level."""
    high: float
    level: float
    p_adjusted: float
    prompts: int
    method: str = MAX_T


def rates_by_prompt(table: VerdictTable) -> dict[str, float]:
    """Prompt id -> prompt mean: what evaluations are paired by."""
    means = prompt_means(cells(table))
    return {table.prompts[p]: float(m) for p, m in zip(means.prompt, means.mean, strict=True)}


def compare(
    rates: Mapping[str, Mapping[str, float]], settings: Settings | None = None, *, seed: int = 0
) -> tuple[Difference, ...]:
    """Every pair of evaluations, on the prompts the two share; pairs sharing none are left out.

    Args:
        rates: evaluation -> prompt id -> prompt mean (`rates_by_prompt`).
    """
    chosen = settings or Settings()
    compared = [
        _difference(a, b, _paired(rates[a], rates[b]), chosen, seed)
        for a, b in combinations(rates, 2)
        if rates[a].keys() & rates[b].keys()
    ]
    adjusted = holm(np.array([d.p_value for d, _ in compared]))
    several = len(compared) > 1
    ends = together([gap for _, gap in compared], adjusted, chosen.level)
    return tuple(
        d.model_copy(update={"p_adjusted": p, "simultaneous": pair if several else None})
        for (d, _), p, pair in zip(compared, adjusted.tolist(), ends, strict=True)
    )


def ladder(
    rates: Mapping[str, Mapping[str, float]], settings: Settings | None = None, *, seed: int = 0
) -> tuple[Rung, ...]:
    """Checkpoints of one run against one base: simultaneous intervals by max-T over shared prompts.

    Signs of whole prompts are flipped, so the checkpoints' dependence is kept. For the intervals,
    as in the plus-one bootstrap, one imagined prompt is won and one is lost by every checkpoint.
    Empty below `FEWEST_PROMPTS` shared prompts.
    """
    chosen = settings or Settings()
    shared = sorted(set.intersection(*(set(r) for r in rates.values()))) if rates else []
    if len(shared) < FEWEST_PROMPTS:
        return ()
    table = np.array([[rates[name][prompt] for name in rates] for prompt in shared])
    rng = generator(seed, "ladder")
    low, high, p_adjusted = max_t(table, rng, level=chosen.level, resamples=chosen.resamples)
    value = table.mean(axis=0)
    return tuple(
        Rung(name, float(value[i]), float(low[i]), float(high[i]), chosen.level,
             float(p_adjusted[i]), len(shared))
        for i, name in enumerate(rates)
    )  # fmt: skip


def max_t(
    table: Floats, rng: np.random.Generator, *, level: float = 0.95, resamples: int = 9999
) -> tuple[Floats, Floats, Floats]:
    """Simultaneous intervals and adjusted p-values of column means against one half.

    Args:
        table: (prompts, checkpoints), prompt means in [0, 1].

    Westfall and Young 1993, single step, with sign flips of prompts as the null distribution:
    for p-values of the deviations from one half, for intervals of the residuals.
    """
    if table.mean() > 0.5:  # turned so that exchanging the sides mirrors the result exactly
        low, high, p = max_t(1 - table, rng, level=level, resamples=resamples)
        return 1 - high, 1 - low, p
    prompts, width = table.shape
    full = np.concatenate([table, np.ones((1, width)), np.zeros((1, width))])
    centre, error = full.mean(axis=0), full.std(axis=0, ddof=1) / len(full) ** 0.5
    null, spread = np.empty(resamples), np.empty(resamples)
    block = max(1, 4_000_000 // len(full))
    for start in range(0, resamples, block):
        rows = slice(start, min(start + block, resamples))
        signs = _signs(rng, rows.stop - start, len(full))
        null[rows] = _t(signs[:, :prompts], table - 0.5).max(axis=1)
        spread[rows] = _t(signs, full - centre).max(axis=1)
    observed = _t(np.ones((1, prompts)), table - 0.5)[0]
    p = ((null[:, None] >= observed - 1e-9).sum(axis=0) + 1) / (resamples + 1)
    rank = min(int(np.ceil(level * (resamples + 1))), resamples) - 1
    reach = np.sort(spread)[rank] * error
    return np.clip(centre - reach, 0, 1), np.clip(centre + reach, 0, 1), p


def dev_half(prompts: Sequence[tuple[str, str, str]], key: str) -> frozenset[str]:
    """The half of a suite on which judges may select a checkpoint; the other half is quoted.

    Args:
        prompts: (prompt id, category, source).
        key: suite name and version: the split is fixed for them, whatever is evaluated.

    Sources are kept whole; within a category they go alternately to the smaller half, in an order
    derived from `key`.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for prompt, category, source in prompts:
        groups.setdefault((category, source), []).append(prompt)
    home: dict[str, bool] = {}
    taken: dict[str, int] = {}
    for category, source in sorted(groups, key=lambda group: (group[0], _rank(key, group[1]))):
        members = len(groups[category, source])
        balance = taken.get(category, 0)
        dev = home.setdefault(source, balance <= 0)
        taken[category] = balance + (members if dev else -members)
    return frozenset(p for (_, source), members in groups.items() if home[source] for p in members)


@dataclass(frozen=True)
class Gap:
    """A mean difference as its test sees it: two imagined prompts added."""

    centre: float
    error: float
    freedom: int

    def interval(self, level: float) -> tuple[float, float]:
        """The interval of a level, within [-1, 1]."""
        half = t_quantile((1 + level) / 2, self.freedom) * self.error
        return max(self.centre - half, -1.0), min(self.centre + half, 1.0)

    @property
    def p_value(self) -> float:
        """Two-sided; below 1 - level exactly where the interval of that level excludes 0."""
        return max(t_two_sided(self.centre / self.error, self.freedom), FLOOR)


def paired_gap(gap: Floats) -> Gap:
    """Differences by prompt, with two imagined prompts: one for the first and one for the second.

    Theirs is the largest difference seen, at least 1/2, and 1 where no prompt differs. Interval and
    p-value are those of t(n - 1), n the real prompts; the imagined ones keep the error from vanishing
    where few prompts differ (docs/statistics.md 10.3).

    Args:
        gap: one a prompt, in [-1, 1]; at least two.
    """
    size = largest(gap)
    full = np.concatenate([gap, [size, -size]])
    return Gap(float(full.mean()), float(full.std(ddof=1)) / len(full) ** 0.5, len(gap) - 1)


def _difference(
    a: str, b: str, gap: Floats, settings: Settings, seed: int
) -> tuple[Difference, Gap | None]:
    enough = paired_gap(gap) if len(gap) >= FEWEST_PROMPTS else None
    rng = generator(seed, f"compare.{a}.{b}")
    low, high = enough.interval(settings.level) if enough else (None, None)
    p_value = enough.p_value if enough else sign_flip(gap, rng, resamples=settings.flips).p_value
    difference = Difference(
        first=a,
        second=b,
        value=float(gap.mean()),
        low=low,
        high=high,
        level=settings.level,
        p_value=p_value,
        p_adjusted=p_value,
        prompts=len(gap),
        method=PAIRED_T if enough else SIGN_FLIP,
    )
    return difference, enough


def together(gaps: Sequence[Gap | None], adjusted: Floats, level: float) -> list[Ends | None]:
    """Intervals that hold together, one a difference; None where there is none.

    Level 1 - alpha/m, all m alike. Where Holm rejects what that level does not, the end nearer to 0
    is that of the level of its step, so that an interval excludes 0 exactly where its p says so.

    Args:
        gaps: the differences; None for one of too few prompts.
        adjusted: their p-values after Holm.
        level: at which all hold.
    """
    alpha, m = 1 - level, len(gaps)
    order = np.argsort(adjusted, kind="stable")
    ends: list[Ends | None] = [None] * m
    for rank, index in enumerate(order.tolist()):
        gap = gaps[index]
        if gap is None:
            continue
        low, high = gap.interval(1 - alpha / m)
        if adjusted[index] < alpha and low <= 0 <= high:
            inner = gap.interval(1 - alpha / (m - rank))
            low, high = (inner[0], high) if gap.centre > 0 else (low, inner[1])
        ends[index] = (low, high)
    return ends


def _paired(first: Mapping[str, float], second: Mapping[str, float]) -> Floats:
    shared = sorted(first.keys() & second.keys())
    return np.array([first[p] - second[p] for p in shared], dtype=np.float64)


def _signs(rng: np.random.Generator, patterns: int, prompts: int) -> Floats:
    return rng.integers(0, 2, size=(patterns, prompts)).astype(np.float64) * 2 - 1


def _t(signs: Floats, deviations: Floats) -> Floats:
    """|t| of sign-flipped deviations: (patterns, columns)."""
    n = len(deviations)
    mean = signs @ deviations / n
    variance = ((deviations**2).sum(axis=0) - n * mean**2) / (n - 1)
    return np.asarray(np.abs(mean) / np.sqrt(np.maximum(variance, 1e-12) / n))


def _rank(key: str, source: str) -> str:
    return hashlib.sha256(f"{key}\0{source}".encode()).hexdigest()
