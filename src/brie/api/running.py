"""Long work where an event loop runs already, as in a notebook: in a thread, and still interruptible."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Generic, TypeVar

from brie.progress import Advance, Screen

T = TypeVar("T")


def run(work: Callable[[Screen], T], screen: Screen) -> T:
    """Do something that starts an event loop of its own.

    Args:
        work: given the screen that it reports to.
        screen: where progress goes.

    Raises:
        KeyboardInterrupt: the cell was interrupted; what is in the store stays there.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work(screen)
    job = _Job(work, screen)
    try:
        job.start()
        job.done.wait()
    except KeyboardInterrupt:
        job.interrupted.set()
        job.done.wait()  # until it has noticed; a second interrupt leaves it behind
        raise
    if job.error is not None:
        raise job.error
    return job.results[0]


class _Job(Thread, Generic[T]):
    """The work in a thread of its own, and what came of it."""

    def __init__(self, work: Callable[[Screen], T], screen: Screen) -> None:
        super().__init__(name="brie", daemon=True)
        self.interrupted, self.done = Event(), Event()
        self.results: list[T] = []
        self.error: BaseException | None = None
        self._work, self._screen = work, _Interruptible(screen, self.interrupted)

    def run(self) -> None:
        """Do it."""
        try:
            self.results.append(self._work(self._screen))
        except BaseException as error:
            self.error = error
        finally:
            self.done.set()


class _Interruptible:
    """A screen that stops its worker: only the main thread hears of an interrupt."""

    def __init__(self, screen: Screen, interrupted: Event) -> None:
        self._screen, self._interrupted = screen, interrupted

    def say(self, text: str) -> None:
        """One line for people."""
        self._notice()
        self._screen.say(text)

    @contextmanager
    def bar(self, label: str, total: int, unit: str) -> Iterator[Advance]:
        """A progress bar."""
        with self._screen.bar(label, total, unit) as inner:

            def advance(done: int, note: str = "") -> None:
                self._notice()
                inner(done, note)

            yield advance

    def _notice(self) -> None:
        if self._interrupted.is_set():
            raise KeyboardInterrupt
