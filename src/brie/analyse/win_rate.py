"""Win rates with intervals: overall, and for every slice of an evaluation (docs/statistics.md 1, 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import AnyInts, Floats, group_mean, t_quantile
from brie.analyse.bootstrap import PLUS_ONE, Interval, Resampled, plus_one
from brie.analyse.power import prompts_needed
from brie.analyse.sequential import betting_interval
from brie.analyse.signflip import sign_flip
from brie.conventions import FEWEST_PROMPTS, FEWEST_SOURCES
from brie.records.analysis import WinRate


@dataclass(frozen=True)
class Settings:
    """How intervals are made."""

    level: float = 0.95
    resamples: int = 9999
    flips: int = 20_000


@dataclass(frozen=True)
class SourceInterval:
    """The mean of source means; in its interval sources, not prompts, are drawn anew."""

    value: float
    interval: Interval | None
    """None below `FEWEST_SOURCES`."""
    sources: int


def win_rate(
    means: Floats,
    verdicts: AnyInts,
    rng: np.random.Generator,
    settings: Settings,
    *,
    bounds: tuple[float, float] | None = None,
    soft: bool = False,
    planning: bool = True,
) -> WinRate | None:
    """The win rate of some prompts.

    Args:
        means: prompt means c_g in [0, 1].
        verdicts: usable verdicts behind each.
        bounds: the rate with every missing verdict lost and won; the value itself if None is missing.
        soft: verdicts are fractional; adds the t interval where it holds.
        planning: adds how many prompts the observed rate would need.

    Returns None for no prompts. Below `FEWEST_PROMPTS` there is no bootstrap interval: `low` and `high`
    are None and `betting_interval` takes their place.
    """
    if len(means) == 0:
        return None
    value = float(means.mean())
    fields = _interval_fields(means, rng, settings)
    low, high = bounds if bounds is not None else (value, value)
    flipped = sign_flip(means - 0.5, rng, resamples=settings.flips)
    fields |= {"p_at_most": True} if flipped.at_most else {}
    return WinRate(
        value=value,
        level=settings.level,
        prompts=len(means),
        effective_n=effective_n(means, int(verdicts.sum())),
        p_value=flipped.p_value,
        bounds=(low, high),
        prompts_needed=needed_at(means) if planning else None,
        soft_interval=soft_interval(means, settings.level) if soft else None,
        **fields,
    )


def effective_n(means: Floats, verdicts: int) -> float:
    """Independent verdicts that would be as informative: clip(p(1-p)G/s2, G, N); G where s2 is 0."""
    prompts = len(means)
    variance = float(means.var(ddof=1)) if prompts > 1 else 0.0
    if variance <= 1e-15:
        return float(prompts)
    p = float(means.mean())
    return float(min(max(p * (1 - p) * prompts / variance, prompts), max(verdicts, prompts)))


def needed_at(means: Floats) -> int | None:
    """Prompts for 80 % power at the observed rate and spread; None where the rate is one half."""
    p = float(means.mean())
    if abs(p - 0.5) < 1e-9:
        return None
    spread = p * (1 - p)
    ratio = float(means.var(ddof=1)) / spread if len(means) > 1 and spread > 0 else 1.0
    return prompts_needed(p, min(max(ratio, 0.05), 1.0))


def soft_interval(means: Floats, level: float) -> tuple[float, float] | None:
    """t(G-1) on prompt means, where all lie in [.2, .8]; elsewhere it does not hold its level."""
    if len(means) < 2 or means.min() < 0.2 or means.max() > 0.8:
        return None
    half = t_quantile((1 + level) / 2, len(means) - 1) * float(means.std(ddof=1)) / len(means) ** 0.5
    value = float(means.mean())
    return value - half, value + half


def source_interval(
    means: Floats, sources: AnyInts, rng: np.random.Generator, settings: Settings
) -> SourceInterval | None:
    """Mean of source means and plus-one interval with sources as the unit; None for one source."""
    rates = group_mean(sources, means, int(sources.max()) + 1 if len(sources) else 0)
    rates = rates[~np.isnan(rates)]
    if len(rates) < 2:
        return None
    interval = None
    if len(rates) >= FEWEST_SOURCES:
        interval = plus_one(rates, rng, resamples=settings.resamples).interval(settings.level)
    return SourceInterval(float(rates.mean()), interval, len(rates))


def _interval_fields(means: Floats, rng: np.random.Generator, settings: Settings) -> dict[str, object]:
    if len(means) < FEWEST_PROMPTS:
        betting = betting_interval(means, settings.level)
        return {
            "low": None, "high": None, "method": "betting", "resamples": "exact",
            "betting_interval": betting,
        }  # fmt: skip
    drawn: Resampled = plus_one(means, rng, resamples=settings.resamples)
    main, ninety = drawn.interval(settings.level), drawn.interval(0.90)
    return {
        "low": main.low, "high": main.high, "method": PLUS_ONE, "resamples": main.resamples,
        "interval_90": (ninety.low, ninety.high),
    }  # fmt: skip
