"""Judges that workers ask, while claims, money, limits and outages stay with one process.

A request is a block of its own: it is handed out when its limiter lets it go and its price is set
aside, to the worker with the fewest in flight. So limits hold for all workers together, a slow
worker holds nobody up, and one that ends costs what it had in flight: those requests may have been
billed, are charged at the most they can cost, and are asked again by the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from brie.blinding import JudgeInput
from brie.errors import BrieError
from brie.judge import garbage
from brie.judge.faults import Fault
from brie.judge.interface import Judge, Reply
from brie.judge.prompt import Correction
from brie.judge.providers.adapter import Shape
from brie.judge.run_context import RunContext, open_as
from brie.number_format import plural
from brie.records import PanelJudge
from brie.workers import Broken, Gone, Heard, Pool, Rows, Workers


@dataclass(frozen=True, slots=True)
class Asking:
    """One request for a worker to send."""

    number: int
    judge: str
    shown: JudgeInput
    correction: Correction | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of it."""

    number: int
    came: Reply | Fault


_Block = tuple[Asking, ...]


@dataclass(frozen=True)
class JudgeJob:
    """Asking judges, as many requests at a time as come."""

    panel_judges: tuple[PanelJudge, ...]
    settled: dict[str, Shape]
    """How requests to each judge are put, as far as that is known."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of judges that are models on this machine."""
        places = (panel_judge.judge.location for panel_judge in self.panel_judges)
        return tuple(dict.fromkeys(Path(place) for place in places if place is not None))

    def moved(self, where: Mapping[Path, Path]) -> JudgeJob:
        """The same where those folders are elsewhere."""
        return replace(self, panel_judges=tuple(_moved(p, where) for p in self.panel_judges))

    def work(self, blocks: Iterable[_Block], give: Callable[[Sequence[Asked]], None]) -> None:
        """Ask until nothing more comes.

        Raises:
            UsageError: a judge cannot be opened here: no key in this machine's environment.
        """
        with garbage.spared():
            asyncio.run(_Desk(give).work(self, blocks))


def _moved(panel_judge: PanelJudge, where: Mapping[Path, Path]) -> PanelJudge:
    spec = panel_judge.judge
    if spec.location is None:
        return panel_judge
    there = str(where[Path(spec.location)])
    return panel_judge.model_copy(update={"judge": spec.model_copy(update={"location": there})})


