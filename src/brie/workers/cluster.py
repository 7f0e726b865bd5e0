"""Workers on a Ray cluster that exists: actors, each with a process of its own.

Ray carries messages and places actors; it retries nothing, so that no request is sent twice behind
anybody's back, and actors end with the process that made them.
"""

from __future__ import annotations

import os
import pickle
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import ModuleType
from typing import Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from brie import versions
from brie.errors import UsageError
from brie.number_format import plural
from brie.provenance import install_command
from brie.workers.files import Kept, Sent, Stamp, contents, parts, stamps
from brie.workers.host import host
from brie.workers.interface import Block, Gone, Job, Row

_MOST = 16
"""Workers where nobody says how many, and no GPUs do."""
_TO_START = 120.0
"""Seconds a cluster has to start them all."""
_TO_CONNECT = 10.0
_HERE = "auto"
"""Ray's word for the cluster that runs on this machine."""

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Hello:
    """What an actor says of itself first."""

    build: str
    host: str
    process: int


class Actor:
    """A worker on a cluster; its methods are called from the driver, several at a time."""

    def __init__(self) -> None:
        self._inbox: SimpleQueue[bytes] = SimpleQueue()
        self._outbox: SimpleQueue[bytes] = SimpleQueue()
        self._kept = Kept()

    def hello(self) -> Hello:
        """Which brie runs here, and where that is."""
        return Hello(_build(), socket.gethostname(), os.getpid())

    def sees(self, folder: Path, there: Sequence[Stamp]) -> bool:
        """Whether that folder is here, too."""
        return stamps(folder) == tuple(there)

    def lacks(self, files: Sequence[Sent]) -> list[Sent]:
        """What has to be sent of some files."""
        return self._kept.lacks(files)

    def keep(self, file: Sent, part: bytes) -> None:
        """Take the next part of a file."""
        self._kept.take(file, part)

    def folder(self, files: Sequence[Sent]) -> Path:
        """Where some files that were sent are."""
        return self._kept.folder(files)

    def start(self, job: bytes) -> None:
        """Begin with a job."""
        begun = pickle.loads(job)  # noqa: S301 - from the process that made this actor
        Thread(target=host, args=(begun, self._messages(), self._outbox.put), daemon=True).start()

    def send(self, message: bytes) -> None:
        """Take something in."""
        self._inbox.put(message)

    def receive(self) -> list[bytes]:
        """Whatever the job has said since, once there is something."""
        said = [self._outbox.get()]
        with suppress(Empty):
            while True:
                said.append(self._outbox.get_nowait())
        return said

    def _messages(self) -> Iterator[bytes]:
        while True:
            yield self._inbox.get()


class _Reference(Protocol[T]):
    """What a call of an actor will have come to."""


_Sent: TypeAlias = "Path | Sequence[Stamp] | Sequence[Sent] | Sent | bytes"


class _Method(Protocol[T]):
    def remote(self, *arguments: _Sent) -> _Reference[T]: ...


class Handle(Protocol):
    """An `Actor` as Ray hands it out."""

    hello: _Method[Hello]
    sees: _Method[bool]
    lacks: _Method[list[Sent]]
    keep: _Method[None]
    folder: _Method[Path]
    start: _Method[None]
    send: _Method[None]
    receive: _Method[list[bytes]]


class RayLine:
    """A line to one actor."""

    def __init__(self, actor: Handle, number: int, hello: Hello) -> None:
        self._actor = actor
        self.name = f"worker {number + 1} (process {hello.process} on {hello.host})"

    def send(self, message: bytes) -> None:
        """Send something; nothing happens where the actor has ended."""
        with suppress(*_ended()):
            self._actor.send.remote(message)

    def receive(self) -> list[bytes]:
        """Wait for what the actor says next.

        Raises:
            Gone: it has ended, or cannot be reached any more.
        """
        try:
            return _get(self._actor.receive.remote())
        except _ended() as error:
            self.close()  # one that is out of reach for a moment would go on with what it has
            raise Gone("has ended" if "Died" in type(error).__name__ else "is out of reach") from None

    def close(self) -> None:
        """End the actor at once."""
        with suppress(*_ended()):
            _ray().kill(self._actor)


