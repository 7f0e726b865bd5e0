"""`ssh:HOST`: a machine of one's own, by the system's `ssh` and `rsync`.

HOST is what `ssh` takes: a name of `~/.ssh/config`, `user@host`. Keys, ports, proxies and host keys are
as that configuration says; nothing is asked, and no password is typed. `BRIE_SSH` is another command to
use (`ssh -F FILE`). A job lives in `~/.cache/brie/jobs/ID` there; its process outlives the connection.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ValidationError

from brie.bundle.layout import MEMBER_BYTES
from brie.errors import UsageError
from brie.number_format import size
from brie.remote.jobs import Job, Load
from brie.remote.launcher import (
    BEGIN,
    OUTBOX,
    WORK,
    Fact,
    Offer,
    Poll,
    Target,
    Unreachable,
    too_large,
)
from brie.remote.wheel import needed, versions_here
from brie.report.clean import one_line

_OPTIONS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15")
_HOST = re.compile(r"(?!-)[\w.@%+~-]+")
"""No option, no address of rsync's, nothing that a shell would read."""
JOBS = ".cache/brie/jobs"
"""In the home folder there; also what rsync starts from."""
_BLOCK = 200_000
"""Bytes of log that are read at a time."""
_LINE = 100_000
"""Of a line that does not end."""
_PARTIAL = ".partial"
"""Folder beside a file that is on its way, where what came of it waits when the way is cut: under its
name stands only a whole one."""
_PATIENCE = 600
"""Seconds one call may take: a large checkpoint on a slow line."""
_NOBODY = re.compile(
    r"Connection (refused|timed out|closed|reset|to \S+ closed|unexpectedly closed)|timed out"
    r"|not responding|Broken pipe|No route|unreachable|lost connection|kex_exchange|banner"
    r"|Temporary failure|Could not resolve",
    re.IGNORECASE,
)
_LEAST = (3, 11)

_ALIVE = 'alive() { [ -f pid ] && kill -0 "$(cat pid)" 2>/dev/null && [ "$(born)" = "$(cat born)" ]; }'
BORN = 'born() { ps -o lstart= -p "$(cat pid)" 2>/dev/null; }'
"""When a process began: after a restart its number may be another's."""


def open_launcher(target: Target) -> Ssh:
    """The launcher of a host.

    Raises:
        UsageError: the host's name is none, or `ssh` or `rsync` is missing here.
    """
    if not target.place:
        raise UsageError("say which machine, as ssh knows it: --on ssh:HOST")
    if _HOST.fullmatch(target.place) is None:
        raise UsageError(f"{target.place!r} is no host that ssh could be given.")
    command = shlex.split(os.environ.get("BRIE_SSH", "")) or ["ssh"]
    for program, package in ((command[0], "openssh-client"), ("rsync", "rsync")):
        if shutil.which(program) is None:
            raise UsageError(
                f"--on ssh needs {program}, which is not here: sudo apt install {package} (Debian), "
                f"brew install {package.partition('-')[0]} (macOS)"
            )
    return Ssh(target, (*command, *_OPTIONS))


class _Has(BaseModel):
    """What `look.py` printed."""

    python: str
    system: str
    cores: int | None
    memory: int | None
    disk: int
    gpus: list[tuple[str, float | None, float | None]]
    """Name, memory in MiB, compute capability; None: not told."""
    mps: bool
    rsync: bool
    packages: dict[str, str | None]
    base: str | None