@dataclass
class _Desk:
    """Where a worker asks: what is ready in one round goes back together."""

    give: Callable[[Sequence[Asked]], None]
    _ready: list[Asked] = field(default_factory=list)

    async def work(self, job: JudgeJob, blocks: Iterable[_Block]) -> None:
        """Ask until nothing more comes and everything is answered."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        judges = {p.judge.id: open_as(p, job.settled.get(p.judge.id)) for p in job.panel_judges}
        try:
            async with asyncio.TaskGroup() as calls:

                def begin(block: _Block) -> None:
                    for asking in block:
                        calls.create_task(self._ask(judges[asking.judge], asking))

                def feed() -> None:
                    with suppress(RuntimeError):  # the loop has ended with an error meanwhile
                        for block in blocks:
                            loop.call_soon_threadsafe(begin, block)
                        loop.call_soon_threadsafe(ended.set)

                Thread(target=feed, daemon=True).start()
                await ended.wait()
        finally:
            await asyncio.gather(*(judge.close() for judge in judges.values()))

    async def _ask(self, judge: Judge, asking: Asking) -> None:
        came: Reply | Fault
        try:
            came = await judge.ask(asking.shown, asking.correction)
        except Fault as fault:
            came = fault
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._hand_in)
        self._ready.append(Asked(asking.number, came))

    def _hand_in(self) -> None:
        ready, self._ready = self._ready, []
        self.give(ready)


@dataclass
class SharedJudge:
    """A judge that workers ask; what a request costs is known here."""

    name: str
    opened: Judge
    desk: SharedJudges
    instant: bool = field(default=False, init=False)

    @property
    def free(self) -> bool:
        """Whether asking costs nothing."""
        return self.opened.free

    def worst(self, shown: JudgeInput) -> float:
        """US dollars asking once can cost at most."""
        return self.opened.worst(shown)

    async def ask(self, shown: JudgeInput, correction: Correction | None = None) -> Reply:
        """Have a worker ask once; see `Judge`."""
        return await self.desk.ask(self.name, shown, correction)

    async def close(self) -> None:
        """Free what is held here."""
        await self.opened.close()


class SharedJudges:
    """Hands requests out to workers, which are started when there is something to ask."""

    def __init__(self, workers: Workers, say: Callable[[str], None]) -> None:
        """Nothing is started yet.

        Args:
            workers: who asks.
            say: where it is said who asks, and that one has ended.
        """
        self._workers = workers
        self._say = say
        self._pool: Pool[_Block, Asked] | None = None
        self._judges: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alive: set[int] = set()
        self._flying: dict[int, dict[int, asyncio.Future[Reply]]] = {}
        self._waiting: dict[int, list[Asking]] = {}
        self._asked = 0
        self._broken: BrieError | RuntimeError | None = None

    def shared(self, judges: Mapping[str, Judge], context: RunContext) -> dict[str, Judge]:
        """The same judges, asked by workers; see `Sharing`."""
        wanted = tuple(p for p in context.panel_judges if p.judge.id in judges)
        if self._pool is None or not judges.keys() <= self._judges:
            self.close()
            self._judges = set(judges)
            self._say(f"asked by {self._workers.told}.")
            self._pool = Pool(self._workers, JudgeJob(wanted, dict(context.settled)), self._hear)
            self._alive = set(self._pool.workers)
            self._flying = {worker: {} for worker in self._pool.workers}
        return {name: SharedJudge(name, opened, self) for name, opened in judges.items()}

    async def ask(self, judge: str, shown: JudgeInput, correction: Correction | None) -> Reply:
        """Have the worker with the fewest requests in flight ask once.

        Raises:
            Fault: there was no reply.
            BrieError: no worker can ask this judge.
        """
        if self._broken is not None:
            raise self._broken
        loop = self._loop = asyncio.get_running_loop()
        assert self._pool is not None  # `shared` made the judge
        if not self._alive:
            raise Fault("every worker has ended", "all")
        worker = min(self._alive, key=lambda worker: len(self._flying[worker]))
        reply: asyncio.Future[Reply] = loop.create_future()
        self._asked += 1
        number = self._asked
        self._flying[worker][number] = reply
        if not self._waiting:
            # After everything that is ready now: what is asked in the same round goes together.
            loop.call_soon(self._send)
        self._waiting.setdefault(worker, []).append(Asking(number, judge, shown, correction))
        try:
            return await reply
        finally:
            self._flying[worker].pop(number, None)

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if self._pool is not None:
            for worker, block in waiting.items():
                self._pool.send(worker, tuple(block))

    def _hear(self, worker: int, heard: Heard[Asked]) -> None:
        """Called from the worker's thread; nobody listens any more where the loop is closed."""
        loop = self._loop
        if isinstance(heard, Broken):
            self._broken = heard.raised()
        elif isinstance(heard, Gone):
            self._alive.discard(worker)
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._take, worker, heard)

    def _take(self, worker: int, heard: Heard[Asked]) -> None:
        if isinstance(heard, Rows):
            for asked in heard.rows:
                _settle(self._flying[worker].get(asked.number), asked.came)
            return
        flying = list(self._flying[worker].values())
        if isinstance(heard, Gone):
            left = "the others go on." if self._alive else "none is left."
            name = self._pool.name(worker) if self._pool else "a worker"
            self._say(
                f"{name} {heard}, with {plural(len(flying), 'request')} in flight: each is charged at "
                f"the most it can cost, and asked again; {left}"
            )
            for reply in flying:
                _settle(reply, Fault(f"the worker that asked {heard}", "again", billed=True))
            return
        for flights in self._flying.values():
            for reply in flights.values():
                _settle(reply, heard.raised())


def _settle(reply: asyncio.Future[Reply] | None, came: Reply | Exception) -> None:
    """Answer whoever waits; nobody does where the run was ended meanwhile."""
    if reply is None or reply.done():
        return
    if isinstance(came, Reply):
        reply.set_result(came)
    else:
        reply.set_exception(came)
