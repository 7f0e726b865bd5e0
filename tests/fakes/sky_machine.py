"""What the stand-ins of `sky` and `ssh` do: `sky_machine.py FOLDER sky|ssh ARGUMENT...`."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

REAPER = """
import subprocess, sys
work = subprocess.Popen(["bash", "-c", sys.argv[1]], start_new_session=True)
print(work.pid, file=sys.stderr, flush=True)
work.wait()
"""
"""Starts the work, and takes notice of its end, as a machine's first process does."""
REQUEST = "0a1b2c3d-0000-4000-8000-000000000000"


def main(folder: Path, name: str, words: list[str]) -> None:
    """Do as the program would."""
    if name == "ssh":
        _ssh(folder / "home", words)
    told = json.loads((folder / "state.json").read_text("utf-8"))
    told["calls"].append(words)
    _sky(folder, told, words)
    (folder / "state.json").write_text(json.dumps(told), "utf-8")


def _ssh(home: Path, words: list[str]) -> None:
    """Run a command in the machine's home; nobody answers where there is no machine."""
    while words[0].startswith("-"):
        words = words[1:] if words[0] == "--" else words[2:]
    host, *command = words
    told = json.loads((home.parent / "state.json").read_text("utf-8"))
    if told["up"] != host:
        sys.exit(f"ssh: Could not resolve hostname {host}: Temporary failure in name resolution")
    os.chdir(home)
    os.execve("/bin/sh", ["sh", "-c", " ".join(command)], {**os.environ, "HOME": str(home)})


def _sky(folder: Path, told: dict[str, Any], words: list[str]) -> None:
    up, jobs = told["up"], told["jobs"]
    match words:
        case ["check", "--output", "json", *named]:
            clouds = told["clouds"]["default"].items()
            _answer({"default": {cloud: can for cloud, can in clouds if _is(cloud, named)}})
        case ["gpus", "list", gpu, "--output", "json", *infra]:
            name, machines = gpu.partition(":")[0], told["machines"]
            meant = [entry for entry in machines.get(name, []) if _is(entry["cloud"], infra[1:])]
            _answer({name: meant} if meant else {})
        case ["launch", "--async", "--yes", "--cluster", cluster, *rest]:
            told["up"] = cluster
            jobs.append(_start(folder, Path(rest[-1]), rest[:-1], len(jobs) + 1))
            print(f"Submitted sky.launch request: {REQUEST}")
        case ["status", cluster, *_]:
            print("Clusters")
            _answer([{"name": cluster, "status": "UP"}] if cluster == up else [])
        case ["queue", cluster, *_]:
            print(f"Fetching job queue for: {cluster}")
            _answer({cluster: [{**job, "status": _status(folder, job)} for job in jobs]})
        case ["cancel", "--yes", "--all", _]:
            for job in jobs:
                _kill(job)
                job["cancelled"] = True
        case ["down", "--yes", cluster]:
            told["up"] = None if cluster == up else up
        case ["api", "status", *_]:
            _answer([{"request_id": REQUEST, "status": told.get("request", "SUCCEEDED")}])
        case ["api", "cancel", *_]:
            told["request"] = "CANCELLED"
        case _:
            sys.exit(f"sky: not played: {words}")


def _is(cloud: str, named: list[str]) -> bool:
    return not named or cloud.lower() == named[0].partition("/")[0]


def _start(folder: Path, file: Path, given: list[str], number: int) -> dict[str, Any]:
    import yaml

    task = yaml.safe_load(file.read_text("utf-8"))
    home = folder / "home"
    for target, source in task["file_mounts"].items():
        path = home / target.removeprefix("~/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
    setup, run = (shlex.join(["bash", "-c", task[part]]) for part in ("setup", "run"))
    script = f"{setup} && {run}\necho $? >{folder}/exit-{number}\n"
    names = [name for option, name in pairwise(given) if option == "--secret"]
    env = {"HOME": str(home), "PATH": os.environ["PATH"]} | {name: os.environ[name] for name in names}
    with (folder / f"sky-{number}.log").open("w") as log:
        reaper = subprocess.Popen(
            [sys.executable, "-S", "-c", REAPER, f"exec 2>&1\n{script}"],
            cwd=home,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    assert reaper.stderr is not None
    pid = int(reaper.stderr.readline())
    return {"job_id": number, "job_name": task["name"], "pid": pid, "cancelled": False}


def _status(folder: Path, job: dict[str, Any]) -> str:
    if job["cancelled"]:
        return "CANCELLED"
    code = folder / f"exit-{job['job_id']}"
    if code.exists():
        return "SUCCEEDED" if code.read_text().strip() == "0" else "FAILED"
    try:
        os.kill(job["pid"], 0)
    except ProcessLookupError:
        return "FAILED_DRIVER"
    return "RUNNING"


def _kill(job: dict[str, Any]) -> None:
    try:
        os.killpg(job["pid"], signal.SIGKILL)
    except ProcessLookupError:
        return


def _answer(value: Any) -> None:
    print(json.dumps(value, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
