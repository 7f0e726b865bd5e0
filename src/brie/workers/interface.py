"""The seam between those who have work and the processes that do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

from brie.errors import BrieError

Block = TypeVar("Block")
"""What is sent to a worker at a time."""
Row = TypeVar("Row")
"""What a worker gives, one by one or several together."""
_Block = TypeVar("_Block", contravariant=True)
_Row = TypeVar("_Row", covariant=True)


class Job(Protocol[_Block, _Row]):
    """What a worker does. It is pickled, so that it holds no key and nothing that is open."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of this machine whose models the job reads."""
        ...

    def moved(self, where: Mapping[Path, Path]) -> Self:
        """The same where those folders are elsewhere.

        Args:
            where: folder of this machine -> the same on the worker's.
        """
        ...

    def work(self, blocks: Iterable[_Block], give: Callable[[Sequence[_Row]], None]) -> None:
        """Do block after block until they end; `give` is called with rows as they are there.

        Raises:
            BrieError: nothing of the kind can be done; whoever waits is told, and all is given up.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """Rows that a worker gave."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A worker cannot do its job, and no other could."""

    error: BrieError | None
    """None: a bug, of which the trace tells."""
    trace: str = ""

    def raised(self) -> BrieError | RuntimeError:
        """What is to be raised here."""
        return self.error or RuntimeError(f"a worker failed:\n{self.trace}")


class Gone(Exception):
    """A worker has ended, with all it was doing; says how."""


Heard: TypeAlias = "Rows[Row] | Broken | Gone"
"""What is heard of a worker."""


class Line(Protocol):
    """A line to one worker."""

    name: str
    """What people are told the worker is."""

    def send(self, message: bytes) -> None:
        """Send something. That a worker has ended is heard from `receive` alone."""
        ...

    def receive(self) -> list[bytes]:
        """Wait for what the worker says next; called from one thread.

        Raises:
            Gone: it has ended.
        """
        ...

    def close(self) -> None:
        """End the worker at once."""
        ...


class Workers(Protocol):
    """Where workers are started: on this machine, or on a cluster."""

    @property
    def count(self) -> int:
        """How many there will be."""
        ...

    @property
    def told(self) -> str:
        """What and where they are, in words."""
        ...

    def start(self, job: Job[Block, Row]) -> Sequence[Line]:
        """Start them all with a job.

        Raises:
            UsageError: they cannot be started, or run another brie.
        """
        ...