class Ssh:
    """A machine behind ssh."""

    every = 2.0

    def __init__(self, target: Target, command: tuple[str, ...]) -> None:
        self.target = target
        self._command = command
        self._python = target.python or "python3"

    # --- before ------------------------------------------------------------------------------

    def look(self, load: Load) -> Offer:
        """What the machine has."""
        source = files("brie.remote").joinpath("look.py").read_text("utf-8")
        words = shlex.join([self._python, "-", ",".join(needed()), load.base or "-"])
        answer = self._ssh(words, source, but=(126, 127))
        if answer.returncode:
            why = (
                f"{self.target.place} has no {self._python}; name one: --remote-python /path/to/python, "
                "or install it there: sudo apt install python3-venv (Debian)"
            )
            return Offer("unknown", facts=(Fact("python", f"no {self._python}", why),))
        try:
            has = _Has.model_validate_json(answer.stdout.strip().rpartition(b"\n")[2])
        except ValidationError as error:
            raise UsageError(
                f"{self._python} on {self.target.place} did not say what it has; its shell may print "
                "something when it starts."
            ) from error
        return self._offer(has)

    def _offer(self, has: _Has) -> Offer:
        gpu = has.gpus[0] if has.gpus else None
        memory = has.memory
        if gpu and gpu[1] is not None:  # a GPU that has none of its own shares the machine's
            memory = int(gpu[1] * 2**20)
        named = f"{len(has.gpus)} x {gpu[0]}" if gpu and len(has.gpus) > 1 else gpu[0] if gpu else ""
        machine = f"{has.cores} cores, {size(has.memory or 0)} memory, {has.system}"
        return Offer(
            hardware=f"{named}, {size(memory or 0)}; {machine}" if gpu else machine,
            device="cuda" if gpu else "mps" if has.mps else "cpu",
            gpu=gpu[0] if gpu else None,
            native_bfloat16=gpu[2] >= 8 if gpu and gpu[2] is not None else None,
            disk_bytes=has.disk,
            memory_bytes=memory,
            facts=tuple(self._facts(has)),
        )

    def _facts(self, has: _Has) -> list[Fact]:
        host, old = self.target.place, tuple(map(int, has.python.split(".")[:2])) < _LEAST
        facts = [
            Fact(
                "python",
                f"{has.python} ({self._python})",
                f"brie needs Python 3.11, {host} has {has.python}: --remote-python PATH" if old else "",
            ),
            Fact("packages", _packages(has.packages)),
        ]
        if not has.rsync:
            why = f"{host} has no rsync; install it there: sudo apt install rsync (Debian)"
            facts.append(Fact("rsync", "not there", why))
        if has.base is not None:
            text, refused = _BASE[has.base]
            facts.append(Fact("base", text, refused.format(host=host)))
        return facts

    # --- during ------------------------------------------------------------------------------

    def start(self, job: Job, folder: Path, *, minutes: int | None) -> str:
        """Send everything and start the worker; one that runs already is left alone."""
        there = f"{JOBS}/{job.id}"
        self._shell(f"umask 077; mkdir -p {there}/{OUTBOX}")
        self._rsync([str(folder / WORK), f"{self.target.place}:{there}/"])
        came = sorted(map(str, (folder / OUTBOX).glob("*.zip")))
        if came:
            self._rsync([*came, f"{self.target.place}:{there}/{OUTBOX}/"])
        self._shell(self._begin(job, minutes))
        return there

    def _begin(self, job: Job, minutes: int | None) -> str:
        given = {name: os.environ.get(name, "") for name in self.target.send}
        given |= {"BRIE_PYTHON": self._python} | ({"BRIE_MINUTES": str(minutes)} if minutes else {})
        exports = "; ".join(f"export {name}={shlex.quote(value)}" for name, value in given.items())
        apart = "import os; os.setsid(); os.execvp('sh', ['sh', 'begin.sh'])"
        return f"""
            set -eu; umask 077
            cd {JOBS}/{job.id}
            {BORN}; {_ALIVE}
            if alive; then exit 0; fi
            if [ -f pid ] && ps -A -o pgid=,args= | grep -q "^ *$(cat pid) .*brie"; then
                kill -KILL "-$(cat pid)"
            fi
            rm -f {OUTBOX}/end.json
            echo {shlex.quote(BEGIN)} >begin.sh
            {exports}
            nohup "$BRIE_PYTHON" -c {shlex.quote(apart)} >{log_file(job)} 2>&1 </dev/null &
            echo $! >pid
            born >born || true
        """

    def poll(self, job: Job, *, read: int) -> Poll:
        """How it stands there."""
        script = f"""
            cd {JOBS}/{job.id} 2>/dev/null || {{ echo gone; exit 0; }}
            {BORN}; {_ALIVE}
            if alive; then echo running; else echo ended; fi
            echo $(ls {OUTBOX})
            tail -c +{read + 1} {log_file(job)} 2>/dev/null | head -c {_BLOCK}
        """
        state, _, rest = self._shell(script).partition(b"\n")
        if state == b"gone":
            return Poll("ended", why=f"its folder on {self.target.place} is gone")
        names, _, block = rest.partition(b"\n")
        going = state == b"running"
        if going or len(block) == _BLOCK:  # what is no whole line yet is read the next time
            block = block[: block.rfind(b"\n") + 1] or (block if len(block) > _LINE else b"")
        return Poll(
            "running" if going else "ended",
            text=block.decode("utf-8", "replace"),
            read=read + len(block),
            outbox=tuple(names.decode("utf-8", "replace").split()),
        )

    def fetch(self, job: Job, names: Sequence[str], into: Path) -> None:
        """Copy files of the outbox here."""
        source = f"{self.target.place}:{JOBS}/{job.id}/{OUTBOX}"
        for name in names:
            self._rsync([f"{source}/{name}", f"{into}/"], f"--max-size={MEMBER_BYTES}")
            if not (into / name).is_file():  # rsync passes over it without a word
                raise too_large(name)

    # --- after -------------------------------------------------------------------------------

    def cancel(self, job: Job) -> None:
        """End it: asked first, so that it saves what it has, and killed half a minute later."""
        self._shell(f"""
            cd {JOBS}/{job.id} 2>/dev/null || exit 0
            {BORN}; {_ALIVE}
            alive || exit 0
            kill -TERM "$(cat pid)"
            for second in $(seq 30); do alive || exit 0; sleep 1; done
            kill -KILL "-$(cat pid)"
        """)

    def clear(self, job: Job) -> None:
        """Delete the job's folder there."""
        self._shell(f"rm -rf {JOBS}/{shlex.quote(job.id)}")

    def commands(self, job: Job, *, minutes: int | None) -> tuple[str, ...]:
        """What `start` would run, as people read it."""
        there, host = f"{JOBS}/{job.id}", self.target.place
        ssh = shlex.join([word for word in self._command if word not in _OPTIONS])
        return (
            f"{ssh} {host} mkdir -p {there}/{OUTBOX}",
            f"rsync -e {shlex.quote(ssh)} {WORK} {host}:{there}/",
            f"{ssh} {host} 'cd {there} && nohup {self._python} … brie {shlex.join(job.arguments)}'",
        )

    # --- the two programs --------------------------------------------------------------------

    def _shell(self, script: str) -> bytes:
        return self._ssh("sh -s", script).stdout

    def _ssh(
        self, words: str, text: str, but: tuple[int, ...] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        return self._run([*self._command, "--", self.target.place, words], text.encode(), but)

    def _rsync(self, words: Sequence[str], *options: str) -> None:
        way = [f"--partial-dir={_PARTIAL}", "-e", shlex.join(self._command)]
        self._run(["rsync", "-t", *way, *options, "--", *words], b"", ())

    def _run(
        self, command: Sequence[str], text: bytes, but: tuple[int, ...]
    ) -> subprocess.CompletedProcess[bytes]:
        host = self.target.place
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"{host} did not answer within {_PATIENCE} seconds.") from error
        if done.returncode == 0 or done.returncode in but:
            return done
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        words = one_line(next((line for line in lines if not line.startswith("rsync")), "no word"))
        if _NOBODY.search(done.stderr.decode("utf-8", "replace")):
            raise Unreachable(f"{host} cannot be reached: {words}")
        if "Host key verification failed" in done.stderr.decode("utf-8", "replace"):
            raise UsageError(
                f"ssh does not know the host key of {host}; look at it once: ssh {shlex.quote(host)}"
            )
        raise UsageError(f"{command[0]} to {host} failed (exit code {done.returncode}): {words}")


_BASE = {
    "cached": ("in the Hub's cache there", ""),
    "reachable": ("fetched there; the Hub hands it out", ""),
    "unknown": ("fetched there; whether the Hub hands it out is not known", ""),
    "refused": (
        "the Hub refuses it there",
        "the Hub does not hand the base out to {host}: accept its terms on its page, and log in there: "
        "ssh {host} hf auth login (or --send-env HF_TOKEN)",
    ),
}


def log_file(job: Job) -> str:
    """Name of the log of a job's present attempt."""
    return f"log-{job.attempts}.txt"


def _packages(there: dict[str, str | None]) -> str:
    """What is installed there, and how it differs from here."""
    missing = [name for name, version in there.items() if version is None]
    if missing:
        lacking = f"{len(missing)} of {len(there)} are missing"
        return f"{lacking}: they go into an environment of brie's own there"
    here = versions_here()
    apart = [
        f"{name} {version} (here {here[name]})"
        for name, version in there.items()
        if version and here.get(name) not in (None, version.partition("+")[0])
    ]
    return (
        f"all there; other versions: {', '.join(apart)}"
        if apart
        else "all there, in the versions of here"
    )
