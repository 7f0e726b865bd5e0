"""Do the intervals cover, and do the claims keep their level?

    python -m bench.coverage [--runs 2000] [--again 4000] [--seed 20261121] [--part NAME] [--family NAME]

`rate`: the win rate on the reduced grid of docs/statistics.md 2, its rivals beside it: the default
must cover at least 92 % in every setting, never have zero width and never leave [0, 1].
`beside`: every other interval in hard settings (`bench/beside.py`), on a fifth of the runs: at least
92 %, components of variance 90 %; the worst setting of each family, and any that covers less by more
than chance, is measured again.
`claims`: on half of the runs, power at the planned prompts (78 % or more), and false "not worse" (5 %
or less).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from bench import beside, claims
from bench.intervals import METHODS, Interval, wilson_rows
from bench.output import RESULTS, save, table
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


def rate_part(runs: int, seed: int) -> bool:
    """The win rate's grid."""
    start = time.perf_counter()
    rows = measure(grid(), runs, seed)
    print(table(rows), "", table(summary(rows)), sep="\n")
    sound = all(
        row[DEFAULT] >= LEAST and row["narrowest"] > 0 and row["lowest"] >= 0 and row["highest"] <= 1
        for row in rows
    )
    seconds = round(time.perf_counter() - start, 1)
    print(f"\nthe default holds everywhere: {sound} ({seconds} s)")
    save("coverage", {"seed": seed, "runs": runs, "holds": sound, "seconds": seconds,
                      "summary": summary(rows), "settings": rows})  # fmt: skip
    return sound


def beside_part(runs: int, again: int, seed: int, chosen: str | None) -> bool:
    """Every other interval, and again where one covers worst or too little; kept by family."""
    path = RESULTS / "coverage_beside.json"
    kept: dict[str, dict[str, Any]] = (
        json.loads(path.read_text("utf-8"))["families"] if path.exists() else {}
    )
    for number, family in enumerate(beside.FAMILIES):
        if chosen in (None, family.name):
            kept[family.name] = _family(family, runs, again, (seed, number))
            save("coverage_beside", {"holds": all(f["holds"] for f in kept.values()), "families": kept})
    return all(bool(family["holds"]) for family in kept.values())


def _family(family: beside.Family, runs: int, again: int, seed: tuple[int, int]) -> dict[str, Any]:
    start = time.process_time()
    rows = [
        row
        for index, case in enumerate(family.cases)
        for row in beside.measure(case, runs, (*seed, 10, index))
    ]
    poor = {row["setting"] for row in rows if row["coverage"] < family.least - 2 * (0.075 / runs) ** 0.5}
    poor.add(min(rows, key=lambda row: row["coverage"])["setting"])
    repeated = [
        row
        for index, case in enumerate(family.cases if again else ())
        if case.name in poor
        for row in beside.measure(case, again, (*seed, 30, index))
    ]
    held = beside.together(runs, seed[0]) if family.name == "difference" else []
    holds = all(row["coverage"] >= family.least for row in repeated)
    holds = holds and all(row["all hold"] >= LEAST for row in held)
    for shown in (beside.summary(rows), repeated, held):
        print(table(shown) if shown else "", "")
    print(f"{family.name} holds where it was measured again: {holds}")
    return {"seed": list(seed), "runs": runs, "again": again, "holds": holds,
            "cpu seconds": round(time.process_time() - start, 1), "least": family.least,
            "summary": beside.summary(rows), "measured again": repeated, "together": held,
            "settings": rows}  # fmt: skip


def claims_part(runs: int, seed: int) -> bool:
    """Planned power and one-sided claims; the claims that were false most often again, ten times."""
    start = time.perf_counter()
    power, cells = claims.planned_power(2 * runs, seed), claims.nulls()
    met = claims.false_met(cells, runs, (seed, 21))
    worst = sorted(
        zip(met, cells, strict=True), key=lambda pair: float(pair[0]["false met"]), reverse=True
    )[:4]
    again = claims.false_met([null for _, null in worst], 10 * runs, (seed, 22))
    print(table(power), "", table(met), "", table(again), sep="\n")
    lowest, highest = min(row["power"] for row in power), max(row["false met"] for row in again)
    noise = 1.645 * (0.05 * 0.95 / (10 * runs)) ** 0.5
    sound = bool(lowest >= claims.LEAST_POWER and highest <= 0.05 + noise)
    seconds = round(time.perf_counter() - start, 1)
    print(f"\nplanned power at least {lowest:.3f}, false claims at most {highest:.4f} ({seconds} s)")
    save("claims", {"seed": seed, "runs": runs, "holds": sound, "seconds": seconds,
                    "planned power": power, "false met": met, "false met again": again})  # fmt: skip
    return sound


def main() -> int:
    """Run the parts; the exit status says whether everything held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--again", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--part", choices=["rate", "beside", "claims"])
    parser.add_argument("--family", choices=[family.name for family in beside.FAMILIES])
    args = parser.parse_args()
    held = []
    if args.part in (None, "rate"):
        held.append(rate_part(args.runs, args.seed))
    if args.part in (None, "beside"):
        held.append(beside_part(args.runs // 5, args.again, args.seed, args.family))
    if args.part in (None, "claims"):
        held.append(claims_part(args.runs // 2, args.seed))
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
