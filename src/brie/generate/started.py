"""A server that brie starts for one file, asks, and stops: on this machine alone, on a free port.

    started = Started(file, command, "llama.cpp")
    with StartedEngine(started, [pin.digest]) as engine:
        for completion in engine.generate(requests):
            ...

The server ends with the engine, with Ctrl-C, and with brie however brie ends (see `runners/keep.py`). It
is asked under a name that holds the file's digest, so that what answers on the port reads that file.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from brie.digest import short
from brie.errors import UsageError
from brie.generate.engine import Closing, OnDone, Request
from brie.generate.server import Server, ServerEngine
from brie.records import Completion
from brie.wire.lookup import json_at
from brie.wire.started import environment

LLAMA_CPP = "llama.cpp"
"""What the pin of a file says that reads it."""
_KEEPER = Path(__file__).parent / "runners" / "keep.py"
_LOOPBACK = "127.0.0.1"
_TRIES = 3
"""A free port may be taken before the server has it."""
_SECONDS = 600.0
"""How long a file may take to load."""
_PAUSE = 0.1
_TO_END = 10.0
PORT, NAME = "{port}", "{name}"
"""Words of a command that are filled in."""


@dataclass(frozen=True)
class Started:
    """A model in a file that a server reads."""

    file: Path
    command: tuple[str, ...]
    """What starts the server; `PORT` and `NAME` in it are filled in."""
    label: str
    """What records call the server."""


class StartedEngine(Closing):
    """Makes completions by asking a server of its own."""

    def __init__(self, started: Started, pins: Iterable[str]) -> None:
        """Start the server and wait until it answers.

        Args:
            started: what is started.
            pins: digests of the models that are this file.

        Raises:
            UsageError: it does not start; says what it said.
        """
        self._started = started
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the engine
        digests = list(pins)
        # A comma would make two names of it, and a space may be lost.
        stem = re.sub(r"[^\w.-]", "-", started.file.stem)
        name = f"{stem}-{short(digests[0], 12)}"
        try:
            base_url = self._start(name)
        except BaseException:
            self.close()
            raise
        # One answer at a time: a text must not depend on what is asked beside it.
        self.server = Server(started.label, base_url, concurrency=1)
        self.asked = ServerEngine(self.server, dict.fromkeys(digests, name))
        """What asks it."""

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield completions as they arrive; see `Engine`."""
        yield from self.asked.generate(requests, on_done)

    def close(self) -> None:
        """Stop the server."""
        self._stop()
        self._log.close()

    def _start(self, name: str) -> str:
        """The address of the running server."""
        for _ in range(_TRIES):
            port = _free_port()
            filled = {PORT: str(port), NAME: name}
            command = [filled.get(part, part) for part in self._started.command]
            self._process = _kept(command, self._log)
            base_url = f"http://{_LOOPBACK}:{port}/v1"
            if self._answers(base_url, name):
                return base_url
            self._stop()
        what = f"{self._started.label} did not start with {self._started.file}"
        raise UsageError(f"{what}: {self._said()}")

    def _answers(self, base_url: str, name: str) -> bool:
        """Wait until the server lists the name it was given; False where it has ended."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            if name in _listed(f"{base_url}/models"):
                return True
            time.sleep(_PAUSE)
        return False

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _said(self) -> str:
        """The last line of what the server wrote."""
        self._log.seek(0)
        text = self._log.read().decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else "it said nothing"


def _kept(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """A command that lives no longer than this process; Ctrl-C does not reach it before brie ends it."""
    return subprocess.Popen(
        [sys.executable, str(_KEEPER), *command],
        stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=environment(),
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_LOOPBACK, 0))
        port: int = free.getsockname()[1]
    return port


def _listed(url: str) -> set[str]:
    """Names of the models that an address lists; none while it does not answer."""
    try:
        reply = json_at(url, seconds=5)
    except (OSError, ValueError, RecursionError):
        return set()
    data = reply.get("data") if isinstance(reply, dict) else None
    entries = data if isinstance(data, list) else []
    return {str(entry.get("id")) for entry in entries if isinstance(entry, dict)}
