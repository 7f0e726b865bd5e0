"""What a suite can detect, before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brie.analyse.power import Measured, PlanRow, measured_ratio, plan_table, variance_ratio


@dataclass(frozen=True, slots=True)
class Design:
    """What a suite can detect, for several numbers of samples."""

    prompts: int
    rows: tuple[PlanRow, ...]
    measured: str | None
    """The evaluation whose variance components were used; None: the assumed correlation."""


def design(
    prompts: int, samples: Sequence[int], variance: Mapping[str, Any] | None, measured: str | None, *,
    rate: float, judges: int, both_orders: bool,
) -> Design:  # fmt: skip
    """The plan table, from measured variance components where there are any.

    Args:
        prompts: size of the suite.
        samples: numbers of samples to compare.
        variance: `analysis.json`'s `variance` of an earlier evaluation.
        measured: that evaluation's id.
        rate: its win rate.
        judges: judges of the headline.
        both_orders: whether each comparison is shown twice.
    """
    if variance is None or not _has_components(variance):
        return Design(prompts, plan_table(prompts, {k: variance_ratio(k) for k in samples}), None)
    names = ("prompt", "sample", "prompt_judge", "noise")
    parts = Measured(rate=rate, **{name: _component(variance, name) for name in names})
    ratios = {k: measured_ratio(parts, k, judges, both_orders=both_orders) for k in samples}
    return Design(prompts, plan_table(prompts, ratios), measured)


def _has_components(variance: Mapping[str, Any]) -> bool:
    return _component(variance, "prompt") > 0


def _component(variance: Mapping[str, Any], name: str) -> float:
    found = variance.get(name)
    value = found.get("value") if isinstance(found, Mapping) else found
    return float(value) if isinstance(value, (int, float)) else 0.0
