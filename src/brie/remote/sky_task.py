"""The SkyPilot task of a job: a machine, what is copied there, and the shell's words that do the work.

The folder is the one that a job behind ssh has, with the same files in it, so that the same code
looks at it. `setup` brings a Python; `run` does what every job begins with.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from brie.remote.jobs import Job
from brie.remote.launcher import BEGIN, OUTBOX, WORK, Target
from brie.remote.ssh import BORN, JOBS, log_file

IDLE_MINUTES = 60
"""After the end of its work a machine is kept for so long, for the results to be fetched."""
CORES, MEMORY_GB = 4, 16
"""Of a machine without a GPU, at least."""
DISK_GB = 100
"""At least; base, packages and checkpoints."""
SAVING_SECONDS = 120
"""After the limit, for the work to save what it has."""
_PYTHON = "$HOME/.cache/brie/python"


class Place(NamedTuple):
    """Which machine."""

    infra: str | None
    """Cloud, or cloud and region, as SkyPilot names them; None: any that is set up."""
    gpu: str | None
    """None: no GPU."""
    many: int = 1


def task_file(job: Job, folder: Path, place: Place, target: Target, *, minutes: int | None) -> str:
    """The task as SkyPilot reads it, YAML.

    Args:
        job: whose; its name there holds the number of the attempt.
        folder: the job's, here.
        place: which machine.
        target: which Python and which variables.
        minutes: after how long the work ends; None: never.
    """
    there = f"~/{JOBS}/{job.id}"
    mounts = {f"{there}/{WORK}": str((folder / WORK).resolve())}
    for path in sorted((folder / OUTBOX).glob("*.zip")):
        mounts[f"{there}/{OUTBOX}/{path.name}"] = str(path.resolve())
    parts = [
        f"name: {_text(attempt_name(job))}\nnum_nodes: 1\n",
        _mapping("resources", _resources(job, place)),
        _mapping("file_mounts", mounts),
        _mapping("secrets", dict.fromkeys(target.send)) if target.send else "",
        _block("setup", _setup(target)),
        _block("run", _run(job, target, minutes)),
    ]
    return "".join(parts)


def cluster_name(job: Job) -> str:
    """What SkyPilot calls the machine of a job, and `ssh` too."""
    return f"brie-{job.id.removeprefix('job-')}"


def attempt_name(job: Job) -> str:
    """What SkyPilot calls an attempt."""
    return f"{cluster_name(job)}-{job.attempts}"


def _resources(job: Job, place: Place) -> dict[str, JsonValue]:
    wanted: dict[str, JsonValue] = {}
    if place.infra is not None:
        wanted["infra"] = place.infra
    if place.gpu is None:
        wanted |= {"cpus": f"{CORES}+", "memory": f"{MEMORY_GB}+"}
    else:
        wanted["accelerators"] = f"{place.gpu}:{place.many}"
    if job.usd_an_hour:
        wanted["max_hourly_cost"] = job.usd_an_hour
    wanted["disk_size"] = DISK_GB
    wanted["autostop"] = {"idle_minutes": IDLE_MINUTES, "down": True, "wait_for": "jobs"}
    return wanted


def _setup(target: Target) -> str:
    if target.python is not None:
        return f"{shlex.quote(target.python)} --version"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"""set -eu
export PATH="$HOME/.local/bin:$PATH"
command -v uv >/dev/null || python3 -m pip install --quiet --user uv
[ -x "{_PYTHON}/bin/python" ] || uv venv --quiet --seed --python {version} "{_PYTHON}\""""


def _run(job: Job, target: Target, minutes: int | None) -> str:
    python = f'"{_PYTHON}/bin/python"' if target.python is None else shlex.quote(target.python)
    limit = f"timeout --foreground -k {SAVING_SECONDS} {minutes * 60} " if minutes is not None else ""
    return f"""set -eu -o pipefail
umask 077
cd "$HOME/{JOBS}/{job.id}"
mkdir -p {OUTBOX}
rm -f {OUTBOX}/end.json
export PATH="$HOME/.local/bin:$PATH" BRIE_PYTHON={python} PYTHONUNBUFFERED=1
{BORN}
echo $$ >pid
born >born || true
{limit}sh -c {shlex.quote(BEGIN)} 2>&1 | tee {log_file(job)}"""


def _mapping(key: str, values: Mapping[str, JsonValue]) -> str:
    """A mapping; its values are JSON, which is YAML."""
    lines = (f"  {_text(name)}: {json.dumps(value)}\n" for name, value in values.items())
    return f"{key}:\n{''.join(lines)}"


def _text(value: str) -> str:
    return value if value.replace("-", "").replace("_", "").isalnum() else json.dumps(value)


def _block(key: str, text: str) -> str:
    """Lines as they are."""
    return f"{key}: |\n" + "".join(f"  {line}\n" for line in text.splitlines())
