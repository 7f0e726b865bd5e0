"""One worker a judge: its verdicts in the order of work, each claimed, paid for, asked and kept.

They run side by side and never wait for each other, except that none runs far ahead of the
slowest: when the money ends, as many prompts as possible are complete. A judge claims no more than
it may ask for at once, so nobody ever waits with claims in hand.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from brie.blinding import JudgeInput
from brie.judge.interface import Judge, Reply, Task
from brie.judge.limiter import AdaptiveLimiter
from brie.judge.prompt import Correction
from brie.judge.retry import Afford, RetryingCaller
from brie.judge.run_context import CLAIM_SECONDS, RunContext
from brie.judge.writer import VerdictWriter
from brie.records import Status, Verdict
from brie.store.ledger import Reserved
from brie.store.waiting import Waiting

IN_A_ROW = 10
"""Unusable verdicts in a row that stop a judge (invariant I5)."""
_CHUNK = 32
"""Verdicts claimed together; money is set aside for each when it is asked for, not before."""
_POLL = 0.2
LEAD = 4
"""A judge may be ahead of the slowest one by so many times its requests in flight, never more."""


@dataclass
class RunState:
    """What the workers of a run share."""

    context: RunContext
    unread: Mapping[str, Correction]
    """Keys asked again because a batch's reply could not be read, with that reply."""
    workers: list[JudgeWorker] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: nothing new is asked, what is in flight is finished."""
    broke: bool = False
    """The budget left no room for the next request."""
    flying: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.writer = VerdictWriter(self.context.store, self.context.evaluation)

    def tick(self) -> None:
        """Something finished: whoever waits for that looks again."""
        self.moved.set()
        self.moved = asyncio.Event()

    async def changed(self) -> None:
        """Wait until something finishes, or the run is being stopped."""
        waits = [asyncio.ensure_future(self.moved.wait()), asyncio.ensure_future(self.stopping.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def stop(self) -> None:
        """Ask nothing new."""
        self.stopping.set()
        for worker in self.workers:
            worker.limiter.release()
        self.tick()

    def progress(self) -> float:
        """Share of its work the slowest judge has finished; for one in an outage nobody waits."""
        working = [worker for worker in self.workers if worker.running and not worker.is_held]
        return min((worker.done / len(worker.tasks) for worker in working), default=1.0)


@dataclass
class JudgeWorker:
    """One judge's part of a run."""

    name: str
    judge: Judge
    tasks: Mapping[str, Task]
    limiter: AdaptiveLimiter
    state: RunState
    done: int = 0
    """Of its work: stored, by this run or by another meanwhile."""
    begun: int = 0
    """Of its work: done, or claimed to be asked now."""
    computed: int = 0
    errors: int = 0
    unusable: int = 0
    """Unusable verdicts since the last usable one."""
    why_stopped: str = ""
    """Why the judge was stopped."""
    running: bool = True

    def __post_init__(self) -> None:
        # Retries are spread in time; no number depends on how.
        chance = random.Random()  # noqa: S311
        self.state.context.served_before(self.name)
        self._caller = RetryingCaller(
            self.judge, self.limiter, self.state.stopping, self.state.context.retry_policy, chance,
            self._say,
        )  # fmt: skip

    def _say(self, text: str) -> None:
        """Say something of the judge; others may have waited for what it is about."""
        self.state.context.say(f"{self.name}: {text}")
        self.state.tick()

    @property
    def is_held(self) -> bool:
        """Whether it waits for an outage to end."""
        return self._caller.outage.holding

    async def run(self) -> None:
        """Ask for everything that is missing, until it is done or the judge or the run is stopped."""
        try:
            async with asyncio.TaskGroup() as calls:
                async for key in self._claimed():
                    asked = await self.limiter.enter()
                    shown = await self._paid(key)
                    if shown is None:
                        self.limiter.leave()
                        self.state.context.store.release([key])
                        continue
                    self.state.flying += 1
                    calls.create_task(self._one(self.tasks[key], shown, asked))
        finally:
            self.running = False
            self.state.tick()

    async def _paid(self, key: str) -> JudgeInput | None:
        """What to show for a claimed key, its worst-case price set aside; None: it is not asked now."""
        if self._over():
            return None
        shown = self.state.context.shown(self.tasks[key])
        afford = self._affords(key)
        while not self._over():
            if self.judge.free or afford(self.judge.worst(shown)):
                return shown
            await self._wait_for_money()
        return None

    async def _one(self, task: Task, shown: JudgeInput, asked: float) -> None:
        try:
            reply = await self._caller.verdict(
                shown,
                self._affords(task.key),
                asked,
                self.state.unread.get(task.key),
            )
            verdict = await self.state.writer.keep(task.verdict(reply), self.name)
            self._finished(verdict, reply)
        finally:
            self.limiter.leave()
            self.state.flying -= 1
            self.state.tick()

    def _finished(self, verdict: Verdict, reply: Reply) -> None:
        self.done += 1
        self.computed += 1
        self.errors += verdict.status is Status.ERROR
        self.unusable = 0 if verdict.status is Status.OK else self.unusable + 1
        self.state.context.on_done(1)
        self.state.context.remark(self.name, reply.remark)
        self.state.context.look_who_answered(self.name, verdict.served)
        if not self.why_stopped and (reply.fatal or self.unusable >= IN_A_ROW):
            self.why_stopped = verdict.reason or verdict.reply or str(verdict.status)

    def _over(self) -> bool:
        over = bool(self.why_stopped) or self._caller.outage.is_over
        return over or self.state.stopping.is_set()

    async def _claimed(self) -> AsyncIterator[str]:
        """Keys that are ours to ask for, in order; those of other processes are awaited at the end."""
        todo, elsewhere = deque(self.tasks), deque[str]()
        told = Waiting(self.state.context.say)
        while (todo or elsewhere) and not self._over():
            if not todo:
                told.look(self.state.context.store.holders(elsewhere))
                await asyncio.sleep(_POLL)
                todo, elsewhere = elsewhere, deque()
            room = await self._room(len(todo))
            part = [todo.popleft() for _ in range(min(_CHUNK, room))]
            reserved = self._reserve(part)
            elsewhere += reserved.held
            gone = len(part) - len(reserved.mine) - len(reserved.held)
            self.begun += len(part) - len(reserved.held)
            if gone:
                self.done += gone
                self.state.context.on_done(gone)
                self.state.tick()
            for key in reserved.mine:
                yield key

    def _reserve(self, keys: list[str]) -> Reserved:
        """Claim keys without money: one that is never sent costs nothing, however this process ends."""
        context = self.state.context
        return context.store.reserve(
            keys, context.owner, seconds=CLAIM_SECONDS, usd=dict.fromkeys(keys, 0.0), judge=self.name,
            evaluation=context.evaluation, cap=None, final=context.final,
        )  # fmt: skip

    def _affords(self, key: str) -> Afford:
        def afford(usd: float) -> bool:
            context = self.state.context
            return not usd or context.store.reserve_more(key, usd, context.evaluation, context.cap)

        return afford

    async def _wait_for_money(self) -> None:
        """Requests in flight set aside more than they will cost; with none in flight, it is over."""
        if self.state.flying == 0:
            self.state.broke = True
            self.state.stop()
        elif not self._over():
            await self.state.changed()

    async def _room(self, left: int) -> int:
        """Wait until a round of requests, or what is left, is not too far ahead; how many are not."""
        state = self.state
        while len(state.workers) > 1 and not self._over():
            limit = self.limiter.limit
            room = int(state.progress() * len(self.tasks) + LEAD * limit) - self.begun
            if room >= min(limit, left):
                return min(room, left)
            await state.changed()
        return left
