"""A local Hub that keeps datasets and runs jobs: it executes what it is told, and enforces the timeout.

    with JobsHub(tmp_path) as hub:
        subprocess.run(..., env={"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, ...})
        hub.jobs["job1"].stage                # COMPLETED

Repositories are those of `HubStore`, datasets among them, readable with the token only. A job's command
is run as it was posted, in a folder of its own, with `uv` played by `tests.fakes.job_image`. Secrets
reach the job's environment and nothing else: `received` holds every byte of every body but them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.hub_store import TOKEN, HubStore, describe, models_handler

GATED = "org/gated"
NO_CREDIT = "org-without-credit"
"""A namespace whose jobs are refused for want of credit."""
DEFAULT_TIMEOUT = 30 * 60
"""Seconds a job may run when nothing else was said, as the provider's."""
HARDWARE = (
    ("cpu-basic", "2 vCPU", "16 GB", "50 GB", 167, None),
    ("t4-small", "4 vCPU", "15 GB", "50 GB", 6_667, ("T4", "16 GB")),
    ("a10g-small", "4 vCPU", "15 GB", "110 GB", 16_667, ("A10G", "24 GB")),
)
"""Name, processors, memory, disk, millionths of a dollar a minute, accelerator and its memory."""
_ENDED = ("COMPLETED", "CANCELED", "ERROR")
KEEP_ALIVE_SECONDS = 30
"""Of silence before a log says that it is still there; a client that does not follow leaves after 5."""


@dataclass
class Job:
    """A job, as far as the server knows."""

    id: str
    spec: dict[str, Any]
    """As posted, without the secrets' values."""
    folder: Path
    stage: str = "SCHEDULING"
    message: str | None = None
    lines: list[dict[str, str]] = field(default_factory=list)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished: datetime | None = None
    process: subprocess.Popen[str] | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more."""
        return self.stage in _ENDED

    def log(self) -> str:
        """All it wrote."""
        return "\n".join(line["data"] for line in self.lines)

    def end(self, stage: str, message: str | None) -> None:
        """End it, unless it has ended; its processes are killed."""
        with self.changed:
            if self.ended:
                return
            self.stage, self.message, self.finished = stage, message, datetime.now(UTC)
            self.changed.notify_all()
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: self.ended, seconds)

    def told(self) -> dict[str, Any]:
        """As the API tells it."""
        running = ((self.finished or datetime.now(UTC)) - self.started).total_seconds()
        return {
            "id": self.id,
            "createdAt": _time(self.started),
            "startedAt": _time(self.started),
            "finishedAt": _time(self.finished) if self.finished else None,
            "dockerImage": self.spec.get("dockerImage"),
            "command": self.spec["command"],
            "arguments": self.spec["arguments"],
            "environment": self.spec["environment"],
            "secrets": self.spec["secrets"],
            "flavor": self.spec["flavor"],
            "labels": self.spec.get("labels"),
            "status": {"stage": self.stage, "message": self.message},
            "durations": {"schedulingSecs": 0, "runningSecs": int(running), "totalSecs": int(running)},
            "owner": {"id": "1", "name": "me", "type": "user"},
        }


class JobsHub(HubStore):
    """Keeps datasets and runs jobs while the block runs."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = dict(environment or {})
        """What a job's image sets besides."""
        self.jobs: dict[str, Job] = {}
        self.user: dict[str, Any] = {
            "type": "user",
            "name": "me",
            "canPay": True,
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": {"displayName": "t", "role": "write"}},
        }
        """What the token's owner is told to be."""
        super().__init__()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers requests."""
        return _handler(self)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for job in self.jobs.values():
            job.end("ERROR", "the machine is gone")
        super().__exit__(kind, value, trace)

    def start(self, spec: dict[str, Any]) -> Job:
        """Run what was posted."""
        secrets: dict[str, str] = spec.pop("secrets", {})
        job = Job(
            f"job{len(self.jobs) + 1}", {**spec, "secrets": dict.fromkeys(secrets, "")}, self.folder
        )
        job.folder = self.folder / job.id
        job.folder.mkdir(parents=True)
        self.jobs[job.id] = job
        env = {**_image(job.folder, self.url), **self.environment, **spec["environment"], **secrets}
        env["JOB_ID"] = job.id
        threading.Thread(target=self._run, args=(job, env), daemon=True).start()
        return job

    def _run(self, job: Job, env: dict[str, str]) -> None:
        job.process = subprocess.Popen(
            job.spec["command"],
            cwd=job.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with job.changed:
            job.stage = "RUNNING" if not job.ended else job.stage
        allowed = job.spec.get("timeoutSeconds", DEFAULT_TIMEOUT)
        timer = threading.Timer(allowed, self.expire, [job])
        timer.daemon = True
        timer.start()
        assert job.process.stdout is not None
        for line in job.process.stdout:
            with job.changed:
                job.lines.append({"data": line.rstrip("\n"), "timestamp": _time(datetime.now(UTC))})
                job.changed.notify_all()
        code = job.process.wait()
        timer.cancel()
        job.end("COMPLETED" if code == 0 else "ERROR", None if code == 0 else f"exit code {code}")

    def ask_to_end(self, job: Job) -> None:
        """Tell a job's first process to end, as before a machine is taken away."""
        assert job.process is not None
        job.process.terminate()

    def expire(self, job: Job) -> None:
        """A job's time is up."""
        job.end("ERROR", "Job timeout")


