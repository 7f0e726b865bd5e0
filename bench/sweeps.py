"""Sweeps whose truth is known: a false "best" among equal settings, and what a recipe's intervals cover.

python -m bench.sweeps --sweeps 2000 --runs 1000
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.output import save, table
from bench.simulate import Floats
from brie.analyse.bootstrap import plus_one
from brie.analyse.crossed import recipe_rate, settings_table

MOST = 0.05
"""Share of sweeps of equal settings in which any is called worse, but for the simulation's noise."""
LEAST = 0.92
"""Coverage that either interval of a recipe must have, but for the simulation's noise."""
WIDEST = 1.3
"""Times the interval that ignores seeds, where seeds do not matter, from ten of them on."""
_WIDTHS = 60
"""Data sets of a setting whose widths are compared."""


@dataclass(frozen=True)
class World:
    """How verdicts come about: probit, each term a standard deviation on that scale."""

    rate: float
    """Mean of the probit."""
    prompt: float
    seed: float
    both: float
    """Of a run and a prompt together."""
    verdicts: int
    """That a prompt mean is the mean of."""
    setting: float = 0.0
    """Of a setting and a prompt together: settings differ on prompts and not on the whole."""

    @property
    def name(self) -> str:
        """In a line."""
        kind = f"prompt {self.prompt:g}, run x prompt {self.both:g}, {self.verdicts} verdicts"
        return f"rate {self.truth:.2f}; seeds {self.seed:g}; {kind}"

    @property
    def beside_seeds(self) -> float:
        """Variance of all but the seeds, and of the probit's own noise."""
        return 1 + self.prompt**2 + self.both**2 + self.setting**2

    @property
    def truth(self) -> float:
        """The recipe's rate over all prompts and seeds."""
        return _normal(self.rate * self.beside_seeds**0.5 / (self.beside_seeds + self.seed**2) ** 0.5)

    def rates(
        self, settings: int, runs: int, prompts: int, sds: Floats, rng: np.random.Generator
    ) -> Floats:
        """Prompt means: (settings, runs, prompts); `sds` are the seeds' deviations by setting."""
        shift = self.rate * self.beside_seeds**0.5
        prompt = rng.normal(size=(1, 1, prompts)) * self.prompt
        prompt = prompt + rng.normal(size=(settings, 1, prompts)) * self.setting
        seed = rng.normal(size=(settings, runs, 1)) * sds[:, None, None]
        both = rng.normal(size=(settings, runs, prompts)) * self.both
        won = rng.binomial(self.verdicts, _normals(shift + prompt + seed + both))
        return np.asarray(won / self.verdicts, np.float64)

    def another(self, rng: np.random.Generator) -> float:
        """The rate of one new run."""
        return _normal(self.rate + rng.normal() * self.seed / self.beside_seeds**0.5)


