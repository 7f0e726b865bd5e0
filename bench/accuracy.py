"""Do the intervals of accuracy, macro-F1 and their differences cover the truth?

    python -m bench.accuracy [--runs 1000] [--seed 20261126]

Two labels and answers outside them. Each source has its own share of labels and its own chance of a
right answer; the truth is that of very many sources. Prompts are the unit below 8 sources, where one
source holds all prompts here, and sources from 8 on (docs/statistics.md 14.2).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.output import save, table
from brie.analyse.accuracy import SIDES, Graded, accuracy_of
from brie.analyse.arrays import Ints
from brie.analyse.win_rate import Settings
from brie.records import Side
from brie.records.estimates import Estimate

FAST = Settings(resamples=799)
LEAST = 0.93
QUANTITIES = ("accuracy", "macro-F1", "accuracy, difference", "macro-F1, difference")


@dataclass(frozen=True)
class Setting:
    """One cell of the grid."""

    sources: int
    prompts: int
    """In a source."""
    rate: float
    """The candidate's chance to be right; the baseline has .75."""
    spread: float
    """Correlation within sources; 0: they are alike."""
    share: float = 0.6
    """Of the commoner label."""

    @property
    def size(self) -> int:
        """All prompts."""
        return self.sources * self.prompts


SETTINGS = (
    Setting(1, 12, 0.90, 0.0), Setting(1, 30, 0.75, 0.0), Setting(1, 30, 0.97, 0.0),
    Setting(1, 30, 0.90, 0.0, 0.85), Setting(1, 100, 0.97, 0.0), Setting(1, 100, 0.90, 0.0, 0.85),
    Setting(8, 15, 0.90, 0.02), Setting(8, 15, 0.90, 0.15), Setting(12, 15, 0.97, 0.02),
    Setting(12, 15, 0.75, 0.15), Setting(20, 15, 0.90, 0.15),
)  # fmt: skip


def drawn(setting: Setting, rng: np.random.Generator, sources: int | None = None) -> Graded:
    """One evaluation, one answer a prompt; of so many sources, if they are other than the setting's."""
    count = sources or setting.sources
    share = _each(setting.share, setting.spread, count, rng)
    source = np.repeat(np.arange(count), setting.prompts)
    truth = (rng.random(len(source)) < share[source]).astype(np.int64)
    said: dict[Side, Ints] = {}
    for side, rate in zip(SIDES, (setting.rate, 0.75), strict=True):
        right = rng.random(len(source)) < _each(rate, setting.spread, count, rng)[source]
        wrong = np.where(rng.random(len(source)) < 0.2, 2, 1 - truth)
        said[side] = np.where(right, truth, wrong)[:, None]
    return Graded(
        right={side: said[side] == truth[:, None] for side in SIDES}, source=source,
        sources=tuple(f"s{n}" for n in range(count)), labels=("no", "yes"), truth=truth, said=said,
    )  # fmt: skip


def _each(mean: float, spread: float, count: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    if spread == 0:
        return np.full(count, mean)
    size = 1 / spread - 1
    return rng.beta(mean * size, (1 - mean) * size, count)


def estimates(graded: Graded, settings: Settings) -> dict[str, Estimate | None]:
    """The four quantities that have intervals."""
    numbers = accuracy_of(graded, settings, 1, kinds={})
    values = (
        numbers.candidate.accuracy, numbers.candidate.macro_f1,
        numbers.difference.accuracy, numbers.difference.macro_f1,
    )  # fmt: skip
    return dict(zip(QUANTITIES, values, strict=True))


def measure(setting: Setting, runs: int, seed: int) -> dict[str, Any]:
    """Coverage of each quantity's interval in one setting; those of accuracy are for these sources."""
    rng = np.random.default_rng([seed, SETTINGS.index(setting)])
    many = drawn(setting, rng, sources=max(200_000 // setting.prompts, 1))
    truth = {name: e.value for name, e in estimates(many, Settings(resamples=0)).items() if e}
    hits = dict.fromkeys(QUANTITIES, 0)
    for _ in range(runs):
        for name, estimate in estimates(drawn(setting, rng), FAST).items():
            if estimate and estimate.low is not None and estimate.high is not None:
                hits[name] += estimate.low - 1e-9 <= truth[name] <= estimate.high + 1e-9
    by_prompts = setting.spread > 0  # the intervals of accuracy then speak of these sources alone
    shown: dict[str, Any] = {
        name: "-" if by_prompts and name.startswith("accuracy") else hits[name] / runs
        for name in QUANTITIES
    }
    return {"sources": setting.sources, "prompts": setting.size, "rate": setting.rate,
            "spread": setting.spread, "share": setting.share, **shown}  # fmt: skip


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261126)
    asked = parser.parse_args()
    start = time.process_time()
    rows = [measure(setting, asked.runs, asked.seed) for setting in SETTINGS]
    lowest = min(row[name] for row in rows for name in QUANTITIES if row[name] != "-")
    print(table(rows))
    print(f"lowest coverage {lowest:.3f}, wanted >= {LEAST}")
    seconds = round(time.process_time() - start, 1)
    save("accuracy", {"seed": asked.seed, "runs": asked.runs, "lowest": lowest, "rows": rows,
                      "cpu_seconds": seconds})  # fmt: skip
    return 0 if lowest >= LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
