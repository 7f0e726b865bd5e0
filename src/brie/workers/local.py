"""Workers on this machine: processes of the same Python, each with a pipe to this one.

A worker ends when its pipe closes, so that none outlives this process, however it ends.
"""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from brie.number_format import plural
from brie.workers.interface import Block, Gone, Job, Row

_TO_END = 5.0
"""Seconds a process has to end in."""
_SOURCE = Path(__file__).parents[2]
"""Where this brie is imported from: the workers run no other."""


@dataclass(frozen=True, slots=True)
class LocalWorkers:
    """Processes on this machine."""

    count: int

    @property
    def threads(self) -> int:
        """Threads a process computes with: its share of the cores."""
        return max(1, cores() // self.count)

    @property
    def told(self) -> str:
        """What and where they are, in words."""
        processes = plural(self.count, "process", "processes")
        return f"{processes} on this machine, {plural(self.threads, 'thread')} each"

    def start(self, job: Job[Block, Row]) -> list[LocalLine]:
        """Start them all with a job."""
        pickled = pickle.dumps(job)
        lines = [LocalLine(number, self._environment(number)) for number in range(self.count)]
        for line in lines:
            line.send(pickled)
        return lines

    def _environment(self, number: int) -> dict[str, str]:
        """This process's own, with a share of the cores, and a GPU where there are several."""
        path = os.pathsep.join(filter(None, (str(_SOURCE), os.environ.get("PYTHONPATH"))))
        mine = {"OMP_NUM_THREADS": str(self.threads), **os.environ, "PYTHONPATH": path}
        devices = gpus()
        if len(devices) > 1:
            mine["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
        return mine


class LocalLine:
    """A process, and the pipe to it."""

    def __init__(self, number: int, environment: dict[str, str]) -> None:
        ours, theirs = Pipe()
        self._pipe: Connection = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "brie.workers.serve", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.name = f"worker {number + 1} (process {self._process.pid})"

    def send(self, message: bytes) -> None:
        """Send something; nothing happens where the process has ended."""
        with suppress(OSError):
            self._pipe.send_bytes(message)

    def receive(self) -> list[bytes]:
        """Wait for what the process says next.

        Raises:
            Gone: it has ended.
        """
        try:
            return [self._pipe.recv_bytes()]
        except (EOFError, OSError):
            self._pipe.close()
            raise Gone(_ended(self._process)) from None

    def close(self) -> None:
        """End the process at once; whoever waits for it hears of it, and closes the pipe."""
        self._process.kill()
        self._process.wait()


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> list[str]:
    """NVIDIA GPUs this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    there = (re.fullmatch(r"nvidia(\d+)", path.name) for path in Path("/dev").glob("nvidia*"))
    return [str(number) for number in sorted(int(device[1]) for device in there if device)]


def _ended(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, in words."""
    try:
        code = process.wait(_TO_END)
    except subprocess.TimeoutExpired:
        return "closed its pipe"
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
