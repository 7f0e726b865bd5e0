"""Workers that are threads of this process: the seam of `brie.workers` without processes.

workers = ThreadWorkers(3)
with Pool(workers, job, hear) as pool:
    ...
    workers.lines[0].end("was switched off")
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread

from brie.workers import Gone, Job
from brie.workers.host import host
from brie.workers.interface import Block, Row


@dataclass
class ThreadLine:
    """A worker in a thread. One that is ended is not heard of again, whatever it still does."""

    name: str
    ends_after: int | None = None
    """Messages after which it ends by itself; None: it does not."""
    inbox: SimpleQueue[bytes | None] = field(default_factory=SimpleQueue)
    outbox: SimpleQueue[bytes | Gone] = field(default_factory=SimpleQueue)
    sent: list[bytes] = field(default_factory=list)

    def send(self, message: bytes) -> None:
        """Send something."""
        self.sent.append(message)
        self.inbox.put(message)

    def say(self, message: bytes) -> None:
        """What the worker calls to be heard."""
        if self.ends_after == 0:
            self.end("was switched off")
        if self.ends_after is not None:
            self.ends_after -= 1
        if self.ends_after is None or self.ends_after >= 0:
            self.outbox.put(message)

    def receive(self) -> list[bytes]:
        """Wait for what it says next."""
        said = self.outbox.get()
        if isinstance(said, Gone):
            raise said
        return [said]

    def end(self, how: str) -> None:
        """End it with everything it is at."""
        self.outbox.put(Gone(how))
        self.inbox.put(None)

    def close(self) -> None:
        """End it."""
        self.end("was closed")

    def messages(self) -> Iterator[bytes]:
        """What was sent."""
        while (message := self.inbox.get()) is not None:
            yield message


@dataclass
class ThreadWorkers:
    """Threads of this process."""

    count: int
    told: str = "threads"
    ends_after: dict[int, int] = field(default_factory=dict)
    """Number of a worker -> messages after which it ends by itself."""
    lines: list[ThreadLine] = field(default_factory=list)

    def start(self, job: Job[Block, Row]) -> list[ThreadLine]:
        """Start them all with a job, which travels as it would to a process."""
        pickled = pickle.dumps(job)
        self.lines = [
            ThreadLine(f"worker {number + 1}", self.ends_after.get(number))
            for number in range(self.count)
        ]
        for line in self.lines:
            travelled: Job[Block, Row] = pickle.loads(pickled)
            Thread(target=host, args=(travelled, line.messages(), line.say), daemon=True).start()
        return self.lines
