"""The program `sky`: what is asked of it, and what it answers.

It is run, and not imported, since people keep it in an environment of its own. What it answers is JSON,
below lines that are for people.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from brie.errors import UsageError
from brie.harmless import clean
from brie.remote.launcher import Unreachable
from brie.wire.keys import Secrets

_PATIENCE = 600
"""Seconds one call may take: work is copied to SkyPilot's server meanwhile."""
_REQUEST = re.compile(r"request: ([0-9a-f-]{36})")
_NO_SERVER = re.compile(r"ConnectionError|Failed to connect|Could not connect|ApiServerConnectionError")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_WAITING = ("INIT", "SETTING_UP", "PENDING")


class Rent(NamedTuple):
    """A machine that SkyPilot lists."""

    cloud: str
    usd: float
    """An hour."""
    memory: int | None
    """Bytes of one GPU's memory; None: not told."""


class Standing(NamedTuple):
    """How an attempt stands."""

    state: Literal["waiting", "running", "ended"]
    why: str = ""
    """Why it ended, where that was not its own end."""
    up: bool = False
    """Whether the machine is there to be asked."""


class _Machine(BaseModel):
    cloud: str
    accelerator_count: float
    device_memory: float | None = None
    price: float = math.nan


class _Job(BaseModel):
    job_id: int
    job_name: str
    status: str


class _Cluster(BaseModel):
    name: str
    status: str


class _Request(BaseModel):
    status: str


T = TypeVar("T")
_CLOUDS = TypeAdapter(dict[str, dict[str, list[str]]])
_MACHINES = TypeAdapter(dict[str, list[_Machine]])
_JOBS = TypeAdapter(dict[str, list[_Job]])
_CLUSTERS = TypeAdapter(list[_Cluster])
_REQUESTS = TypeAdapter(list[_Request])


def program() -> Sky:
    """The program, as it is installed.

    Raises:
        UsageError: it is not.
    """
    path = shutil.which("sky")
    if path is None:
        raise UsageError(
            "--on sky needs SkyPilot, which is not here: pipx install 'skypilot[runpod]', with your "
            "clouds between the brackets; then: sky check"
        )
    return Sky(path)


def launching(cluster: str, task: Path, send: Sequence[str]) -> list[str]:
    """The command that hands a task over; values of variables are not in it."""
    secrets = [word for name in send for word in ("--secret", name)]
    return ["sky", "launch", "--async", "--yes", "--cluster", cluster, *secrets, str(task)]


class Sky:
    """SkyPilot's command line."""

    def __init__(self, path: str) -> None:
        self._path = path

    def clouds(self, infra: str | None) -> list[str]:
        """Clouds that are set up; of a named one, that one."""
        words = ["check", "--output", "json"]
        told = self._json([*words, infra.partition("/")[0]] if infra else words, _CLOUDS)
        named = {cloud.lower() for clouds in told.values() for cloud, can in clouds.items() if can}
        return sorted(named)

    def rents(self, gpu: str, many: int, infra: str | None) -> list[Rent] | None:
        """Machines with so many GPUs of a kind; None: SkyPilot cannot list them now."""
        words = ["gpus", "list", f"{gpu}:{many}", "--output", "json"]
        try:
            told = self._json([*words, "--infra", infra] if infra else words, _MACHINES)
        except (UsageError, Unreachable):
            return None
        machines = [machine for name in told for machine in told[name] if name.lower() == gpu.lower()]
        return [
            Rent(
                machine.cloud.lower(),
                machine.price,
                int(machine.device_memory * 2**30) if machine.device_memory else None,
            )
            for machine in machines
            if math.isfinite(machine.price) and machine.accelerator_count == many
        ]

    def launch(self, cluster: str, task: Path, send: Sequence[str]) -> str:
        """Hand a task over; returns the number of the request, "" where none was told."""
        said = self._run(launching(cluster, task, send)[1:])
        match = _REQUEST.search(said)
        return match[1] if match else ""

    def standing(self, cluster: str, request: str, name: str) -> Standing:
        """How an attempt stands.

        Args:
            cluster: the machine.
            request: number of the request that launched it.
            name: of the attempt.
        """
        clusters = self._json(["status", cluster, "--output", "json"], _CLUSTERS)
        if not clusters:
            return self._launched(request, "the machine is gone")
        if clusters[0].status != "UP":
            return self._launched(request, f"the machine is {clusters[0].status.lower()}")
        queue = self._json(["queue", cluster, "--output", "json"], _JOBS)
        attempts = [job for job in queue.get(cluster, []) if job.job_name == name]
        if not attempts:
            return self._launched(request, "the machine has no such job")
        status = max(attempts, key=lambda job: job.job_id).status
        if status in _WAITING:
            return Standing("waiting")
        if status == "RUNNING":
            return Standing("running", up=True)
        return Standing("ended", _ENDS.get(status, status.lower()), up=True)

    def _launched(self, request: str, otherwise: str) -> Standing:
        """What became of the request, where there is no job yet."""
        status = ""
        if request:
            words = ["api", "status", request, "--all-status", "--output", "json"]
            requests = self._json(words, _REQUESTS)
            status = requests[0].status if requests else ""
        if status in ("PENDING", "RUNNING"):
            return Standing("waiting")
        if status in ("FAILED", "CANCELLED"):
            return Standing("ended", f"no machine was started: sky api logs {request[:8]}")
        return Standing("ended", otherwise)

    def cancel(self, cluster: str, request: str) -> None:
        """End everything a machine does, or the search for it."""
        clusters = self._json(["status", cluster, "--output", "json"], _CLUSTERS)
        if clusters and clusters[0].status == "UP":
            self._run(["cancel", "--yes", "--all", cluster])
        if self._launched(request, "").state == "waiting":
            self._run(["api", "cancel", "--yes", request])

    def down(self, cluster: str) -> None:
        """Give a machine back; nothing to do where it is gone."""
        self._run(["down", "--yes", cluster])

    def _json(self, words: Sequence[str], kind: TypeAdapter[T]) -> T:
        text = self._run(words)
        for start in _starts(text):
            try:
                value, _ = json.JSONDecoder().raw_decode(text, start)
                return kind.validate_python(value)
            except (ValueError, ValidationError):
                continue
        raise UsageError(f"sky {words[0]} did not answer as SkyPilot 0.14 does; see: sky --version")

    def _run(self, words: Sequence[str]) -> str:
        try:
            done = subprocess.run(
                [self._path, *words],
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"SkyPilot did not answer within {_PATIENCE} seconds.") from error
        if done.returncode == 0:
            return _ANSI.sub("", done.stdout)
        lines = [line for line in _ANSI.sub("", done.stderr + done.stdout).splitlines() if line.strip()]
        said = Secrets.of_environment().out_of(clean(lines[-1].strip())[:300]) if lines else "no word"
        if any(_NO_SERVER.search(line) for line in lines):
            raise Unreachable(f"SkyPilot's server cannot be reached: {said}")
        raise UsageError(f"sky {' '.join(words[:2])} failed (exit code {done.returncode}): {said}")


def _starts(text: str) -> Iterator[int]:
    """Where a line begins as a JSON document does."""
    return (match.start() for match in re.finditer(r"^[\[{]", text, re.MULTILINE))


_ENDS = {
    "SUCCEEDED": "",
    "FAILED": "",
    "FAILED_SETUP": "no Python could be brought there: sky logs has why",
    "FAILED_DRIVER": "the machine ended it, as when its memory is full",
    "CANCELLED": "cancelled",
}
"""SkyPilot's word for an end -> why; "" where the work itself ended so."""
