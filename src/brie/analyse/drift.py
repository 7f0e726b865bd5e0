"""Has a judge changed? How many stored verdicts change when it is asked again (docs/statistics.md 8.8).

A judge behind a server changes its own mind as well, and that noise is measured first, by asking it
the same again a few times. Both presentations of a comparison may change together, so that pairs are
counted, not calls: `Noise.together` says how often the other one changed too.

    limits = limits_of(measured, anchors)
    limits.alarm        more changes than this are an alarm
    limits.confirm      more than this when all are asked once more: it counts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Floats

ALARM = 0.01
"""Chance of an alarm at most, where nothing changed."""
CONFIRM = 0.05
"""Chance at most that a second asking confirms one, where nothing changed."""
BOUND = 0.9
"""How sure it is that the noise is not above what the limits are made for."""
FLIPPED_CHANGE = 0.39
"""Share of the verdicts on comparisons that a judge flipped on which change with another prompt of its
own: measured on public verdicts of one judge under two prompts."""
STEADY_CHANGE = 0.07
"""The same of comparisons on which both orders agreed."""
DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Anchors:
    """How many presentations are asked again, and how they belong together."""

    pairs: int
    """Comparisons of which both presentations are asked."""
    singles: int = 0
    """Comparisons of which one is."""

    @property
    def count(self) -> int:
        """Presentations."""
        return 2 * self.pairs + self.singles


@dataclass(frozen=True, slots=True)
class Noise:
    """What changed when a judge was asked the same again, and nothing else had changed."""

    asked: int
    """Verdicts that were asked again, every time counted."""
    changed: int
    """How many of them came out otherwise than the stored one."""
    both: int = 0
    """Times that both presentations of a comparison had changed."""
    joint: bool = False
    """Both presentations have one outcome together, so that both change or neither does."""

    @property
    def rate(self) -> float:
        """Share of the verdicts that change by themselves."""
        return self.changed / self.asked if self.asked else 0.0

    @property
    def upper(self) -> float:
        """The rate's upper end: Clopper and Pearson 1934, one-sided."""
        from scipy.special import betaincinv

        if self.changed >= self.asked:
            return 1.0
        return float(betaincinv(self.changed + 1, self.asked - self.changed, BOUND))

    @property
    def together(self) -> float:
        """Share of the changed verdicts whose comparison's other one had changed too; by chance alone
        it is the rate, and it is never taken for less."""
        if self.joint:
            return 1.0
        measured = 2 * self.both / self.changed if self.changed else 0.0
        return max(measured, self.upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """When a number of changes is an alarm, and how often it is a false one."""

    expected: float
    """Changes by noise alone, as it was measured."""
    alarm: int
    """More changes than this are an alarm."""
    confirm: int
    """More than this in a second asking confirm it."""
    false_alarm: float
    """Chance at most that a check ends in a confirmed alarm although nothing changed."""


def chances(anchors: Anchors, rate: float, together: float) -> Floats:
    """How likely each number of changes is.

    Args:
        anchors: what is asked.
        rate: chance that one verdict changes.
        together: chance that the other one of a comparison has changed, given that one has; taken for
            the rate where it is below.

    Returns:
        (count + 1,) chances of 0, 1, ... changes.
    """
    joint = rate * max(together, rate)
    of_pair = np.array([1 - 2 * rate + joint, 2 * (rate - joint), joint])
    whole = _times(of_pair, anchors.pairs)
    return np.convolve(whole, _times(np.array([1 - rate, rate]), anchors.singles))


def limits_of(noise: Noise, anchors: Anchors) -> DriftLimits:
    """The limits for a judge of this noise.

    Args:
        noise: as measured.
        anchors: what a check asks.
    """
    by_noise = chances(anchors, noise.upper, noise.together)
    alarm, confirm = _limit(by_noise, ALARM), _limit(by_noise, CONFIRM)
    return DriftLimits(
        expected=anchors.count * noise.rate,
        alarm=alarm,
        confirm=confirm,
        false_alarm=_above(by_noise, alarm) * _above(by_noise, confirm),
    )


def power(
    changed: Sequence[tuple[Anchors, float]], limits: DriftLimits, *, together: float = 0.0
) -> tuple[float, float]:
    """How surely a change is found: by one asking, and confirmed by a second.

    Args:
        changed: anchors of each kind, with the share of their verdicts that the change moves.
        limits: of all of them together.
        together: as in `chances`.
    """
    by_change = np.ones(1)
    for anchors, rate in changed:
        by_change = np.convolve(by_change, chances(anchors, rate, together))
    once = _above(by_change, limits.alarm)
    return once, once * _above(by_change, limits.confirm)


def a_year(false_alarm: float, days: float) -> float:
    """Chance of at least one false alarm in a year of checks.

    Args:
        false_alarm: of one check.
        days: between two checks.
    """
    return float(1 - (1 - false_alarm) ** (DAYS_A_YEAR / days))


def _times(one: Floats, times: int) -> Floats:
    whole = np.ones(1)
    for _ in range(times):
        whole = np.convolve(whole, one)
    return whole


def _above(by_number: Floats, limit: int) -> float:
    return float(min(1.0, max(0.0, by_number[limit + 1 :].sum())))


def _limit(by_number: Floats, most: float) -> int:
    """The smallest number that is exceeded with at most this chance."""
    above = 1 - np.cumsum(by_number)
    return int(np.argmax(above <= most + 1e-12))
