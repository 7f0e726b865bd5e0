"""How fast completions come and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from brie.number_format import duration
from brie.records import Completion


@dataclass
class Meter:
    """Counts finished completions; give it to an engine as `on_done`."""

    total: int
    """Completions to make."""
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    tokens: int = 0
    _started: float = field(init=False)
    _first: float | None = field(init=False, default=None)
    """When the first completion was begun: loading a model is no generating."""

    def __post_init__(self) -> None:
        self._started = self.clock()

    def __call__(self, completion: Completion) -> None:
        """Count one."""
        if self._first is None:
            self._first = max(self._started, self.clock() - completion.seconds)
        self.done += 1
        self.tokens += completion.tokens

    @property
    def tokens_per_second(self) -> float:
        """Since the first completion was begun."""
        return self.tokens / max(self.clock() - (self._first or self._started), 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before the first completion."""
        if not self.done:
            return None
        return (self.clock() - self._started) / self.done * (self.total - self.done)

    @property
    def rate(self) -> str:
        """For the side of a progress bar."""
        return f"{self.tokens_per_second:,.0f} tokens/s"

    @property
    def summary(self) -> str:
        """What there is to say at the end."""
        return f"{self.done:,} answers made in {duration(self.clock() - self._started)}, {self.rate}."

    def __str__(self) -> str:
        left = self.seconds_left
        ahead = "" if left is None else f", {duration(left)} left"
        return f"{self.done:,}/{self.total:,} answers, {self.rate}{ahead}"
