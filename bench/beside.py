"""Do the intervals beside the win rate cover? In settings chosen to be hard for them.

Few prompts, rates from .9 to .99, several judges and samples, ties, prompts that resemble each other.
`python -m bench.coverage` runs it after the win rate's grid and again, with more data sets, where a
quantity covered worst.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bench.gaps import PAIRS, Pair, gaps
from bench.lengths import Length, lengths
from bench.panels import Panel, tabled
from brie.analyse.compare import compare, paired_gap
from brie.analyse.length import length_controlled
from brie.analyse.panel import agreement
from brie.analyse.position import presentation_effects
from brie.analyse.secondary import variance
from brie.analyse.study import Study
from brie.analyse.variance import Cost
from brie.analyse.win_rate import Settings
from brie.records.estimates import Estimate

RESAMPLES = 999
LARGE = 20_000
"""Prompts of the evaluation whose values are taken for the true ones."""
Ends = tuple[float, float, float]
"""Value, low, high."""

PRESENTATION = tuple(
    [Panel(12, 0.9, judges=j) for j in (1, 2)]
    + [Panel(n, 0.5, both=False, sees=0.8) for n in (8, 12, 20, 40)]
    + [Panel(20, 0.97, judges=2, sees=0.95), Panel(12, 0.9, both=False), Panel(12, 0.9, first=0.3),
       Panel(57, 0.97, first=0.03, letter=0.03), Panel(200, 0.99, first=0.01, sees=0.99),
       Panel(200, 0.99, first=0.015), Panel(20, 0.5, first=0.9), Panel(57, 0.9, first=0.1, ties=0.2),
       Panel(30, 0.95, 0.6, 3, 3, sees=0.9, first=0.1), Panel(57, 0.95, 0.0, 3, 3, first=0.02)]
)  # fmt: skip
AGREEMENT = (
    Panel(8, 0.7, judges=2, both=False, sees=0.9), Panel(13, 0.9, judges=2, sees=0.8),
    Panel(12, 0.5, judges=2, sees=0.7), Panel(20, 0.5, judges=2, sees=0.3),
    Panel(30, 0.5, judges=2, sees=0.95), Panel(57, 0.9, judges=2, sees=0.9),
    Panel(57, 0.97, judges=2, sees=0.9), Panel(57, 0.97, judges=2, both=False, sees=0.95),
    Panel(100, 0.9, judges=2, both=False, sees=0.995), Panel(200, 0.97, judges=2, sees=0.95),
    Panel(200, 0.99, judges=2, sees=0.97), Panel(13, 0.8, judges=3, sees=0.95),
    Panel(57, 0.9, judges=3, sees=0.99), Panel(57, 0.95, judges=3, sees=0.95, ties=0.1),
    Panel(57, 0.9, 0.6, 3, 2, sees=0.9), Panel(57, 0.97, 0.3, 3, 4, sees=0.9),
)  # fmt: skip
VARIANCE = (
    Panel(13, 0.9, 0.3, 3), Panel(30, 0.9, 0.3, 3), Panel(57, 0.77, 0.3, 3), Panel(57, 0.97, 0.3, 3),
    Panel(200, 0.97, 0.3, 3), Panel(57, 0.77, 0.9, 3), Panel(57, 0.77, 0.05, 3),
    Panel(30, 0.6, 0.3, 2, sees=0.7), Panel(13, 0.6, 0.5, 3), Panel(100, 0.77, 0.3, 10),
    Panel(57, 0.77, 0.6, 3, 3, sees=0.8), Panel(30, 0.95, 0.3, 3, 3, sees=0.9),
)  # fmt: skip
LENGTH = (
    Length(12, 2.0, 0.5), Length(13, 1.0, 0.5), Length(13, 2.5, 1.0), Length(20, 3.5, 1.0, judges=2),
    Length(30, 2.2, 1.0, judges=3), Length(30, 2.2, 1.0, judges=3, ties=0.2),
    Length(30, 1.5, 2.0, shift=1.5), Length(57, 0.0, 3.0), Length(57, 2.5, 0.0), Length(57, 3.5, 1.0),
    Length(100, 2.5, -1.0, samples=3, between=1.5), Length(200, 3.5, 1.0),
    Length(200, 4.5, 0.0, between=0.0),
)  # fmt: skip

Cell = Panel | Length | Pair
Draw = Callable[[np.random.Generator], Mapping[str, Ends | None]]


@dataclass(frozen=True)
class Family:
    """Quantities that are measured on the same data."""

    name: str
    cells: Sequence[Cell]
    draw: Callable[[Cell, np.random.Generator], Mapping[str, Ends | None]]
    """One simulated data set: quantity -> value and interval, None where there is none."""
    truth: Callable[[Cell], Mapping[str, float]]
    least: float = 0.92


def measure(family: Family, cell: Cell, runs: int, seed: Sequence[int]) -> list[dict[str, Any]]:
    """One row a quantity: coverage and width where it has an interval, and how often it has one."""
    truth, rng = family.truth(cell), np.random.default_rng(list(seed))
    held: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for _ in range(runs):
        for name, ends in family.draw(cell, rng).items():
            if ends is not None and np.isfinite(truth.get(name, np.nan)):
                _, low, high = ends
                held[name].append((low - 1e-9 <= truth[name] <= high + 1e-9, high - low))
    return [
        {"quantity": name, "setting": cell.name, "truth": truth[name], "runs": runs,
         "given": len(seen) / runs, "coverage": float(np.mean([inside for inside, _ in seen])),
         "width": float(np.mean([width for _, width in seen]))}
        for name, seen in held.items()
    ]  # fmt: skip


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lowest and mean coverage of every quantity."""
    names = list(dict.fromkeys(row["quantity"] for row in rows))
    summed = []
    for name in names:
        mine = [row for row in rows if row["quantity"] == name]
        worst = min(mine, key=lambda row: row["coverage"])
        summed.append(
            {"quantity": name, "settings": len(mine), "lowest": worst["coverage"],
             "mean": float(np.mean([row["coverage"] for row in mine])), "where": worst["setting"]}
        )  # fmt: skip
    return summed


