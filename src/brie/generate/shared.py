"""One engine out of many: workers that each have the models in memory and make blocks of answers.

    with SharedEngine(sources, environment, workers, say) as engine:
        for completion in engine.generate(requests):
            ...

Blocks are large at first and small at the end, and go to whoever is free, so that a slow worker holds
nobody up. Rows come back one by one as they are made; a worker that ends loses those of its block
that were not, and the others make them. A text is a function of its key, whoever makes it.

Models behind servers, and answers that exist, stay with this process: waiting needs no workers.
"""

from __future__ import annotations

import math
from collections import ChainMap, Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue

from brie.errors import Stopped
from brie.generate.engine import Closing, OnDone, Request
from brie.generate.pace import Pace
from brie.generate.probe import BatchVariance
from brie.generate.started import Started
from brie.generate.turns import Local, Source, TurnEngine, open_engine
from brie.number_format import plural
from brie.records import Completion, Environment
from brie.workers import Broken, Gone, Heard, Job, Pool, Workers


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do next."""

    requests: tuple[Request, ...] = ()
    measure: bool = False
    """Say whether texts change with their batch there, and make nothing."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """What a worker's engine has noticed so far."""

    idle: frozenset[str] = frozenset()
    """Pins of adapters that change nothing."""
    fingerprints: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """As of `TurnEngine`, like what stands before."""
    closing: bool = False
    """The order is done."""
    variance: BatchVariance | None = None
    """Of a batch, where it was to be measured and could be."""


Made = Completion | Noticed


