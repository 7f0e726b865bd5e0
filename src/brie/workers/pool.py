"""Workers at work: blocks go to them, and what is heard of each is passed on."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from threading import Thread
from types import TracebackType
from typing import Generic, Self

from brie.workers.interface import Block, Gone, Heard, Job, Line, Row, Workers


class Pool(Generic[Block, Row]):
    """The workers of one job. Closing ends them at once."""

    def __init__(
        self, workers: Workers, job: Job[Block, Row], hear: Callable[[int, Heard[Row]], None]
    ) -> None:
        """Start the workers.

        Args:
            workers: where.
            job: what they do.
            hear: called from threads, one a worker, with its number and what it said. After `Gone`
                nothing more is heard of it.

        Raises:
            UsageError: they cannot be started.
        """
        self._hear = hear
        self._lines = list(workers.start(job))
        self.workers = range(len(self._lines))
        """Their numbers."""
        self._closing = False
        for number, line in enumerate(self._lines):
            Thread(target=self._listen, args=(number, line), daemon=True).start()

    def send(self, worker: int, block: Block) -> None:
        """Give a worker something to do."""
        self._lines[worker].send(pickle.dumps(block))

    def name(self, worker: int) -> str:
        """What people are told a worker is."""
        return self._lines[worker].name

    def close(self) -> None:
        """End all workers at once."""
        self._closing = True
        for line in self._lines:
            line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self, worker: int, line: Line) -> None:
        try:
            while True:
                for message in line.receive():
                    heard: Heard[Row] = pickle.loads(message)  # noqa: S301 - from a process started here
                    self._hear(worker, heard)
        except Gone as gone:
            if not self._closing:
                self._hear(worker, gone)
