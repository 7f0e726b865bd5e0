"""The variance that a plan may count on, from an earlier evaluation of the same design
(docs/statistics.md 4.2).

A small evaluation says little about its own variance, and a plan made from the point is too small
half of the time. So each component counts with an upper limit, and the limit of their sum comes
from those (Graybill & Wang 1980; Zou & Donner 2008 call it MOVER): the sum, plus the root of the
sum of squares of what each limit lies above its component.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

from brie.analyse.arrays import z_quantile
from brie.analyse.power import variance_ratio
from brie.records.estimates import VarianceComponents

LIMIT = 0.90
"""One-sided level of the limit: simulated pilots of 20 to 100 prompts then stay below the true
variance in at most 12 % at rates of .5 and .65, and in at most 26 % at .9."""
_LEAST_SPREAD, _LEAST, _MOST = 0.05, 0.02, 1.0


def measured_ratio(variance: VarianceComponents, samples: int, *, rate: float) -> float | None:
    """v of a design with the judges and orders that the components were measured with.

    Args:
        variance: components of the earlier evaluation.
        samples: samples a prompt of the planned one.
        rate: the win rate they were measured at.

    Returns:
        The upper limit of the variance of a prompt mean over p(1 - p); None where the evaluation
        shows no variance, or has no interval for it.
    """
    parts = _parts(variance, samples)
    if not parts or any(limit is None for _, limit in parts):
        return None
    total = sum(value for value, _ in parts)
    if total <= 0:
        return None
    above = hypot(*(max((limit or 0.0) - value, 0.0) for value, limit in parts))
    scale = z_quantile(LIMIT) / z_quantile((1 + variance.level) / 2)
    spread = max(rate * (1 - rate), _LEAST_SPREAD)
    return min(max((total + above * scale) / spread, _LEAST), _MOST)


def assumed(variance: VarianceComponents, samples: Sequence[int]) -> str | None:
    """What the earlier design could not identify and a plan has to assume; None: nothing."""
    if variance.samples > 1 or set(samples) == {1}:
        return None
    return "it drew one sample a prompt, so that two correlate .3 is assumed"


def _parts(variance: VarianceComponents, samples: int) -> list[tuple[float, float | None]]:
    """Each component's share of a prompt mean's variance, and its limit's."""
    judges, once = max(1, variance.judges), variance.samples == 1
    each = 1.0 / samples
    weights = {"prompt": 1.0, "sample": each, "prompt_judge": 1.0 / judges, "noise": each / judges}
    if once:
        # The components of a prompt and of its one sample are measured as one: their split is assumed.
        share = variance_ratio(samples)
        weights = {"prompt": share, "noise": share / judges}
    values = {
        "prompt": variance.prompt, "sample": variance.sample,
        "prompt_judge": variance.prompt_judge, "noise": variance.noise,
    }  # fmt: skip
    parts: list[tuple[float, float | None]] = []
    for name, weight in weights.items():
        value = values[name]
        if value is None:
            continue
        high = variance.intervals.get(name, (None, None))[1]
        parts.append((weight * value, None if high is None else weight * high))
    return parts
