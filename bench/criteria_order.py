"""Does the interval of the effect of the order of criteria cover, and is the rate right?

    python -m bench.criteria_order              every setting, 400 data sets each

Each prompt has a chance to be won in each order of the criteria; judges prefer a place as well, and say
the same of a prompt more often than chance.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from brie.analyse.arrays import Floats
from brie.analyse.criteria_order import criteria_orders
from brie.analyse.table import VerdictTable
from brie.blinding import assign, criteria_codes, deal_criteria, presentations
from brie.records import Positions
from brie.records.base import CRITERIA_ORDERS

RESULTS = Path(__file__).parent / "results" / "criteria_order.json"


@dataclass(frozen=True)
class Setting:
    """A design and what is planted in it."""

    prompts: int
    orders: int
    positions: Positions
    rate: float
    effect: float
    """How much higher the rate is in the rubric's own order than in each other."""
    first: float = 0.2
    """Share of verdicts that name the first answer, whatever it says."""


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rows = list(measured(chosen.runs, chosen.seed))
    RESULTS.write_text(json.dumps({"runs": chosen.runs, "rows": rows}, indent=1) + "\n")
    for name in ("coverage", "rate_error"):
        each = [float(row[name]) for row in rows]
        print(f"{name}: lowest {min(each):.3f}, mean {np.mean(each):.3f}, highest {max(each):.3f}")


def settings() -> list[Setting]:
    """Few prompts and many, no effect and a large one."""
    positions: tuple[Positions, ...] = ("both", "balanced")
    grid = product((12, 40, 120), (2, 3), positions, (0.5, 0.85), (0.0, 0.3))
    return [Setting(*row) for row in grid]


def measured(runs: int, seed: int) -> Iterator[dict[str, float | str]]:
    """Coverage of own against reversed, and the mean error of the rate, in every setting."""
    for setting in settings():
        rng = np.random.default_rng([seed, setting.prompts, setting.orders, int(100 * setting.rate)])
        inside, errors, widths = 0, [], []
        for run in range(runs):
            table, truth, effect = drawn(setting, rng, run)
            said = criteria_orders(table)
            assert said is not None
            shown = said.effects["own-reversed"]
            assert shown.low is not None
            assert shown.high is not None
            inside += shown.low <= effect <= shown.high
            widths.append(shown.high - shown.low)
            errors.append(float(np.mean(list(said.rates.values()))) - truth)
        yield {
            **asdict(setting), "coverage": round(inside / runs, 4),
            "rate_error": round(float(np.mean(errors)), 4), "width": round(float(np.mean(widths)), 3),
        }  # fmt: skip


def drawn(setting: Setting, rng: np.random.Generator, seed: int) -> tuple[VerdictTable, float, float]:
    """A table, the rate that an even deal of the orders has, and the effect of own against reversed."""
    blocks = [(f"p{k:04}", "c") for k in range(setting.prompts)]
    cells = assign(blocks, 1, setting.positions, seed=seed, judge="j")
    codes = criteria_codes(setting.positions, setting.orders)
    dealt = deal_criteria(blocks, cells, len(codes), setting.positions, seed=seed, judge="j")
    means = _means(setting)
    chance = np.stack([rng.beta(2 * m, 2 * (1 - m), setting.prompts) for m in means], axis=1)
    rows: list[tuple[int, int, int, int, float]] = []
    for k, (name, _) in enumerate(blocks):
        for shown in presentations(
            cells[name], positions=setting.positions, prompt="sha256:" + "0" * 64,
            candidate="sha256:" + "1" * 64, baseline="sha256:" + "2" * 64,
            criteria=codes[int(dealt[name])],
        ):  # fmt: skip
            order = CRITERIA_ORDERS.index(shown.criteria)
            won = float(rng.random() < chance[k, order])
            if rng.random() < setting.first:
                won = float(shown.position > 0)
            rows.append((k, shown.position, shown.label, order, won))
    prompt, position, label, order_of, score = (list(column) for column in zip(*rows, strict=True))
    table = VerdictTable.build(
        prompts=[name for name, _ in blocks],
        judges=["j"],
        prompt=prompt,
        judge=[0] * len(score),
        score=score,
        both_orders=setting.positions == "both",
        position=position,
        label=label,
        criteria_order=order_of,
    )
    reads = 1 - setting.first
    truth = setting.first / 2 + reads * float(np.mean(means))
    return table, truth, reads * float(means[0] - means[1])


def _means(setting: Setting) -> Floats:
    """The rate in each order, before the liking for a place."""
    others = setting.orders - 1
    low = setting.rate - setting.effect / setting.orders
    return np.clip(np.array([low + setting.effect, *[low] * others]), 0.02, 0.98)


if __name__ == "__main__":
    main()