@dataclass(frozen=True, slots=True)
class RayWorkers:
    """Actors on a cluster that this process is connected to."""

    count: int
    address: str
    gpu: bool
    """Whether each has a GPU of its own."""

    @property
    def told(self) -> str:
        """What and where they are, in words."""
        each = ", a GPU each" if self.gpu else ""
        return f"{plural(self.count, 'actor')} on the Ray cluster {self.address}{each}"

    def start(self, job: Job[Block, Row]) -> list[RayLine]:
        """Start them all with a job, and send what it reads to those that have it not.

        Raises:
            UsageError: the cluster has no room for them, or runs another brie.
        """
        actors = self._actors()
        try:
            hellos = self._hellos(actors)
            for actor in actors:
                where = {folder: _folder_at(actor, folder) for folder in job.folders}
                _get(actor.start.remote(pickle.dumps(job.moved(where))))
        except BaseException:
            for actor in actors:
                _ray().kill(actor)
            raise
        return [RayLine(actor, n, hellos[n]) for n, actor in enumerate(actors)]

    def _actors(self) -> list[Handle]:
        """The actors, which may not have started yet.

        Raises:
            UsageError: the cluster does not know what they are.
        """
        try:
            made = _ray().remote(Actor).options(
                num_cpus=1, num_gpus=int(self.gpu), max_concurrency=4, scheduling_strategy="SPREAD"
            )  # fmt: skip
            return [made.remote() for _ in range(self.count)]
        except ModuleNotFoundError as error:
            raise _unknown_there() from error

    def _hellos(self, actors: Sequence[Handle]) -> list[Hello]:
        """What the actors say of themselves.

        Raises:
            UsageError: they do not start, or run another brie.
        """
        ray = _ray()
        try:
            hellos: list[Hello] = ray.get([a.hello.remote() for a in actors], timeout=_TO_START)
        except ray.exceptions.GetTimeoutError:
            wanted = "GPU" if self.gpu else "CPU"
            raise UsageError(
                f"the cluster has not started {plural(self.count, 'worker')} in {_TO_START:.0f} s: a "
                f"free {wanted} is needed for each (`ray status` shows them). Ask for fewer: "
                f"--workers {_with_count(self.address, max(1, self.count - 1))}"
            ) from None
        except ray.exceptions.RayError as error:
            if "ModuleNotFoundError" not in str(error):
                raise
            raise _unknown_there() from error
        for hello in hellos:
            if hello.build != _build():
                raise UsageError(
                    f"{hello.host} has brie {hello.build}, and {_build()} runs here: install the same "
                    "release on both."
                )
        return hellos


def connect(address: str, *, count: int | None, gpu: bool) -> RayWorkers:
    """Workers on a cluster, to which this process is connected from now on.

    Args:
        address: `ray://HOST:PORT`; "": the cluster that `RAY_ADDRESS` names, or that of this machine.
        count: how many; None: one a GPU where they need one, else one a core, 16 at most.
        gpu: whether each needs a GPU of its own.

    Raises:
        UsageError: Ray is not installed, or the cluster cannot be reached.
    """
    ray, address = _ray(), address or os.environ.get("RAY_ADDRESS") or _HERE
    if not ray.is_initialized():
        _connect(ray, address)
    there: dict[str, float] = ray.cluster_resources()
    most = int(there.get("GPU", 0)) if gpu else min(_MOST, int(there.get("CPU", 0)))
    if most < 1:
        raise UsageError(f"the Ray cluster {_shown(address)} has no {'GPU' if gpu else 'CPU'}.")
    return RayWorkers(count or most, _shown(address), gpu)


def _connect(ray: ModuleType, address: str) -> None:
    """Connect this process, to nothing that would be started for it.

    Raises:
        UsageError: nobody answers.
    """
    where = urlsplit(address)
    try:
        if where.hostname is not None:  # Ray itself would try for half a minute
            socket.create_connection((where.hostname, where.port or 0), timeout=_TO_CONNECT).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except OSError as error:
        start = "" if where.hostname else " `ray start --head` starts one; RAY_ADDRESS names another."
        start += " One that asks for a token is reached with RAY_AUTH_MODE=token."
        raise UsageError(
            f"no Ray cluster answers at {_shown(address)}: {_said(error)}.{start}"
        ) from error
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"the Ray cluster {_shown(address)} cannot be used: {_said(error)}.") from error


def _said(error: Exception) -> str:
    """What Ray says, on one line; of a trace on the cluster only how it ends."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(" ".join(lines[-1:] if "Traceback" in str(error) else lines).split())[:300].rstrip(
        "."
    )


def _unknown_there() -> UsageError:
    """The cluster has no brie, or one that knows no workers."""
    return UsageError(
        f"the cluster's workers cannot import brie {_build()}: install the same release where they run."
    )


def _folder_at(actor: Handle, folder: Path) -> Path:
    """Where an actor has a folder: in the same place, or where what it lacks was sent to."""
    if _get(actor.sees.remote(folder, stamps(folder))):
        return folder
    files = contents(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's, that this takes a while by way of its client
        for file in _get(actor.lacks.remote(files)):
            for part in parts(folder / file.name):
                _get(actor.keep.remote(file, part))
    return _get(actor.folder.remote(files))


def _get(reference: _Reference[T]) -> T:
    came: T = _ray().get(reference)
    return came


def _ended() -> tuple[type[Exception], ...]:
    """What is raised where an actor, or the way to it, has ended."""
    exceptions = _ray().exceptions
    return (exceptions.RayActorError, exceptions.RaySystemError, ConnectionError)


def _ray() -> ModuleType:
    """Ray.

    Raises:
        UsageError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return import_module("ray")
    except ModuleNotFoundError:
        raise UsageError(f"workers on a Ray cluster need ray: {install_command('ray')}") from None


def _build() -> str:
    from brie import __version__

    return versions.build(__version__)


def _shown(address: str) -> str:
    return address if address != _HERE else "of this machine"


def _with_count(address: str, count: int) -> str:
    return f"{address}/{count}" if address.startswith("ray://") else f"ray:{count}"
