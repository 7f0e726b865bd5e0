"""Where progress goes: the screen that every long call is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, done: int, note: str = "") -> None:
        """So many more are done; the note stands beside the bar until the next."""
        ...


class Screen(Protocol):
    """Where progress goes."""

    def say(self, text: str) -> None:
        """One line for people."""
        ...

    def bar(self, label: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """A progress bar."""
        ...


class Silent:
    """A screen that shows nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    @contextmanager
    def bar(self, label: str, total: int, unit: str) -> Iterator[Advance]:
        """Show nothing."""
        yield lambda done, note="": None
