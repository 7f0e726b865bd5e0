"""Does the 95 % interval cover? The reduced grid of docs/statistics.md 12.11, and its rivals beside it.

    python -m bench.coverage [--runs 2000] [--seed 20261121]

The default must cover at least 92 % in every setting, never have zero width and never leave [0, 1].
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from bench.intervals import METHODS, Interval, wilson_rows
from bench.output import save, table
from bench.simulate import Floats, Setting, prompt_means

LEAST = 0.92
DEFAULT = "plus_one"
RIVAL_RUNS = 500
"""Rivals are shown for comparison, on the first runs of each setting."""


def grid() -> list[Setting]:
    """Prompts x rates x ICC x samples x regimes x ties."""
    axes = product(
        (13, 30, 57, 200), (0.5, 0.77, 0.93), (0.0, 0.6), (1, 3), ("simple", "full"), (0.0, 0.2)
    )
    return [Setting(*cell) for cell in axes]


def coverage(
    setting: Setting, interval: Callable[[Floats], Interval], means: Floats
) -> dict[str, float]:
    """Share of runs whose interval holds the truth, mean width, and the worst an interval does.

    Equal data give equal intervals, so each distinct set of prompt means is computed once.
    """
    ordered = np.sort(np.round(means, 9), axis=1)
    distinct, first, count = np.unique(ordered, axis=0, return_index=True, return_counts=True)
    ends = np.array([interval(means[i]) for i in first])
    inside = (ends[:, 0] <= setting.truth + 1e-9) & (ends[:, 1] >= setting.truth - 1e-9)
    width = ends[:, 1] - ends[:, 0]
    return {
        "coverage": float(inside @ count / len(means)),
        "width": float(width @ count / len(means)),
        "narrowest": float(width.min()),
        "lowest": float(ends[:, 0].min()),
        "highest": float(ends[:, 1].max()),
        "distinct": float(len(distinct)),
    }


def measure(settings: list[Setting], runs: int, seed: int) -> list[dict[str, Any]]:
    """One row a setting: coverage of every method on the same simulated data."""
    rows = []
    for index, setting in enumerate(settings):
        means = prompt_means(setting, runs, np.random.default_rng([seed, index]))
        found = {
            name: coverage(setting, method, means if name == DEFAULT else means[:RIVAL_RUNS])
            for name, method in METHODS.items()
        }
        verdicts = setting.prompts * setting.samples * (6 if setting.regime == "full" else 1)
        by_row = partial(wilson_rows, rows=verdicts)
        rowwise = coverage(setting, by_row, means[:RIVAL_RUNS])
        rows.append(
            {"G": setting.prompts, "p": setting.rate, "icc": setting.icc, "k": setting.samples,
             "regime": setting.regime, "ties": setting.ties,
             **{name: found[name]["coverage"] for name in METHODS},
             "wilson_rows": rowwise["coverage"], "width": found[DEFAULT]["width"],
             "narrowest": found[DEFAULT]["narrowest"], "lowest": found[DEFAULT]["lowest"],
             "highest": found[DEFAULT]["highest"]}
        )  # fmt: skip
    return rows


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lowest and mean coverage of every method, and how often it falls short."""
    found = []
    for name in (*METHODS, "wilson_rows"):
        values = np.array([row[name] for row in rows])
        found.append(
            {"method": name, "lowest": float(values.min()), "mean": float(values.mean()),
             "below .93": float((values < 0.93).mean())}
        )  # fmt: skip
    return found


def main() -> int:
    """Run the grid; the exit status says whether the default held everywhere."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261121)
    args = parser.parse_args()
    start = time.perf_counter()
    rows = measure(grid(), args.runs, args.seed)
    print(table(rows), "", table(summary(rows)), sep="\n")
    sound = all(
        row[DEFAULT] >= LEAST and row["narrowest"] > 0 and row["lowest"] >= 0 and row["highest"] <= 1
        for row in rows
    )
    seconds = round(time.perf_counter() - start, 1)
    print(f"\nthe default holds everywhere: {sound} ({seconds} s)")
    save("coverage", {"seed": args.seed, "runs": args.runs, "holds": sound, "seconds": seconds,
                      "summary": summary(rows), "settings": rows})  # fmt: skip
    return 0 if sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
