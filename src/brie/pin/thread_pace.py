"""One thread or all of them: found by trying both, and asked again when work slows.

On a machine that others use too, threads wait for each other: a real model of 135 million
parameters made 7 tokens a second with two threads beside a busy core, and 78 with one. On an
idle machine all of them are faster. Neither can be known before the first steps.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field

_WARM_UP = 1
_TRIES = 2
"""Steps timed with each count; the better of each is compared."""
_SLOWER = 0.6
"""Of the settled rate, under which the choice is asked again."""
_RECENT = 8


@dataclass
class ThreadPace:
    """Which number of threads to compute with now; told of each step's work and time."""

    most: int
    settled: bool = False
    fixed: bool = False
    """Never tried against another number."""
    _rates: dict[int, list[float]] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _skip: int = _WARM_UP
    _count: int = 0
    _normal: float = 0.0

    def __post_init__(self) -> None:
        self._count = self.most
        self.fixed = self.fixed or self.most == 1
        self.settled = self.settled or self.fixed

    @property
    def count(self) -> int:
        """Threads for the next step."""
        return self._count

    def record(self, amount: float, seconds: float) -> None:
        """A step did so much (tokens, rows) with `count` threads in so long."""
        rate = amount / max(seconds, 1e-9)
        if self.fixed:
            return
        if self._skip:
            self._skip -= 1
        elif self.settled:
            self._watch(rate)
        else:
            self._try(rate)

    def _try(self, rate: float) -> None:
        self._rates.setdefault(self._count, []).append(rate)
        if len(self._rates[self._count]) < _TRIES:
            return
        if self._count == self.most:
            self._count = 1
            return
        self._count = max(self._rates, key=lambda count: max(self._rates[count]))
        self._normal = 0.0
        self.settled = True
        self._rates, self._recent = {}, deque(maxlen=_RECENT)

    def _watch(self, rate: float) -> None:
        """Remember the first full window as normal; a much slower one reopens the question."""
        self._recent.append(rate)
        if len(self._recent) < _RECENT:
            return
        usual = statistics.median(self._recent)
        if not self._normal:
            self._normal = usual
        elif usual < _SLOWER * self._normal:
            self.settled, self._count, self._skip = False, self.most, _WARM_UP
