"""What stands behind the headline: the number looked at in other ways, and what judges reward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brie.number_format import p_equals, percent, points, span
from brie.records.analysis import Analysis
from brie.report.clean import one_line

_FEATURES = 8
"""Differences listed for one judge."""


@dataclass(frozen=True)
class Taste:
    """How a judge's verdicts move with one difference between the answers."""

    judge: str
    difference: str
    effect: float
    """Points of the win rate for one standard deviation more, as a share."""
    low: float
    high: float


def robustness(analysis: Analysis) -> list[str]:
    """Sentences on how far the win rate moves when it is computed otherwise."""
    return [
        *_majority(analysis.majority),
        *_left_out("judge", analysis.ranges.get("judges")),
        *_left_out("source", analysis.ranges.get("sources")),
        *_categories(analysis.categories),
        *_soft(analysis),
        *_next_best(analysis.variance),
    ]


def rewards(analysis: Analysis) -> list[Taste]:
    """What each judge rewards, strongest first; association, not cause."""
    found = []
    for judge, entry in analysis.by_judge.items():
        listed = (entry.get("rewards") or {}).get("text") or {}
        own = [
            Taste(one_line(judge, 80), one_line(str(name), 40), r["effect"], r["low"], r["high"])
            for name, r in listed.items()
            if isinstance(r, Mapping) and r.get("effect") is not None
        ]
        found += sorted(own, key=lambda taste: -abs(taste.effect))[:_FEATURES]
    return found


def _majority(rate: Mapping[str, Any] | None) -> Iterator[str]:
    if rate and rate.get("value") is not None:
        low, high = rate.get("low"), rate.get("high")
        held = f" ({span(low, high, ' to ')})" if low is not None and high is not None else ""
        yield f"By majority vote of the panel the win rate is {percent(rate['value'])}{held}."


def _left_out(what: str, found: Mapping[str, Any] | None) -> Iterator[str]:
    if found:
        low, high = (one_line(str(found[key]), 40) for key in ("low_without", "high_without"))
        yield (
            f"Leaving out one {what} moves the win rate to between {points(found['low'])} "
            f"(without {low}) and {points(found['high'])} (without {high})."
        )


def _categories(test: Mapping[str, Any] | None) -> Iterator[str]:
    if test and test.get("p_value") is not None:
        p = test["p_value"]
        said = "The categories differ" if p < 0.05 else "There is no sign that the categories differ"
        yield f"{said} (permutation test, p {p_equals(p)})."


def _soft(analysis: Analysis) -> Iterator[str]:
    rate = analysis.win_rate
    if rate is not None and rate.soft_interval is not None:
        yield (
            "All prompts have middling scores; there a t interval on their means holds too, and is "
            f"narrower: {span(*rate.soft_interval, ' to ')}."
        )


def _next_best(variance: Mapping[str, Any] | None) -> Iterator[str]:
    bought = (variance or {}).get("purchases") or []
    if not bought:
        return
    widths = ", ".join(f"on {p['what']} to about ±{points(p['half_width'])} points" for p in bought)
    best = (variance or {}).get("next_best")
    advice = f": {best} narrow it most" if best else ""
    yield f"Spending as much again would bring the interval {widths}{advice}."
