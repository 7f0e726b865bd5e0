"""Does the drift check keep its false alarms, and what does it find (docs/statistics.md 8.8)?

    python -m bench.drift

Every run measures the judge's noise from repeats first, as `brie judges drift seal` does, and checks
with the limits that come of it. The two presentations of a comparison change independently, half
together, or always together.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from bench.output import save, table
from brie.analyse.arrays import Ints
from brie.analyse.drift import ALARM, Anchors, DriftLimits, Noise, a_year, limits_of

CHANGE = 0.23
"""Share of the verdicts that change with another prompt of the judge's: half steady, half flipped."""
ANCHORS = 60
ROUNDS = 5
WEEK = 7.0
Row = dict[str, float | int | str]


@dataclass(frozen=True)
class Setting:
    """One row."""

    pairs: int
    noise: float
    together: float
    """Share of changes that come in both presentations; 0: independent."""


def main() -> None:
    """Print the tables and keep them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    grid = [Setting(30, q, r) for q in (0.01, 0.02, 0.03, 0.06, 0.1) for r in (0.0, 0.5, 1.0)]
    fewer = [Setting(pairs, 0.03, 0.0) for pairs in (5, 10, 20, 50)]
    rows = [measured(setting, chosen.runs, rng) for setting in (*grid, *fewer)]
    print(table(rows))
    taken = [plugged(q, repeats) for q in (0.02, 0.03, 0.06) for repeats in (60, 120, 300)]
    print(table(taken))
    unlike = [whole(q, chosen.runs // 5, rng) for q in (0.02, 0.03, 0.06)]
    print(table(unlike))
    kept = {"rows": rows, "share_for_noise": taken, "unlike": unlike}
    save("drift", {"seed": chosen.seed, "runs": chosen.runs, **kept})


def measured(setting: Setting, runs: int, rng: np.random.Generator) -> Row:
    """False alarms and power of one setting, the measurement of the noise included."""
    repeats = changes(setting.pairs * ROUNDS, setting.noise, setting.together, runs, rng)
    limits = [_limits(setting.pairs, int(one + 2 * both), int(both)) for one, both in repeats]
    alarm = np.array([limit.alarm for limit in limits])
    confirm = np.array([limit.confirm for limit in limits])

    def found(rate: float, together: float) -> tuple[float, float]:
        first, second = (
            changes(setting.pairs, rate, together, runs, rng) @ np.array([1, 2]) for _ in range(2)
        )
        once = first > alarm
        return float(once.mean()), float((once & (second > confirm)).mean())

    false_once, false_confirmed = found(setting.noise, setting.together)
    free, clustered = found(CHANGE, 0.0), found(CHANGE, 1.0)
    return {
        "anchors": 2 * setting.pairs,
        "noise": setting.noise,
        "together": setting.together,
        "limit": float(alarm.mean()),
        "false_once": false_once,
        "false_confirmed": false_confirmed,
        "false_a_year": a_year(false_confirmed, WEEK),
        "power_once": free[0],
        "power_confirmed": free[1],
        "power_once_clustered": clustered[0],
        "power_confirmed_clustered": clustered[1],
    }


def plugged(noise: float, repeats: int) -> Row:
    """One asking's false alarms if the measured share were taken for the noise; exact, changes
    independent."""
    from scipy.stats import binom

    measured_changes = np.arange(repeats + 1)
    shares = measured_changes / repeats
    limits = binom.ppf(1 - ALARM, ANCHORS, shares)
    false = binom.pmf(measured_changes, repeats, noise) @ binom.sf(limits, ANCHORS, noise)
    return {"noise": noise, "repeats": repeats, "false_once": float(false)}


def whole(noise: float, runs: int, rng: np.random.Generator) -> Row:
    """Sealing and checking a judge whose presentations are unlike: most are sure, few are coins.

    Each of 200 stored comparisons has chances of a slip of its own in both presentations; 30 % are
    flipped on in truth, more only look so. A change turns 39 % of the flipped, 7 % of the steady ones.
    """
    false: list[tuple[bool, bool]] = []
    found: list[tuple[bool, bool]] = []
    limits, shares = [], []
    for _ in range(runs):
        slip = rng.beta(0.3, 0.3 * (1 - noise) / noise, (200, 2))
        truth = np.ones((200, 2), np.bool_)
        truth[rng.random(200) < 0.3, 1] = False
        stored = truth ^ (rng.random((200, 2)) < slip)
        flips = stored[:, 0] != stored[:, 1]
        some = np.concatenate([np.flatnonzero(flips)[:15], np.flatnonzero(~flips)[:15]])
        said = np.stack([stored[some], *(truth[some] ^ (rng.random((ROUNDS, 30, 2)) < slip[some]))])
        usual = np.where(said.sum(0) * 2 == len(said), said[0], said.sum(0) * 2 > len(said))
        flags = np.stack([said[k] != (said.sum(0) - said[k] > ROUNDS / 2) for k in range(1, ROUNDS + 1)])
        limit = _limits(30, int(flags.sum()), int(flags.all(2).sum()))
        moved = rng.random((30, 2)) < np.where(usual[:, 0] != usual[:, 1], 0.39, 0.07)[:, None]
        for turned, kept in ((np.zeros_like(moved), false), (moved, found)):
            asked = truth[some] ^ turned ^ (rng.random((2, 30, 2)) < slip[some])
            first, second = (asked != usual).sum((1, 2))
            kept.append((first > limit.alarm, first > limit.alarm and second > limit.confirm))
        limits.append(limit.alarm)
        shares.append(flags.mean())
    once, confirmed = np.mean(false, 0)
    found_once, found_confirmed = np.mean(found, 0)
    return {
        "slips": noise, "measured": float(np.mean(shares)), "limit": float(np.mean(limits)),
        "false_once": float(once), "false_confirmed": float(confirmed),
        "power_once": float(found_once), "power_confirmed": float(found_confirmed),
    }  # fmt: skip


def changes(
    pairs: int, rate: float, together: float, runs: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """(runs, 2) how many comparisons changed in one presentation, and in both."""
    both = rate * max(together, rate)
    chances = [2 * (rate - both), both, 1 - 2 * rate + both]
    drawn: Ints = rng.multinomial(pairs, chances, size=runs)[:, :2]
    return drawn


@cache
def _limits(pairs: int, changed: int, both: int) -> DriftLimits:
    return limits_of(Noise(2 * pairs * ROUNDS, changed, both), Anchors(pairs))


if __name__ == "__main__":
    main()
