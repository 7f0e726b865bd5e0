"""A judge that cannot be reached for a while: held, asked once in a while, taken up again by itself.

An outage is what no single request explains: nothing answers, 5xx, rate limits, and nobody has been
answered since. While it lasts one request in half a minute to a minute tries whether it is over; all
others wait. What it ate is asked again and is counted as nobody's failure; only when it lasts longer
than anybody wants to wait does the judge stop.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from brie.judge.faults import Fault
from brie.judge.limiter import AdaptiveLimiter
from brie.number_format import duration

_INTERNAL = 500
_MORE_THAN_ONE = 2
_SAID_FROM = 10.0
"""Seconds of a wait from which on it is said."""


def unheard(_: str) -> None:
    """Nobody reads what is said."""


@dataclass
class Outage:
    """Whether one judge answers at the moment, for all its requests together."""

    limiter: AdaptiveLimiter
    stopping: asyncio.Event
    random: random.Random
    """Only spreads the tries in time."""
    patience: float
    """Seconds an outage may last."""
    probes: tuple[float, float]
    """Seconds between two tries meanwhile, at least and at most."""
    say: Callable[[str], None] = unheard
    failing: int = field(default=0, init=False)
    """Verdicts that were tried and have no reply yet."""
    answered: float = field(default=-1.0, init=False)
    """When the latest request was sent that was answered, on the loop's clock; -1: none was."""
    since: float | None = field(default=None, init=False)
    """When the outage began; None: there is none."""
    is_over: bool = field(default=False, init=False)
    """It lasted too long: nobody tries any more."""
    _trying: bool = field(default=False, init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _quiet_until: float = field(default=0.0, init=False)

    @property
    def holding(self) -> bool:
        """Whether the judge is held."""
        return self.since is not None

    def heard(self, sent: float) -> None:
        """It answered: whoever waits goes on.

        Args:
            sent: when that request was sent.
        """
        now = asyncio.get_running_loop().time()
        self.answered = max(self.answered, sent)
        if self.since is not None and sent >= self.since:
            self.say(f"it answers again, after {duration(now - self.since)}.")
            self.since = None
            self._wake()
            self.limiter.release()

    def explains(self, fault: Fault, failed: float) -> bool:
        """Whether a verdict that failed again and again is part of an outage.

        Args:
            fault: what happened last.
            failed: when it failed first, on the loop's clock.
        """
        if not fault.outage or self.patience <= 0:
            return False
        # An error inside the server may be one request's own, as long as it is the only one.
        alone = fault.http == _INTERNAL and self.failing < _MORE_THAN_ONE
        return self.holding or (self.answered < failed and not alone)

    async def wait(self, why: str, failed: float) -> bool:
        """Hold the judge and wait for it; True: try again now.

        Args:
            why: what happened.
            failed: when the verdict failed first.
        """
        loop = asyncio.get_running_loop()
        if self.since is None:
            self.since = failed
            self.limiter.hold()
            low, high = self.probes
            self.say(
                f"no answer ({why}). It is held; one request in {low:.0f} to {high:.0f} s tries again, "
                f"for {duration(self.patience)} at most (--patience)."
            )
        while self.since is not None and not (self.is_over or self.stopping.is_set()):
            if self._trying:
                await self._sleep(self.since + self.patience - loop.time())
            elif await self._my_turn(loop):
                return True
        return not (self.is_over or self.stopping.is_set())

    def tried(self) -> None:
        """The request that tries for all has come back."""
        self._trying = False
        self._wake()

    def pause(self, seconds: float) -> None:
        """Say that a server asks for a long wait, once for each."""
        now = asyncio.get_running_loop().time()
        if seconds >= _SAID_FROM and now >= self._quiet_until:
            self._quiet_until = now + seconds
            self.say(f"a rate limit; the server asks to wait {duration(seconds)}.")

    async def _my_turn(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait for the next try, and make it for all; False where it is not to be made."""
        assert self.since is not None
        self._trying = True
        left = self.since + self.patience - loop.time()
        pause = self.random.uniform(*self.probes)
        await self._sleep(min(pause, max(left, 0.0)))
        if self.since is not None and pause >= left:
            self.is_over = True
            self.limiter.release()
        if self.since is None or self.is_over or self.stopping.is_set():
            self.tried()
            return False
        return True

    async def _sleep(self, seconds: float) -> None:
        """Wait so long, or until something changes."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._changed, self.stopping)]
        try:
            await asyncio.wait(waits, timeout=max(seconds, 0.001), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
