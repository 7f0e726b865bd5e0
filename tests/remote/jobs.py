"""A small training run that is sent away, and the command that watches it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from brie.project import Project
from brie.remote.jobs import Job, list_jobs
from brie.train.config import PinEntry
from brie.train.runs import list_runs

STEPS = ("max_steps=12", "checkpoint_steps=4", "batch_size=8", "micro_batch_size=4", "max_length=128")
TRAIN = (
    "train", "--size", "tiny", "--data", "rows.jsonl", "--device", "cpu",
    *(word for setting in STEPS for word in ("--set", setting)),
)  # fmt: skip
ON = ("--on", "ssh:box")
_PATIENCE = 600
"""Seconds a line is waited for; nothing is decided by them but that a test has failed."""


def _hears_ctrl_c() -> None:
    """What was started in the background ignores it, and what it starts too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Command:
    """`brie` in a process of its own, whose messages are read as they come."""

    def __init__(self, folder: Path, *words: str, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "brie", *words],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, preexec_fn=_hears_ctrl_c,
        )  # fmt: skip
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        assert self.process.stderr is not None
        threading.Thread(target=self._read, args=[self.process.stderr], daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._queue.put(line)
        self._queue.put(None)

    def until(self, text: str) -> str:
        """The first line that holds a text."""
        while (line := self._queue.get(timeout=_PATIENCE)) is not None:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never said:\n{''.join(self.lines)}")

    def end(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Its exit code and all it said; first sends it a signal."""
        if number is not None:
            self.process.send_signal(number)
        while (line := self._queue.get(timeout=_PATIENCE)) is not None:
            self.lines.append(line)
        return self.process.wait(), "".join(self.lines)


def only_job(project: Project) -> Job:
    """The one job of a project."""
    (job,) = list_jobs(project)
    return job


def pins(project: Project) -> dict[str, PinEntry]:
    """The pins of a project's one run."""
    (run,) = list_runs(project)
    return run.manifest.pins


def alive(pid: int) -> bool:
    """Whether a process runs, and is not only waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        os.kill(pid, 0)
        return True
