"""Planning: prompts needed, smallest detectable rate, equivalence (docs/statistics.md 4).

Every formula speaks of a variance ratio v: the variance of a prompt mean over p(1 - p). One verdict
a prompt has v = 1; k samples with intra-prompt correlation ICC have v = ICC + (1 - ICC)/k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from brie.analyse.arrays import z_quantile
from brie.conventions import FEWEST_PROMPTS, MARGIN

ICC = 0.3
"""Correlation of two samples of a prompt that planning assumes where nothing was measured."""
EXTRA = 3
"""Prompts added to the formula at least, which is a little optimistic for few."""


def variance_ratio(samples: int, icc: float = ICC) -> float:
    """v for one judge and k samples: ICC + (1 - ICC)/k.

    More judges or the second order are not counted as precision: judges share errors, and the
    second order buys freedom from position bias.
    """
    return icc + (1 - icc) / samples


def prompts_formula(rate: float, ratio: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """n = (z sqrt(.25 v) + z' sqrt(p q v))^2 / (p - 1/2)^2, rounded up.

    Raises:
        ValueError: the rate is one half or outside [0, 1].
    """
    if not 0 <= rate <= 1 or rate == 0.5:
        raise ValueError("the rate to be found must lie in [0, 1] and differ from one half")
    return ceil(_raw(rate, ratio, power, alpha) - 1e-9)


def prompts_needed(rate: float, ratio: float = 1.0, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Prompts to plan for: the formula with its correction, and never below the 8 an interval needs.

    The correction is v/|p - 1/2|, at least 3: with one verdict a prompt the verdict goes in steps, and
    the normal approximation promises more than they keep (Casagrande, Pike and Smith 1978).
    """
    prompts_formula(rate, ratio, power=power, alpha=alpha)
    return max(ceil(_corrected(rate, ratio, power, alpha) - 1e-9), FEWEST_PROMPTS)


def smallest_detectable(
    prompts: int, ratio: float = 1.0, *, power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Smallest true rate for which `prompts` prompts suffice; None where even 100 % needs more."""
    if prompts_needed(1.0, ratio, power=power, alpha=alpha) > prompts:
        return None
    low, high = 0.5, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        needed = _corrected(middle, ratio, power, alpha)
        low, high = (low, middle) if needed <= prompts else (middle, high)
    return high


def prompts_for_equivalence(
    ratio: float = 1.0, *, margin: float = MARGIN, power: float = 0.8, level: float = 0.90
) -> int:
    """Prompts after which two equal models' interval lies inside the margin with the asked power.

    Two one-sided tests at a true rate of one half: v/4 (z_level + z_power)^2 / margin^2, and half the
    correction of `prompts_needed`.
    """
    z = z_quantile((1 + level) / 2) + z_quantile((1 + power) / 2)
    return ceil(0.25 * ratio * z**2 / margin**2 + ratio / (2 * margin) - 1e-9)


def _corrected(rate: float, ratio: float, power: float, alpha: float) -> float:
    """The formula with its correction for steps."""
    raw = _raw(rate, ratio, power, alpha)
    return raw if rate == 0.5 else raw + max(ratio / abs(rate - 0.5), EXTRA)


def _raw(rate: float, ratio: float, power: float, alpha: float) -> float:
    if rate == 0.5:
        return float("inf")
    spread = z_quantile(1 - alpha / 2) * sqrt(0.25 * ratio)
    spread += z_quantile(power) * sqrt(rate * (1 - rate) * ratio)
    return spread**2 / (rate - 0.5) ** 2


@dataclass(frozen=True)
class PlanRow:
    """What one design can do with the prompts at hand."""

    samples: int
    ratio: float
    detectable: float | None
    """Smallest rate found `better` with 80 % power; None: not even 100 %."""
    formula: dict[float, int]
    """True rate -> prompts by the formula alone."""
    needed: dict[float, int]
    """True rate -> prompts to plan for: the formula with its correction, at least 8."""
    equivalence: int
    """Prompts for `equivalent`."""


def plan_table(
    prompts: int,
    ratios: Mapping[int, float],
    *,
    rates: Sequence[float] = (0.55, 0.60, 0.65, 0.77, 0.85),
    margin: float = MARGIN,
) -> tuple[PlanRow, ...]:
    """One row a number of samples.

    Args:
        prompts: size of the suite.
        ratios: samples -> variance ratio, from `variance_ratio` or `pilot.measured_ratio`.
    """
    return tuple(
        PlanRow(
            samples=samples,
            ratio=ratio,
            detectable=smallest_detectable(prompts, ratio),
            formula={rate: prompts_formula(rate, ratio) for rate in rates},
            needed={rate: prompts_needed(rate, ratio) for rate in rates},
            equivalence=prompts_for_equivalence(ratio, margin=margin),
        )
        for samples, ratio in ratios.items()
    )
