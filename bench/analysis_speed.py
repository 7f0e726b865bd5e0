"""How long one million verdicts take, and how much memory.

    python -m bench.analysis_speed [--seed 20261121]

100,000 prompts x 2 orders x 5 judges from arrays in memory: at most 10 s and 1.5 GB for the whole
analysis. 9,999 resamples at 805 prompts: at most 25 ms. 9,999 resamples of 1,000,000 prompts by the
Monte-Carlo engine: below 1 s.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

from bench.output import save, table
from brie.analyse import VerdictTable, analyse_verdicts
from brie.analyse.bootstrap import plus_one
from brie.analyse.signflip import sign_flip

JUDGES = 5


def million(prompts: int, seed: int) -> VerdictTable:
    """A table of `prompts` x 2 orders x 5 judges with position bias, ties and failures."""
    rng = np.random.default_rng(seed)
    shape = (prompts, JUDGES, 2)
    prompt, judge, side = (a.ravel() for a in np.meshgrid(*map(np.arange, shape), indexing="ij"))
    position = 1 - 2 * side
    chance = rng.beta(1.6, 0.7, prompts)[prompt] + 0.04 * position
    score = (rng.random(len(prompt)) < chance).astype(np.float64)
    score[rng.random(len(prompt)) < 0.1] = 0.5
    layout = rng.choice([-1, 1], size=(prompts, JUDGES))[prompt, judge]
    length, lists = rng.normal(30, 120, prompts)[prompt], rng.poisson(2, prompts)[prompt] - 2.0
    return VerdictTable.build(
        prompts=[f"p{i:06d}" for i in range(prompts)],
        judges=[f"judge-{i}" for i in range(JUDGES)],
        category=[f"category-{i % 8}" for i in range(prompts)],
        source=[f"source-{i % 40}" for i in range(prompts)],
        prompt=prompt, judge=judge, score=score, position=position, label=layout * position,
        status=np.where(rng.random(len(prompt)) < 0.01, 1, 0),
        length_difference=length, features={"lists": lists}, both_orders=True,
    )  # fmt: skip


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The fastest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Measure, print, save; the exit status says whether every bound held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=20261121)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    verdicts = million(100_000, args.seed)
    before = _peak()
    spent = time.process_time()
    whole = seconds(lambda: analyse_verdicts(verdicts, seed=args.seed), 1)
    spent = time.process_time() - spent
    peak = _peak()
    small, large = rng.integers(0, 13, 805) / 12, rng.integers(0, 13, 1_000_000) / 12
    soft = rng.random(805)
    rows = [
        _row("whole analysis, 1,000,000 verdicts [s]", whole, 10),
        _row("the same, processor time [s]", spent, 10),
        _row("peak memory, table included [GB]", peak, 1.5),
        _row("9,999 resamples, 805 prompts, Monte Carlo [ms]",
             1e3 * seconds(lambda: plus_one(small, rng, engine="monte-carlo"), 25), 25),
        _row("805 prompts, exact [ms]", 1e3 * seconds(lambda: plus_one(small, rng), 25), 25),
        _row("9,999 resamples, 805 soft prompts [ms]",
             1e3 * seconds(lambda: plus_one(soft, rng), 25), 25),
        _row("9,999 resamples, 1,000,000 prompts, Monte Carlo [s]",
             seconds(lambda: plus_one(large, rng, engine="monte-carlo"), 3), 1),
        _row("sign-flip, 1,000,000 prompts [s]", seconds(lambda: sign_flip(large - 0.5, rng), 3), 1),
    ]  # fmt: skip
    print(table(rows))
    holds = all(row["holds"] for row in rows)
    machine = {"cpus": os.cpu_count(), "python": sys.version.split()[0], "numpy": np.__version__}
    save("analysis_speed", {"seed": args.seed, "holds": holds, "table_gb": round(before, 3),
                            "machine": machine, "rows": rows})  # fmt: skip
    return 0 if holds else 1


def _row(what: str, value: float, bound: float) -> dict[str, object]:
    return {"what": what, "value": round(value, 4), "bound": bound, "holds": value <= bound}


def _peak() -> float:
    """Largest resident size so far, in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)


if __name__ == "__main__":
    raise SystemExit(main())