def _presentation(cell: Panel, rng: np.random.Generator) -> Mapping[str, Ends | None]:
    table = tabled(cell, rng)
    shown = presentation_effects(table, Study(table, Settings(), 0).cells)
    effects = {"position": shown.position, "letter": shown.label, "layout": shown.layout}
    return {
        name: None if e.effect is None or e.low is None or e.high is None else (e.effect, e.low, e.high)
        for name, e in effects.items()
    }


def _presentation_truth(cell: Panel) -> Mapping[str, float]:
    decided = 1 - cell.ties
    return {"position": cell.first * decided, "letter": cell.letter * decided, "layout": 0.0}


def _agreement(
    cell: Panel, rng: np.random.Generator, resamples: int = RESAMPLES
) -> dict[str, Ends | None]:
    whole = agreement(Study(tabled(cell, rng), Settings(resamples=resamples), 0))
    if whole is None:
        return {}
    pair, panel = whole.pairs[0], whole.panel
    named = {f"pair {name}": getattr(pair, name) for name in _COEFFICIENTS}
    if cell.judges > 2:
        named |= {f"panel {name}": getattr(panel, name) for name in _COEFFICIENTS}
    named["precision gain"] = panel.precision_gain
    ends = {name: _ends(value) for name, value in named.items()}
    rates = pair.marginal_intervals[pair.judges[0]] if pair.marginal_intervals else {}
    for outcome, (low, high) in rates.items():
        ends[f"base rate of {outcome}"] = (pair.marginals[pair.judges[0]][outcome], low, high)
    return ends


_COEFFICIENTS = ("percent", "kappa", "alpha", "alpha_ordinal", "ac1")


def _ends(value: Estimate | None) -> Ends | None:
    if value is None or value.low is None or value.high is None:
        return None
    return value.value, value.low, value.high


def _variance(
    cell: Panel, rng: np.random.Generator, resamples: int = RESAMPLES
) -> dict[str, Ends | None]:
    parts = variance(Study(tabled(cell, rng), Settings(resamples=resamples), 0), Cost())
    if parts is None:
        return {}
    ends: dict[str, Ends | None] = {"share of variance that is sampling": _ends(parts.sample_share)}
    for name, (low, high) in parts.intervals.items():
        known = low is not None and high is not None
        value = max(parts.raw[name], 0.0)
        ends[f"variance of {name}"] = (value, low or 0.0, high or 0.0) if known else None
    return ends


def _large(draw: Callable[..., Mapping[str, Ends | None]], cell: Panel) -> Mapping[str, float]:
    """The values of a very large evaluation."""
    ends = draw(replace(cell, prompts=LARGE), np.random.default_rng(5), 20)
    return {name: value[0] for name, value in ends.items() if value is not None}


def _length(
    cell: Length, rng: np.random.Generator, prompts: int | None = None
) -> dict[str, Ends | None]:
    data = lengths(cell, rng, prompts)
    fit = length_controlled(data.score, data.difference, data.position, data.prompt)
    if isinstance(fit, str):
        return {}
    return {
        "length-controlled rate": (fit.value, fit.low, fit.high),
        "length coefficient": (fit.coefficient, fit.coefficient_low, fit.coefficient_high),
    }


def _length_truth(cell: Length) -> Mapping[str, float]:
    prompts = 150_000 // (cell.samples * cell.judges)
    ends = _length(cell, np.random.default_rng(5), prompts)
    return {name: value[0] for name, value in ends.items() if value is not None}


def _pair(cell: Pair, rng: np.random.Generator) -> Mapping[str, Ends | None]:
    gap = gaps(cell, rng)
    return {"difference of two rates": (float(gap.mean()), *paired_gap(gap).interval(0.95))}


FAMILIES = (
    Family("presentation", PRESENTATION, _presentation, _presentation_truth),
    Family("agreement", AGREEMENT, _agreement, partial(_large, _agreement)),
    Family("variance", VARIANCE, _variance, partial(_large, _variance), least=0.90),
    Family("length", LENGTH, _length, _length_truth),
    Family("difference", PAIRS, _pair, lambda cell: {"difference of two rates": cell.truth}),
)


def together(runs: int, seed: int) -> list[dict[str, Any]]:
    """How often all the intervals of three evaluations' three differences hold at once."""
    rows = []
    for index, rates in enumerate(
        ((0.5, 0.5, 0.5), (0.5, 0.6, 0.75), (0.9, 0.95, 0.97), (0.7, 0.7, 0.9))
    ):
        for prompts in (12, 57):
            rng, held = np.random.default_rng([seed, 9, index, prompts]), 0
            for _ in range(runs):
                won = {
                    str(i): dict(enumerate((rng.random(prompts) < rate).astype(float).tolist()))
                    for i, rate in enumerate(rates)
                }
                shown = {k: {f"p{p}": v for p, v in values.items()} for k, values in won.items()}
                held += all(
                    pair.simultaneous is not None
                    and pair.simultaneous[0] - 1e-9
                    <= rates[int(pair.first)] - rates[int(pair.second)]
                    <= pair.simultaneous[1] + 1e-9
                    for pair in compare(shown)
                )
            rows.append({"rates": str(rates), "prompts": prompts, "all hold": held / runs})
    return rows
