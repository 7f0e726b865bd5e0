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
from brie.judge.outage import Outage, unheard
from brie.judge.prompt import Correction
from brie.number_format import duration
from brie.records import Status, Usage

PATIENCE = 1800.0
"""Seconds a judge that does not answer is waited for, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one verdict is tried for, and how long a judge that does not answer is waited for."""

    tries: int = 6
    """Requests for one verdict while others are answered and its faults are such that pass."""
    first_wait: float = 0.5
    """Seconds before the second try; they double from try to try."""
    most_wait: float = 30.0
    patience: float = PATIENCE
    """Seconds an outage may last, or a server ask to wait, before the judge stops; 0: none."""
    probes: tuple[float, float] = (30.0, 60.0)
    """Seconds between two requests during an outage, at least and at most."""

    @property
    def longest_asked(self) -> float:
        """Seconds a server may ask to wait."""
        return max(_ALWAYS_WAITED, self.patience)


_ALWAYS_WAITED = 120.0
"""Seconds a server may ask to wait even where no outage is waited for."""
_BUSY_TRIES = 60
"""Requests for one verdict while a server that answers others says that there are too many."""
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
    say: Callable[[str], None] = unheard
    """Where it is said that the judge is waited for."""

    def __post_init__(self) -> None:
        policy = self.retry_policy
        self.outage = Outage(
            self.limiter, self.stopping, self.random, policy.patience, policy.probes, self.say
        )

    async def verdict(
        self, shown: JudgeInput, afford: Afford, asked: float, unread: Correction | None = None
    ) -> Reply:
        """The reply that counts, with the usage of every request it took.

        Args:
            shown: what to judge.
            afford: called before a request that the reservation does not cover.
            asked: when the limiter let it in.
            unread: an earlier reply that could not be read, where there was one.
        """
        asking = _Asking(shown, afford, asked, unread)
        try:
            while True:
                reply = await self._once(asking)
                if reply is not None:
                    return reply
        finally:
            self.outage.failing -= asking.failed is not None

    async def _once(self, asking: _Asking) -> Reply | None:
        """Ask once; None: ask again."""
        asking.tries += 1
        reply = await self._asked(asking)
        if isinstance(reply, Fault):
            return await self._after(reply, asking)
        self.outage.heard(asking.sent)
        self.limiter.on_success(asking.sent)
        self.limiter.pause(reply.pause)
        asking.spent = _sum(asking.spent, reply.usage)
        if not reply.unreadable or asking.correction:
            return replace(reply, usage=asking.spent)
        if not asking.afford(self.judge.worst(asking.shown)):
            return _short_of_money(reply.reason, asking.spent)
        asking.correction = Correction(reply.reason, reply.text)
        return None

    async def _asked(self, asking: _Asking) -> Reply | Fault:
        try:
            return await self.judge.ask(asking.shown, asking.correction)
        except Fault as fault:
            return fault
        finally:
            if asking.for_all:
                asking.for_all = False
                self.outage.tried()

    async def _after(self, fault: Fault, asking: _Asking) -> Reply | None:
        """Wait for another try (None), or what the verdict ends as."""
        worst = self.judge.worst(asking.shown) if fault.billed else 0.0
        asking.spent = _sum(asking.spent, Usage(usd=worst))
        if asking.failed is None:
            asking.failed = asyncio.get_running_loop().time()
            self.outage.failing += 1
        wait = self._wait(fault, asking)
        held = (wait is None or self.outage.holding) and self._passes(fault)
        held = held and self.outage.explains(fault, asking.failed)
        if wait is None and not held:
            return self._failed(fault, asking.spent)
        if fault.billed and not asking.afford(worst):
            return _short_of_money(str(fault), asking.spent)
        if held:
            if not await self.outage.wait(str(fault), asking.failed):
                return self._given_up(fault, asking.spent)
            asking.for_all = self.outage.holding
        elif not await self._slept(wait or 0.0):
            return _stopped(fault, asking.spent)
        asking.sent = asyncio.get_running_loop().time()
        return None

    def _wait(self, fault: Fault, asking: _Asking) -> float | None:
        """Seconds before another try; None where there is no use in one."""
        policy, asked_for = self.retry_policy, fault.wait or 0.0
        if fault.busy or asked_for:
            self.limiter.on_rate_limit(asking.sent, min(asked_for, policy.longest_asked))
        if not self._passes(fault):
            return None
        crowded = fault.busy and policy.patience > 0
        crowded = crowded and not self.outage.explains(fault, asking.failed or 0.0)
        if asking.tries >= (_BUSY_TRIES if crowded else policy.tries):
            return None
        self.outage.pause(asked_for)
        longest = min(policy.most_wait, policy.first_wait * 2.0 ** min(asking.tries - 1, 30))
        return max(longest * self.random.uniform(0.5, 1.0), asked_for * self.random.uniform(1.0, 1.1))

    def _passes(self, fault: Fault) -> bool:
        return fault.kind == "again" and (fault.wait or 0.0) <= self.retry_policy.longest_asked

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
        fatal = fault.kind == "all" or (too_long and fault.kind == "again")
        return Reply(fault.status, reason=message, text=message, usage=spent, fatal=fatal)

    def _given_up(self, fault: Fault, spent: Usage) -> Reply:
        if not self.outage.is_over:
            return _stopped(fault, spent)
        message = f"no answer for {duration(self.retry_policy.patience)}: {fault}"
        return Reply(Status.ERROR, reason=message, text=message, usage=spent, fatal=True)


_NOTHING = Usage(attempts=0)


@dataclass
class _Asking:
    """One verdict while it is asked for."""

    shown: JudgeInput
    afford: Afford
    sent: float
    """When the latest request was sent, on the loop's clock."""
    correction: Correction | None
    tries: int = 0
    spent: Usage = _NOTHING
    failed: float | None = None
    """When it failed first."""
    for_all: bool = False
    """Its next request is the one that tries whether an outage is over."""


def _stopped(fault: Fault, spent: Usage) -> Reply:
    return Reply(Status.ERROR, reason=f"stopped before another try: {fault}", usage=spent)


def _short_of_money(why: str, spent: Usage) -> Reply:
    return Reply(Status.ERROR, reason=f"the budget left nothing to ask again after: {why}", usage=spent)


def _sum(left: Usage, right: Usage) -> Usage:
    if left is _NOTHING:
        return right
    return Usage(
        input_tokens=left.input_tokens + right.input_tokens,
        output_tokens=left.output_tokens + right.output_tokens,
        cached_input_tokens=left.cached_input_tokens + right.cached_input_tokens,
        usd=left.usd + right.usd,
        seconds=left.seconds + right.seconds,
        attempts=left.attempts + right.attempts,
    )