def hardware() -> list[dict[str, Any]]:
    """What can be rented, as the API tells it."""
    told = []
    for name, processors, memory, disk, cost, accelerator in HARDWARE:
        entry: dict[str, Any] = {"name": name, "prettyName": name, "cpu": processors, "ram": memory}
        entry |= {"ephemeralStorage": disk, "unitCostMicroUSD": cost, "unitCostUSD": cost / 1e6}
        entry["unitLabel"] = "minute"
        if accelerator is not None:
            gpu = {"type": "gpu", "model": accelerator[0], "quantity": "1", "manufacturer": "Nvidia"}
            entry["accelerator"] = {**gpu, "vram": accelerator[1]}
        told.append(entry)
    return told


def _image(folder: Path, endpoint: str) -> dict[str, str]:
    """The environment of a job's image: a `uv` on the path, and no variable of the tests' own."""
    programs = folder / "bin"
    programs.mkdir()
    uv = programs / "uv"
    source = Path(__file__).with_name("job_image.py")
    uv.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{source}" "$@"\n', "utf-8")
    uv.chmod(0o755)
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(folder),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "OMP_NUM_THREADS": "1",
        "IMAGE_PYTHON": sys.executable,
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _sse(job: Job, tail: int | None) -> Iterator[bytes]:
    """A job's lines as they come, until it has ended."""
    sent = max(0, len(job.lines) - tail) if tail is not None else 0
    while True:
        with job.changed:
            if not job.ended and len(job.lines) == sent:
                job.changed.wait(timeout=KEEP_ALIVE_SECONDS)
            lines, ended = job.lines[sent:], job.ended
        sent += len(lines)
        for line in lines:
            yield f"data: {json.dumps(line)}\n\n".encode()
        if ended and sent == len(job.lines):
            return
        if not lines:
            yield b": keep-alive\n\n"


