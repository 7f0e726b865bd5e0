"""The seam between brie and whoever runs its work: a machine behind ssh, or a service that rents some.

What travels is one file, `work.zip` (`brie.remote.work`): data, recipe, configuration and brie itself as
a wheel. There, in a folder of the job's own, a `Launcher` has it unpacked and starts

    python -m brie.remote.worker FOLDER

which runs the very command and leaves what came of it in `FOLDER/outbox`: a file for each checkpoint as
it is made, `result.zip` and `end.json` last. A file appears there whole or not at all, and is never
changed. What the worker prints is the job's log. Whatever stands in the outbox when the worker starts is
gone on from, so a job that was killed is started again by sending its outbox back.

A launcher moves these files, starts, looks and stops; it reads none of them and decides nothing. What
came is checked and merged by `brie.remote.result`; the loop that follows a job is `brie.remote.follow`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from brie.bundle.layout import MEMBER_BYTES
from brie.errors import InputError, Stopped, UsageError, unknown
from brie.number_format import size
from brie.remote.jobs import Job, Load

WORK, LOG, OUTBOX, END, RESULT = "work.zip", "log.txt", "outbox", "end.json", "result.zip"
OUTBOX_NAME = re.compile(r"checkpoint-\d{1,9}\.zip|answers-\d{1,9}\.zip|result\.zip|end\.json")
"""Every name that a file of an outbox may have."""

BEGIN = (
    '"$BRIE_PYTHON" -m zipfile -e work.zip . && "$BRIE_PYTHON" -m zipfile -e wheel/*.whl brie '
    '&& exec "$BRIE_PYTHON" brie/brie/remote/there.py "$PWD"'
)
"""A shell's words that begin a job in its folder, where `WORK` and `OUTBOX` are: everything is unpacked,
a Python with all packages is found or made (`brie.remote.there`), and it becomes the worker."""

LAUNCHERS: dict[str, str] = {
    "ssh": "brie.remote.ssh:open_launcher",
    "hf-jobs": "brie.remote.hf_jobs:open_launcher",
    "sky": "brie.remote.sky:open_launcher",
}
"""Kind -> `module:function` that makes its launcher of a `Target`."""


def too_large(name: str) -> InputError:
    """A file of an outbox is larger than any that brie would read, and is not fetched."""
    return InputError(
        f"{name} is larger than {size(MEMBER_BYTES)}, as no result is; it was not fetched."
    )


class Unreachable(Stopped):
    """Nobody answers just now; asking again later may help."""


@dataclass(frozen=True)
class Target:
    """Where work is to run, as it was asked for."""

    kind: str
    """A key of `LAUNCHERS`."""
    place: str = ""
    """What stands after the colon: a host, a flavour; "" where nothing does."""
    python: str | None = None
    """The Python to use there (`--remote-python`); None: the launcher's own choice."""
    send: tuple[str, ...] = ()
    """Variables of this environment whose values may travel, by name (`--send-env`)."""

    @property
    def on(self) -> str:
        """As it is typed after `--on`."""
        return f"{self.kind}:{self.place}" if self.place else self.kind


class Fact(NamedTuple):
    """One row of the table that is shown before anything starts."""

    label: str
    text: str
    refused: str = ""
    """Why nothing can be started; a sentence with what to do. "" where nothing is wrong."""


@dataclass(frozen=True)
class Offer:
    """What is there: the launcher's half of the table."""

    hardware: str
    """For people: `NVIDIA A10G, 24 GB; 8 cores, 32 GB`."""
    device: Literal["cuda", "mps", "cpu"] | None = None
    """What it will compute on; None: unknown."""
    gpu: str | None = None
    """A GPU's name, by which its speed is looked up (`brie.remote.estimate`)."""
    native_bfloat16: bool | None = None
    """Whether the GPU computes in bfloat16 (compute capability 8 or more); None: unknown."""
    usd_an_hour: float | None = None
    """None: nobody charges for it, or the price is not told."""
    price_unknown: str = ""
    """Why the price is not told; "" where it is, or nobody charges."""
    disk_bytes: int | None = None
    """Free there; None: unknown."""
    memory_bytes: int | None = None
    """Of the GPU, else of the machine; None: unknown."""
    timeout: bool = False
    """Whether it ends jobs at a time limit, so that one has to be set."""
    facts: tuple[Fact, ...] = ()
    """Further rows: python, brie, token, quota, whether a gated base can be reached."""


@dataclass(frozen=True)
class Poll:
    """How a job stands."""

    state: Literal["waiting", "running", "ended"]
    """`ended`: its process is gone, however it went; `END` in the outbox says how, or is missing."""
    text: str = ""
    """What was logged since `read`."""
    read: int = 0
    """A mark to be given next time; what it counts is the launcher's business."""
    outbox: tuple[str, ...] = ()
    """Names of the files that are whole in the outbox there."""
    why: str = ""
    """What the provider says of an end that nobody wished: `out of time`; "" where it says nothing."""


class Launcher(Protocol):
    """Whoever runs a job. Every call is short: none waits for the job.

    All of them raise `Unreachable` where nobody answers, and `UsageError`, with what to do, where a
    program or a key is missing or a request is refused.
    """

    target: Target
    every: float
    """Seconds between two polls."""

    def look(self, load: Load) -> Offer:
        """What is there. Starts nothing, writes nothing, costs nothing."""

    def start(self, job: Job, folder: Path, *, minutes: int | None) -> str:
        """Send `folder/WORK` and the files of `folder/OUTBOX`, and start the worker.

        The worker has the limit too, as `BRIE_MINUTES` in its environment: it ends in time to save.

        Args:
            job: whose; `job.attempts` counts from 1.
            folder: the job's, here.
            minutes: after how long the provider should end it; None: never.

        Returns:
            What the provider knows the job by, kept as `job.handle`.
        """

    def poll(self, job: Job, *, read: int) -> Poll:
        """How it stands, and what it logged since the mark `read` (0: from the beginning)."""

    def fetch(self, job: Job, names: Sequence[str], into: Path) -> None:
        """Copy files of the outbox there into a folder here, each whole or not at all.

        Names are of `OUTBOX_NAME`; those that are there already are not asked for.
        """

    def cancel(self, job: Job) -> None:
        """End its processes there; nothing to do where they have ended."""

    def clear(self, job: Job) -> None:
        """Delete what is left of it there, once all of it came."""

    def commands(self, job: Job, *, minutes: int | None) -> tuple[str, ...]:
        """What `start` would do, as lines that people read; for `--dry-run`."""


def target_of(
    text: str, *, python: str | None = None, send: Sequence[str] = (), environment: Mapping[str, str]
) -> Target:
    """What was typed after `--on`.

    Args:
        text: `KIND` or `KIND:PLACE`.
        python: the Python to use there.
        send: names of variables that may travel.
        environment: where they have their values.

    Raises:
        UsageError: the kind is unknown, or a variable is not set.
    """
    kind, _, place = text.partition(":")
    if kind not in LAUNCHERS:
        how = "One is named as --on ssh:HOST, hf-jobs:FLAVOUR or sky:GPU."
        raise unknown("launcher", kind, LAUNCHERS, how)
    missing = [name for name in send if not environment.get(name)]
    if missing:
        raise UsageError(f"--send-env {missing[0]}: the variable is not set here.")
    return Target(kind, place, python, tuple(send))


def launcher_for(target: Target) -> Launcher:
    """The launcher of a target.

    Raises:
        UsageError: the place is none, or a program it needs is missing.
    """
    module, _, name = LAUNCHERS[target.kind].partition(":")
    launcher: Launcher = getattr(import_module(module), name)(target)
    return launcher
