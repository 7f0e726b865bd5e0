"""What stands behind the headline: the number looked at in other ways, and what judges reward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from brie.number_format import difference, p_equals, percent, points, span
from brie.records.analysis import Analysis
from brie.records.estimates import Omnibus, Range, VarianceComponents, WinRate
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
        *_left_out("judge", analysis.ranges.judges),
        *_left_out("source", analysis.ranges.sources),
        *_categories(analysis.categories),
        *_soft(analysis),
        *_next_best(analysis.variance),
    ]


def rewards(analysis: Analysis) -> list[Taste]:
    """What each judge rewards, strongest first; association, not cause."""
    tastes = []
    for name, judge in analysis.by_judge.items():
        rewarded = judge.rewards.text if judge.rewards and not judge.instrument else {}
        of_judge = [
            Taste(one_line(name, 80), one_line(feature, 40), r.effect, r.low, r.high)
            for feature, r in rewarded.items()
        ]
        tastes += sorted(of_judge, key=lambda taste: -abs(taste.effect))[:_FEATURES]
    return tastes


def _majority(rate: WinRate | None) -> Iterator[str]:
    if rate is not None:
        low, high = rate.low, rate.high
        held = f" ({span(low, high, ' to ')})" if low is not None and high is not None else ""
        yield f"By majority vote of the panel the win rate is {percent(rate.value)}{held}."


def _left_out(what: str, moved: Range | None) -> Iterator[str]:
    if moved is not None:
        low, high = (one_line(name, 40) for name in (moved.low_without, moved.high_without))
        yield (
            f"Leaving out one {what} moves the win rate to between {points(moved.low)} "
            f"(without {low}) and {points(moved.high)} (without {high})."
        )


def _categories(test: Omnibus | None) -> Iterator[str]:
    if test is not None:
        differ = test.p_value < 0.05
        finding = "The categories differ" if differ else "No difference between the categories is shown"
        yield f"{finding} (permutation test, p {p_equals(test.p_value, at_most=test.p_at_most)})."


def _soft(analysis: Analysis) -> Iterator[str]:
    rate = analysis.win_rate
    if rate is not None and rate.soft_interval is not None:
        yield (
            "All prompts have middling scores; there a t interval on their means holds too, and is "
            f"narrower: {span(*rate.soft_interval, ' to ')}."
        )


def _next_best(variance: VarianceComponents | None) -> Iterator[str]:
    if variance is None or not variance.purchases:
        return
    widths = ", ".join(f"on {p.what} to about ±{difference(p.half_width)}" for p in variance.purchases)
    advice = f": {variance.next_best} narrow it most" if variance.next_best else ""
    yield f"Spending as much again would bring the interval {widths}{advice}."
