"""How many requests of one judge may be in flight: more while the server is happy, fewer when not.

Growth is by one request a reply until the server first complains, and by one request a round after
that; a complaint halves the number once a round and holds new requests back as long as it says.
"""

from __future__ import annotations

import asyncio
from collections import deque

START = 32
"""Requests in flight to begin with, where the judge's file allows that many."""


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
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

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
        return loop.time()

    def leave(self) -> None:
        """Give the place back."""
        self.flying -= 1
        self._wake()

    def on_success(self) -> None:
        """The server answered."""
        step = 1.0 if self._calm else 1.0 / self.limit
        self.limit = min(float(self.most), self.limit + step)
        self._wake()

    def on_rate_limit(self, asked: float) -> None:
        """The server wants fewer requests.

        Args:
            asked: when the complaining request was sent; requests sent before the last halving
                complain about the crowd that was halved already.
        """
        self._calm = False
        if asked >= self._halved:
            self.limit = max(1.0, self.limit / 2)
            self._halved = asyncio.get_running_loop().time()

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

    def _open(self, now: float) -> bool:
        return self.flying < int(self.limit) and now >= self._closed_until

    def _wake(self) -> None:
        free = int(self.limit) - self.flying
        while self._waiting and free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