@dataclass(frozen=True)
class EngineJob:
    """Making answers with an engine of its own, whose models are loaded when they are needed."""

    sources: Mapping[str, Source]
    environment: Environment

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of the models, their adapters and templates."""
        local = [source for source in self.sources.values() if isinstance(source, Local)]
        places = (p for s in local for p in (s.folder, s.adapter, s.template) if p is not None)
        return tuple(dict.fromkeys(places))

    def moved(self, where: Mapping[Path, Path]) -> EngineJob:
        """The same where those folders are elsewhere."""
        return replace(self, sources={pin: _moved(s, where) for pin, s in self.sources.items()})

    def work(self, blocks: Iterable[Order], give: Callable[[Sequence[Made]], None]) -> None:
        """Make block after block until none comes.

        Raises:
            UsageError, PinError: a model cannot be loaded here, or cannot answer.
        """
        idle: set[str] = set()
        with open_engine(self.sources, self.environment) as engine:
            for order in blocks:
                for completion in engine.generate(order.requests):
                    if engine.idle != idle:  # whoever reads the first answer is told by then
                        idle = set(engine.idle)
                        give([_noticed(engine)])
                    give([completion])
                variance = engine.batch_variance() if order.measure else None
                give([replace(_noticed(engine), closing=True, variance=variance)])


def _noticed(engine: TurnEngine) -> Noticed:
    idle = frozenset(engine.idle)
    return Noticed(idle, engine.fingerprints, engine.left_out, engine.ignored)


def _moved(source: Source, where: Mapping[Path, Path]) -> Source:
    if not isinstance(source, Local):
        return source
    adapter = where[source.adapter] if source.adapter is not None else None
    template = where[source.template] if source.template is not None else None
    return Local(where[source.folder], adapter, template)


def blocks(
    requests: Sequence[Request], workers: int, environment: Environment
) -> Iterator[tuple[Request, ...]]:
    """Requests in blocks of one model each: large at first, small at the end.

    The next block is half of a worker's share of what is left (guided self-scheduling, Polychronopoulos
    and Kuck 1987), no smaller than a batch begins with and no larger than one becomes.

    Args:
        requests: in the order of work, those of one model together.
        workers: how many share them.
        environment: where they are made.
    """
    pace, start = Pace.start(environment.device), 0
    while start < len(requests):
        share = math.ceil((len(requests) - start) / (2 * workers))
        size = max(pace.size, min(pace.most, share))
        block = requests[start : start + size]
        alike = tuple(request for request in block if request.pin == block[0].pin)
        yield alike
        start += len(alike)


class SharedEngine(Closing):
    """An engine whose answers workers make; they are started when the first is asked for."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        environment: Environment,
        workers: Workers,
        say: Callable[[str], None],
    ) -> None:
        """Nothing is started yet.

        Args:
            sources: pin digest -> where the model is.
            environment: device and dtype for local models.
            workers: who makes answers.
            say: where it is said who makes them, and that one has ended.
        """
        shared = {pin: s for pin, s in sources.items() if isinstance(s, Local | Started)}
        here = {pin: source for pin, source in sources.items() if pin not in shared}
        self._here = open_engine(here, environment)
        self._job: Job[Order, Made] = EngineJob(shared, environment)
        self._environment = environment
        self._shared = set(shared)
        self._workers = workers
        self._say = say
        self._pool: Pool[Order, Made] | None = None
        self._events: SimpleQueue[tuple[int, Heard[Made]]] = SimpleQueue()
        self._noticed: dict[int, Noticed] = {}
        self._alive: set[int] = set()
        self._busy = False
        """Blocks were handed out and have not all come back."""

    @property
    def count(self) -> int:
        """How many make answers at the same time."""
        return self._workers.count

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield completions as they come; see `Engine`.

        Raises:
            Stopped: every worker has ended.
        """
        asked = list(requests)
        yield from self._here.generate([r for r in asked if r.pin not in self._shared], on_done)
        for completion in self._made([r for r in asked if r.pin in self._shared]):
            if on_done is not None:
                on_done(completion)
            yield completion

    def close(self) -> None:
        """End the workers, with whatever they are at."""
        self._here.close()
        if self._pool is not None:
            self._pool.close()
        self._pool = None
        self._alive = set()

    @property
    def idle(self) -> set[str]:
        """Pins of adapters that were loaded and change nothing of their base."""
        return self._here.idle.union(*(noticed.idle for noticed in self._noticed.values()))

    @property
    def fingerprints(self) -> dict[str, dict[str, int]]:
        """`LABEL#MODEL` -> what replies said of the system behind them, counted over all workers."""
        counts: dict[str, Counter[str]] = {}
        for part in (self._here.fingerprints, *(n.fingerprints for n in self._noticed.values())):
            for model, counted in part.items():
                counts.setdefault(model, Counter()).update(counted)
        return {model: dict(counted) for model, counted in counts.items()}

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """Server label -> settings it refused, so that its own hold."""
        noticed = (part.left_out for part in self._noticed.values())
        return dict(ChainMap(self._here.left_out, *map(dict, noticed)))

    @property
    def ignored(self) -> dict[str, tuple[str, ...]]:
        """Server label -> settings it takes and does not honour."""
        noticed = (part.ignored for part in self._noticed.values())
        return dict(ChainMap(self._here.ignored, *map(dict, noticed)))

    def batch_variance(self) -> BatchVariance | None:
        """Whether texts change with their batch; a worker that has made some measures it.

        None, too, where making them was broken off: the workers are at blocks nobody waits for.
        """
        asked = next((worker for worker in self._noticed if worker in self._alive), None)
        if asked is None or self._busy:
            return None
        self._started().send(asked, Order(measure=True))
        while asked in self._alive:
            worker, heard = self._events.get()
            if isinstance(heard, Gone):
                self._alive.discard(worker)
            elif isinstance(heard, Broken):
                raise heard.raised()
            else:
                for row in heard.rows:
                    if isinstance(row, Noticed) and row.closing:
                        return row.variance
        return None

    def _started(self) -> Pool[Order, Made]:
        if self._pool is None:
            self._say(f"made by {self._workers.told}.")
            self._pool = Pool(
                self._workers, self._job, lambda worker, heard: self._events.put((worker, heard))
            )
            self._alive = set(self._pool.workers)
        return self._pool

    def _made(self, requests: Sequence[Request]) -> Iterator[Completion]:
        if not requests:
            return
        self._started()
        self._busy = True
        leases = _Leases(deque(blocks(requests, self.count, self._environment)))
        for worker in sorted(self._alive):
            self._hand_out(worker, leases)
        while leases.open:
            if not self._alive:
                raise Stopped("every worker has ended. What was made is kept: give the command again.")
            worker, heard = self._events.get()
            if isinstance(heard, Gone):
                self._lost(worker, heard, leases)
            elif isinstance(heard, Broken):
                raise heard.raised()
            else:
                yield from self._taken(worker, heard.rows, leases)
        self._busy = False

    def _taken(self, worker: int, rows: Iterable[Made], leases: _Leases) -> Iterator[Completion]:
        for row in rows:
            if isinstance(row, Completion):
                leases.lent[worker].pop(row.key, None)
                yield row
                continue
            self._noticed[worker] = row
            if row.closing:
                self._hand_out(worker, leases)

    def _hand_out(self, worker: int, leases: _Leases) -> None:
        if block := leases.next_of(worker):
            self._started().send(worker, Order(block))

    def _lost(self, worker: int, gone: Gone, leases: _Leases) -> None:
        """A worker has ended: the others make what it has not."""
        self._alive.discard(worker)
        back = plural(leases.back(worker), "answer")
        self._say(f"{self._started().name(worker)} {gone}; {back} of its block are left to the others.")
        for other in sorted(self._alive - leases.lent.keys()):
            self._hand_out(other, leases)


@dataclass
class _Leases:
    """Who is making what."""

    waiting: deque[tuple[Request, ...]]
    lent: dict[int, dict[str, Request]] = field(default_factory=dict)
    """Workers with a block -> what of it has not come yet, by key."""

    @property
    def open(self) -> bool:
        """Whether anything is still to come."""
        return bool(self.waiting or self.lent)

    def next_of(self, worker: int) -> tuple[Request, ...]:
        """A worker's block is done, and the next is its; empty where none is left."""
        self.lent.pop(worker, None)
        if not self.waiting:
            return ()
        block = self.waiting.popleft()
        self.lent[worker] = {request.key: request for request in block}
        return block

    def back(self, worker: int) -> int:
        """A worker's block waits again, as far as it was not made; returns how many answers."""
        left = tuple(self.lent.pop(worker, {}).values())
        if left:
            self.waiting.appendleft(left)
        return len(left)
