"""Saying whom a process waits for: another one that holds keys and does not finish."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

FIRST, AGAIN = 5.0, 60.0
"""Seconds of waiting before the first word, and between two."""


@dataclass
class Waiting:
    """What is said while keys of other processes are awaited."""

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _next: float | None = field(default=None, init=False)

    def look(self, owners: Iterable[str]) -> None:
        """Say who holds what is awaited, one owner a key, where it has taken a while."""
        now = self.clock()
        if self._next is None:
            self._next = now + FIRST
        held = Counter(owner.partition("-")[0] for owner in owners)
        if not held or now < self._next:
            return
        self._next = now + AGAIN
        for process, keys in held.most_common():
            self.say(
                f"waiting for process {process}, which works on {keys:,} of these; "
                f"if it hangs, end it (kill {process}): its work is taken over at once."
            )