def _normals(x: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _normal(x: float) -> float:
    return float(_normals(np.array(x)))


def worlds(rate: float, seed: float) -> list[World]:
    """Prompts alike and one verdict each; unlike prompts that runs answer unlike; six verdicts."""
    return [
        World(rate, 0.0, seed, 0.0, 1),
        World(rate, 1.0, seed, 0.3, 2, 0.3),
        World(rate, 0.5, seed, 1.0, 6),
    ]


def false_best(prompts: int, world: World, unsteady: float, sweeps: int, seed: int) -> dict[str, Any]:
    """Six equal settings with three seeds each: how often any is out, how often one alone is best, and
    how often the intervals of all six hold.

    Args:
        prompts: of the suite.
        world: of all settings.
        unsteady: how many times larger the first setting's deviation between seeds is.
        sweeps: how many are simulated.
        seed: of the simulation.
    """
    rng = np.random.default_rng(seed)
    sds = np.full(6, world.seed) * np.array([unsteady, 1, 1, 1, 1, 1])
    outs, single, held = 0, 0, 0
    for _ in range(sweeps):
        rates = world.rates(6, 3, prompts, sds, rng)
        made = settings_table({str(k): rates[k] for k in range(6)}, draws=3000)
        best = sum(row.best for row in made.settings)
        outs, single = outs + (best < 6), single + (best == 1)
        held += all(_within(row.low, world.truth, row.high) for row in made.settings)
    return {"prompts": prompts, "world": world.name, "unsteady": unsteady,
            "any out": outs / sweeps, "one best": single / sweeps,
            "intervals": held / sweeps if unsteady == 1 else None}  # fmt: skip


def recipe(seeds: int, prompts: int, world: World, runs: int, seed: int) -> dict[str, Any]:
    """How often a recipe's intervals hold; their width against that which ignores seeds."""
    rng = np.random.default_rng(seed)
    sds = np.full(1, world.seed)
    mean = another = 0
    ratios = []
    for at in range(runs):
        rates = world.rates(1, seeds, prompts, sds, rng)[0]
        rate = recipe_rate(rates)
        mean += _within(rate.low, world.truth, rate.high)
        another += _within(rate.new_low, world.another(rng), rate.new_high)
        if at < _WIDTHS and world.seed == 0:
            pooled = plus_one(rates.mean(axis=0), rng).interval(0.95)
            assert rate.low is not None
            assert rate.high is not None
            ratios.append((rate.high - rate.low) / (pooled.high - pooled.low))
    return {"seeds": seeds, "prompts": prompts, "world": world.name, "mean": mean / runs,
            "another": another / runs, "width": float(np.mean(ratios)) if ratios else None}  # fmt: skip


def _within(low: float | None, truth: float, high: float | None) -> bool:
    assert low is not None
    assert high is not None
    return low - 1e-12 <= truth <= high + 1e-12


def main() -> int:
    """Run both; the exit status says whether every bound held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sweeps", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261127)
    args = parser.parse_args()
    start = time.perf_counter()
    seeds = ((0.0, 1.0), (0.1, 1.0), (0.4, 1.0), (0.2, 4.0))
    shapes = [
        (prompts, world, times)
        for prompts in (20, 100)
        for sd, times in seeds
        for world in worlds(0.3, sd)[:2]
    ]
    best = [false_best(*shape, args.sweeps, args.seed + i) for i, shape in enumerate(shapes)]
    print(table(best), end="\n\n")
    cells = [
        (trained, prompts, world)
        for trained in (5, 7, 10)
        for prompts in (20, 200)
        for rate in (0.0, 0.84, 1.4)
        for sd in (0.0, 0.1, 0.2, 0.5, 1.0)
        for world in worlds(rate, sd)
    ]
    covered = [recipe(*cell, args.runs, args.seed + 1000 + i) for i, cell in enumerate(cells)]
    print(table(covered), end="\n\n")
    steady = max(row["any out"] for row in best if row["unsteady"] == 1)
    alone = max(row["one best"] for row in best)
    least = {name: min(row[name] for row in covered) for name in ("mean", "another")}
    least["settings"] = min(row["intervals"] for row in best if row["intervals"] is not None)
    wide = max(row["width"] for row in covered if row["width"] is not None and row["seeds"] >= 10)
    noise = (
        2.6 * (MOST * (1 - MOST) / args.sweeps) ** 0.5,
        2.6 * (LEAST * (1 - LEAST) / args.runs) ** 0.5,
    )
    holds = steady <= MOST + noise[0] and alone <= MOST and wide <= WIDEST
    holds = holds and min(least.values()) >= LEAST - noise[1]
    seconds = round(time.perf_counter() - start, 1)
    print(f"any out at most {steady:.4f}, one best {alone:.4f}; least coverage {least}")
    print(f"widest {wide:.3f}: holds {holds} ({seconds} s)")
    save("sweeps", {"seed": args.seed, "sweeps": args.sweeps, "runs": args.runs, "holds": holds,
                    "seconds": seconds, "any out": steady, "one best": alone, "least coverage": least,
                    "widest": wide, "false best": best, "recipe": covered})  # fmt: skip
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
