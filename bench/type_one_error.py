"""How often is a difference claimed where there is none?

    python -m bench.type_one_error [--runs 10000] [--seed 20261121]

1. `better`/`worse` where the sides are exchangeable and on two skewed nulls: at most 5.5 %.
2. The e-process looked at after every prompt: at most 5 %, and its interval excludes one half
   exactly when it stops decided. The hedged-capital sequence and a peeked bootstrap beside it.
3. A ladder of ten checkpoints, all equal to their base: a false claim at most in 6 %.
4. `equivalent` for a panel that always ties, or always names the first answer: never.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.hedged import hedged_sequence
from bench.output import save, table
from bench.simulate import Floats, Setting, prompt_means
from brie.analyse import ControlTables, Options, VerdictTable, analyse_verdicts
from brie.analyse.bootstrap import plus_one
from brie.analyse.compare import max_t
from brie.analyse.sequential import sequence
from brie.analyse.verdict import Ability, decide
from brie.analyse.win_rate import Settings, win_rate

NULLS: dict[str, Callable[[int, np.random.Generator], Floats]] = {
    "exchangeable, 8 prompts": lambda n, r: prompt_means(Setting(8, 0.5, 0.3, 1, "simple"), n, r),
    "exchangeable, 13 prompts": lambda n, r: prompt_means(Setting(13, 0.5, 0.3, 1, "simple"), n, r),
    "exchangeable, 30 x 3": lambda n, r: prompt_means(Setting(30, 0.5, 0.3, 3, "simple", 0.2), n, r),
    "exchangeable, 57 x 3 judges": lambda n, r: prompt_means(Setting(57, 0.5, 0.6, 1, "full"), n, r),
    "exchangeable, 100": lambda n, r: prompt_means(Setting(100, 0.5, 0.0, 1, "simple", 0.2), n, r),
    "exchangeable, 200 x 3": lambda n, r: prompt_means(Setting(200, 0.5, 0.6, 3, "simple"), n, r),
    "skewed, 8 prompts": lambda n, r: _skewed(8, n, r),
    "skewed, 20 prompts": lambda n, r: _skewed(20, n, r),
}
"""Data whose mean is one half. Skewed: a tenth of the prompts at 0, the others at 5/9."""


def verdicts(runs: int, seed: int) -> list[dict[str, Any]]:
    """Share of runs called better or worse, and what either condition alone would have said."""
    rows = []
    for index, (name, draw) in enumerate(NULLS.items()):
        means = draw(runs, np.random.default_rng([seed, 1, index]))
        claims = _by_distinct(means, _claims)
        rows.append(
            {"null": name, "better or worse": float(claims[:, 0].mean()),
             "sign-flip alone": float(claims[:, 1].mean()), "interval alone": float(claims[:, 2].mean())}
        )  # fmt: skip
    return rows


def peeking(runs: int, prompts: int, seed: int) -> list[dict[str, Any]]:
    """A/A runs looked at after every prompt."""
    rows = []
    for index, setting in enumerate(
        (Setting(prompts, 0.5, 0.0, 1, "simple"), Setting(prompts, 0.5, 0.3, 3, "simple"))
    ):
        data = prompt_means(setting, runs, np.random.default_rng([seed, 2, index]))
        found = [sequence(means) for means in data]
        decided = np.array([f.decided for f in found])
        excludes = np.array([f.low > 0.5 or f.high < 0.5 for f in found])
        stops = [means[: f.stopped_at] for f, means in zip(found, data, strict=True) if f.stopped_at]
        ends = [hedged_sequence(x) for x in stops[:500]]
        holds_half = [bool(low[-1] <= 0.5 <= high[-1]) for low, high in ends]
        rows.append(
            {"samples": setting.samples, "prompts": prompts, "decided": float(decided.mean()),
             "interval disagrees": int((decided != excludes).sum()),
             "hedged still contains 1/2": float(np.mean(holds_half or [False])),
             "bootstrap peeked every 10": float(_peeked_bootstrap(data[:1000]).mean())}
        )  # fmt: skip
    return rows


def ladders(runs: int, seed: int, resamples: int = 999) -> list[dict[str, Any]]:
    """Ten checkpoints equal to their base, whose completions they share."""
    rows = []
    for index, (prompts, samples) in enumerate(((13, 1), (30, 3), (100, 1))):
        rng = np.random.default_rng([seed, 3, index])
        claimed = 0
        adjusted = 0
        for _ in range(runs):
            base = rng.normal(size=(prompts, samples, 1))
            won = rng.normal(size=(prompts, samples, 10)) > base
            low, high, p = max_t(won.mean(axis=1), rng, resamples=resamples)
            claimed += bool(((low > 0.5) | (high < 0.5)).any())
            adjusted += bool((p < 0.05).any())
        rows.append(
            {"prompts": prompts, "samples": samples, "interval excludes 1/2": claimed / runs,
             "p below .05": adjusted / runs}
        )  # fmt: skip
    return rows


def hopeless_panels(runs: int, seed: int) -> list[dict[str, Any]]:
    """Judges that cannot tell must not prove equivalence, with or without controls."""
    rows = []
    for name in ("ties", "first"):
        for prompts in (18, 100, 1000):
            words = []
            for run in range(runs):
                rng = np.random.default_rng([seed, 4, prompts, run])
                data, control = (_panel(name, n, rng) for n in (prompts, 20))
                tables = ControlTables(aa=control, damaged=control) if run % 2 else None
                parts = analyse_verdicts(data, options=Options(resamples=199), controls=tables, seed=run)
                words.append(parts.verdict)
            rows.append(
                {"panel": f"always {name}", "prompts": prompts, "runs": runs,
                 "equivalent": words.count("equivalent"), "undecided": words.count("undecided")}
            )  # fmt: skip
    return rows


def _skewed(prompts: int, runs: int, rng: np.random.Generator) -> Floats:
    return np.where(rng.random((runs, prompts)) < 0.1, 0.0, 5 / 9)


def _by_distinct(means: Floats, function: Callable[[Floats], list[float]]) -> Floats:
    """Apply a function of the sorted prompt means to every run, each distinct data set once."""
    ordered = np.sort(np.round(means, 9), axis=1)
    _, first, back = np.unique(ordered, axis=0, return_index=True, return_inverse=True)
    values = np.array([function(np.sort(means[i])) for i in first])
    return np.asarray(values[back.reshape(-1)], dtype=np.float64)


def _claims(means: Floats) -> list[float]:
    rng = np.random.default_rng(0)
    rate = win_rate(means, np.ones(len(means), np.int64), rng, Settings(), planning=False)
    if rate is None or rate.low is None or rate.high is None:
        return [0.0, 0.0, 0.0]
    word = decide(rate, Ability()).word
    outside = rate.low > 0.5 + 1e-9 or rate.high < 0.5 - 1e-9
    return [float(word in ("better", "worse")), float(rate.p_value < 0.05), float(outside)]


def _peeked_bootstrap(data: Floats) -> Floats:
    """Runs in which the 95 % interval, looked at every 10 prompts, ever excludes one half."""
    rng = np.random.default_rng(0)
    claimed = np.zeros(len(data))
    for run, means in enumerate(data):
        for n in range(10, len(means) + 1, 10):
            interval = plus_one(means[:n], rng).interval(0.95)
            if interval.low > 0.5 + 1e-9 or interval.high < 0.5 - 1e-9:
                claimed[run] = 1.0
                break
    return claimed


def _panel(name: str, prompts: int, rng: np.random.Generator) -> VerdictTable:
    """Three judges, both orders, complementary cells."""
    prompt, judge, position = (
        axis.ravel() for axis in np.meshgrid(np.arange(prompts), np.arange(3), [1, -1], indexing="ij")
    )
    layout = rng.choice([-1, 1], size=(prompts, 3))[prompt, judge]
    score = np.full(len(prompt), 0.5) if name == "ties" else (position + 1) / 2
    return VerdictTable.build(
        prompts=[f"p{i}" for i in range(prompts)], judges=["a", "b", "c"],
        prompt=prompt, judge=judge, score=score, position=position, label=layout * position,
        both_orders=True,
    )  # fmt: skip


def main() -> int:
    """Run all four; the exit status says whether every bound held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261121)
    args = parser.parse_args()
    start = time.perf_counter()
    found = {
        "verdicts": verdicts(args.runs, args.seed),
        "peeking": peeking(args.runs, 200, args.seed),
        "ladders": ladders(args.runs, args.seed),
        "hopeless_panels": hopeless_panels(max(4, args.runs // 500), args.seed),
    }
    for rows in found.values():
        print(table(rows), end="\n\n")
    holds = (
        all(row["better or worse"] <= 0.055 for row in found["verdicts"])
        and all(row["decided"] <= 0.05 and row["interval disagrees"] == 0 for row in found["peeking"])
        and all(row["interval excludes 1/2"] <= 0.06 for row in found["ladders"])
        and all(row["equivalent"] == 0 for row in found["hopeless_panels"])
    )
    seconds = round(time.perf_counter() - start, 1)
    print(f"every bound holds: {holds} ({seconds} s)")
    save("type_one_error", {"seed": args.seed, "runs": args.runs, "holds": holds,
                            "seconds": seconds, **found})  # fmt: skip
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
