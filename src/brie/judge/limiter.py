"""How many requests of one judge may be in flight: more while the server is happy, fewer when not.

Growth is by one request a reply until the server first complains in earnest, and by one request a
round after that. A complaint is in earnest where those sent after it are refused as well: then the
number is halved once a round, and new requests are held back as long as the server says. Where most
are answered, it was about that one request, which waits alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

START = 128
"""Requests in flight to begin with, where the judge's file allows that many. It allows 16 where it does
not say: more was asked for, and to come up to it reply by reply costs a run of 3,000 a twentieth."""
_ENOUGH = 4
"""Refusals after the first that make a complaint one in earnest."""
_ENOUGH_WARY = 1
"""The same after one in earnest: a limit is known to be there."""
_FORGIVEN = 3
"""Complaints about single requests after which a server is trusted again."""
_REMEMBERED = 256
"""Sending times that are kept, to count what was sent after a request."""


@dataclass
class _Suspicion:
    """A complaint of which nobody knows yet whom it is about."""

    sent: float
    """When the earliest refused request was sent."""
    refused: int = 0
    """Others that were refused too."""
    answered: int = 0
    """Requests sent later that were answered."""
    wait: float = 0.0
    """Seconds the server asked for."""


class AdaptiveLimiter:
    """Admits requests of one judge."""

    def __init__(self, most: int) -> None:
        """A limiter.

        Args:
            most: requests in flight at most.
        """
        self.most = most
        self.limit = float(min(most, START))
        self.flying = 0
        self._calm = True
        self._halved = -1.0
        self._closed_until = 0.0
        self._held = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._sent: deque[float] = deque(maxlen=_REMEMBERED)
        self._suspicion: _Suspicion | None = None
        self._forgiven = _FORGIVEN

    async def enter(self) -> float:
        """Wait for a place; returns the time it was taken, on the loop's clock."""
        loop = asyncio.get_running_loop()
        while not self._open(loop.time()):
            turn: asyncio.Future[None] = loop.create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                # A place granted to a request that is gone must go to the next one.
                self._wake()
                raise
        self.flying += 1
        now = loop.time()
        self._sent.append(now)
        return now

    def leave(self) -> None:
        """Give the place back."""
        self.flying -= 1
        self._wake()

    def on_success(self, sent: float | None = None) -> None:
        """The server answered.

        Args:
            sent: when that request was sent; None: after everything else.
        """
        suspicion = self._suspicion
        if suspicion and (sent is None or sent > suspicion.sent):
            suspicion.answered += 1
            if suspicion.answered > suspicion.refused:
                self._suspicion = None
                self._forgiven += 1
        step = 1.0 if self._calm else 1.0 / self.limit
        self.limit = min(float(self.most), self.limit + step)
        self._wake()

    def on_rate_limit(self, sent: float, wait: float = 0.0) -> None:
        """The server refused a request for there being too many.

        Args:
            sent: when that request was sent.
            wait: seconds the server asked for; 0: it did not say.
        """
        suspicion = self._suspicion
        if suspicion is None:
            suspicion = self._suspicion = _Suspicion(sent)
        else:
            suspicion.refused += 1
            suspicion.sent = min(suspicion.sent, sent)
        suspicion.wait = max(suspicion.wait, wait)
        if self.flying <= 1 or self._in_earnest(suspicion):
            self._suspicion, self._forgiven = None, 0
            self._slow_down(sent)
            self.pause(suspicion.wait)

    def _in_earnest(self, suspicion: _Suspicion) -> bool:
        """Whether at least half of what was sent after the first refused request is refused too."""
        if suspicion.refused < (_ENOUGH if self._forgiven >= _FORGIVEN else _ENOUGH_WARY):
            return False
        after = sum(moment > suspicion.sent for moment in self._sent)
        return 2 * suspicion.refused >= after

    def pause(self, seconds: float) -> None:
        """Admit nobody for so long."""
        if seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if until > self._closed_until:
            self._closed_until = until
            if self._timer:
                self._timer.cancel()
            self._timer = loop.call_at(until, self._wake)

    def hold(self) -> None:
        """Admit nobody until `release`."""
        self._held = True

    def release(self) -> None:
        """Admit requests again, whatever they were held back for."""
        self._held, self._closed_until = False, 0.0
        self._wake()

    def _slow_down(self, sent: float) -> None:
        """Half as many; requests sent before the last halving complain about the crowd of then."""
        self._calm = False
        if sent >= self._halved:
            self.limit = max(1.0, self.limit / 2)
            self._halved = asyncio.get_running_loop().time()

    def _open(self, now: float) -> bool:
        return self.flying < int(self.limit) and now >= self._closed_until and not self._held

    def _wake(self) -> None:
        if self._held:
            return
        free = int(self.limit) - self.flying
        while self._waiting and free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
