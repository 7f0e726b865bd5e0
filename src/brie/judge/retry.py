"""One presentation, one verdict: tries, waits, the one repeated question, and what it all cost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from brie.blinding import JudgeInput
from brie.judge.faults import Fault
from brie.judge.interface import Judge, Reply
from brie.judge.limiter import AdaptiveLimiter
from brie.records import Status, Usage


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one verdict is tried for."""

    tries: int = 6
    """Requests for one verdict while the faults are such that pass."""
    first_wait: float = 0.5
    """Seconds before the second try; they double from try to try."""
    most_wait: float = 30.0
    longest_asked: float = 120.0
    """Seconds a server may ask to wait; beyond them the verdict is an `error`, for a later run."""


Afford = Callable[[float], bool]
"""Sets more money aside; False where there is none."""


@dataclass
class RetryingCaller:
    """Asks one judge until there is a reply, within its limiter and its money."""

    judge: Judge
    limiter: AdaptiveLimiter
    stopping: asyncio.Event
    retry_policy: RetryPolicy
    random: random.Random
    """Only spreads retries in time; no number depends on it."""

    async def verdict(self, shown: JudgeInput, afford: Afford, asked: float, unread: str = "") -> Reply:
        """The reply that counts, with the usage of every request it took.

        Args:
            shown: what to judge.
            afford: called before a request that the reservation does not cover.
            asked: when the limiter let it in.
            unread: why an earlier reply could not be read, where there was one.
        """
        spent, tries, correction = Usage(attempts=0), 0, _correction(unread) if unread else ""
        while True:
            tries += 1
            try:
                reply = await self.judge.ask(shown, correction)
            except Fault as fault:
                spent = _sum(spent, Usage(usd=self.judge.worst(shown) if fault.billed else 0.0))
                wait = self._wait(fault, tries, asked)
                if wait is None:
                    return self._failed(fault, spent)
                if fault.billed and not afford(self.judge.worst(shown)):
                    return _short_of_money(str(fault), spent)
                if not await self._slept(wait):
                    return Reply(
                        Status.ERROR, reason=f"stopped before another try: {fault}", usage=spent
                    )
                asked = asyncio.get_running_loop().time()
                continue
            self.limiter.on_success()
            self.limiter.pause(reply.pause)
            spent = _sum(spent, reply.usage)
            if not reply.unreadable or correction:
                return replace(reply, usage=spent)
            if not afford(self.judge.worst(shown)):
                return _short_of_money(reply.reason, spent)
            correction = _correction(reply.reason)

    def _wait(self, fault: Fault, tries: int, asked: float) -> float | None:
        """Seconds before another try; None where there is no use in one."""
        if fault.busy:
            self.limiter.on_rate_limit(asked)
        retry_policy, asked_for = self.retry_policy, fault.wait or 0.0
        if (
            fault.kind != "again"
            or tries >= retry_policy.tries
            or asked_for > retry_policy.longest_asked
        ):
            return None
        if fault.wait:
            self.limiter.pause(fault.wait)
        longest = min(retry_policy.most_wait, retry_policy.first_wait * 2.0 ** (tries - 1))
        return max(longest * self.random.uniform(0.5, 1.0), asked_for * self.random.uniform(1.0, 1.1))

    async def _slept(self, seconds: float) -> bool:
        """Wait; False where the run is being stopped meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return True
        return False

    def _failed(self, fault: Fault, spent: Usage) -> Reply:
        too_long = (fault.wait or 0.0) > self.retry_policy.longest_asked
        message = f"{fault} (the server asked to wait {fault.wait:.0f} s)" if too_long else str(fault)
        return Reply(fault.status, reason=message, text=message, usage=spent, fatal=fault.kind == "all")


def _correction(why: str) -> str:
    return f"Your last reply could not be used ({why}). Give the verdict again."


def _short_of_money(why: str, spent: Usage) -> Reply:
    return Reply(Status.ERROR, reason=f"the budget left nothing to ask again after: {why}", usage=spent)


def _sum(left: Usage, right: Usage) -> Usage:
    return Usage(
        input_tokens=left.input_tokens + right.input_tokens,
        output_tokens=left.output_tokens + right.output_tokens,
        cached_input_tokens=left.cached_input_tokens + right.cached_input_tokens,
        usd=left.usd + right.usd,
        seconds=left.seconds + right.seconds,
        attempts=left.attempts + right.attempts,
    )