def _handler(hub: JobsHub) -> type[BaseHTTPRequestHandler]:
    parent: Any = models_handler(hub)

    class Handler(parent):  # type: ignore[misc]
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/api/whoami-v2":
                self._of_owner(lambda: self._send(200, hub.user))
            elif path == "/api/jobs/hardware":
                self._send(200, hardware())
            elif path.startswith("/api/jobs/"):
                self._of_owner(lambda: self._job(path.split("/")[4:], parse_qs(query)))
            elif path.startswith((f"/{GATED}/", f"/api/models/{GATED}")):
                self._send(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
            elif path.startswith("/api/datasets/") and (repo := self._repo("/api/datasets/")):
                self._dataset(repo, path)
            elif path.startswith("/datasets/") and (repo := self._repo("/datasets/")):
                self._file(repo, path.partition("/resolve/")[2].partition("/")[2])
            elif not path.startswith(("/api/datasets/", "/datasets/")):
                super().do_GET()

        do_HEAD = do_GET

        def do_POST(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/api/jobs/"):
                self._of_owner(lambda: self._act(path.split("/")[3:]))
            elif path.startswith("/api/datasets/") and self._may_write():
                body = self._body()
                if repo := self._repo("/api/datasets/"):
                    self._of_repo(repo, path, body)
            else:
                super().do_POST()

        def do_DELETE(self) -> None:
            wish = json.loads(self._body())
            if self._may_write() and path_is(self.path, "/api/repos/delete"):
                hub.repos.pop(f"{wish['organization']}/{wish['name']}", None)
                self._send(200, {})

        def _of_owner(self, answer: Callable[[], None]) -> None:
            if self._may_write():
                answer()
            else:
                self._send(401, {"error": "Invalid username or password."})

        def _act(self, rest: list[str]) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if rest[1:] == []:
                spec = json.loads(body)
                kept = {key: value for key, value in spec.items() if key != "secrets"}
                hub.received += json.dumps(kept).encode()
                if rest[0] == NO_CREDIT:
                    self._send(402, {"error": "Pre-paid credit balance is insufficient"})
                elif spec["flavor"] not in [entry[0] for entry in HARDWARE]:
                    self._send(400, {"error": f"no such flavor: {spec['flavor']}"})
                else:
                    self._send(200, hub.start(spec).told())
            elif rest[2:] == ["cancel"] and rest[1] in hub.jobs:
                hub.jobs[rest[1]].end("CANCELED", None)
                self._send(200, {})
            else:
                self._send(404, {"error": "Job not found"})

        def _job(self, rest: list[str], query: dict[str, list[str]]) -> None:
            if not rest:
                self._send(200, [job.told() for job in hub.jobs.values() if _labelled(job, query)])
            elif rest[0] not in hub.jobs:
                self._send(404, {"error": "Job not found"})
            elif rest[1:] == ["logs"]:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                tail = int(query["tail"][0]) if "tail" in query else None
                try:
                    for event in _sse(hub.jobs[rest[0]], tail):
                        self.wfile.write(event)
                        self.wfile.flush()
                except OSError:
                    return
            else:
                self._send(200, hub.jobs[rest[0]].told())

        def _dataset(self, repo: str, path: str) -> None:
            stored = hub.repos[repo]
            if "/tree/" in path:
                inside = path.partition("/tree/")[2].partition("/")[2]
                names = [name for name in stored.files if name.startswith(inside)]
                self._send(200, [describe(name, stored.files[name]) for name in names])
            else:
                siblings = [{"rfilename": name} for name in stored.files]
                told = {"id": repo, "sha": stored.sha, "private": stored.private, "siblings": siblings}
                self._send(200, told)

        def _file(self, repo: str, name: str) -> None:
            body = hub.repos[repo].files.get(name)
            if body is None:
                self._send(404, {"error": "no"}, {"X-Error-Code": "EntryNotFound"})
                return
            self.send_response(200)
            self.send_header("ETag", f'"{sha1(body, usedforsecurity=False).hexdigest()}"')
            self.send_header("X-Repo-Commit", hub.repos[repo].sha)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def path_is(path: str, wanted: str) -> bool:
    """Whether a request goes to this path."""
    return path.partition("?")[0] == wanted


def _labelled(job: Job, query: dict[str, list[str]]) -> bool:
    labels = job.spec.get("labels") or {}
    return all(
        labels.get(key) == value for key, _, value in (w.partition("=") for w in query.get("label", []))
    )


__all__ = ["DEFAULT_TIMEOUT", "GATED", "NO_CREDIT", "TOKEN", "Job", "JobsHub"]
