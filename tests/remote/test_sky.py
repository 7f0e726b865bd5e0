"""Machines that SkyPilot rents: the task as its library reads it, and as bash runs it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from brie.errors import UsageError
from brie.remote.jobs import Job, Load
from brie.remote.launcher import Poll, Target, Unreachable
from brie.remote.sky import SkyJobs, open_launcher
from brie.remote.sky_task import Place, task_file
from tests.fakes.sky_cloud import SkyCloud
from tests.remote.work import work_of

LOAD = Load(kind="train", sent_bytes=1_000, memory_bytes=10 * 10**9)
CANARY = "hf_canary-of-a-test-0123456789"
WORKER = """
import json, os, sys, time
from pathlib import Path

outbox = Path(sys.argv[1]) / "outbox"
print("outbox:", sorted(path.name for path in outbox.iterdir()), flush=True)
print("variable:", "MINE" in os.environ, flush=True)
if not (outbox / "checkpoint-000025.zip").exists():
    (outbox / "checkpoint-000025.zip").write_bytes(b"checkpoint")
    time.sleep(600)
(outbox / "result.zip").write_bytes(b"result")
(outbox / "end.json").write_text(json.dumps({"exit_code": 0}))
"""
"""Work that stops for good after its first checkpoint, and goes on from one that it finds."""


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SkyCloud]:
    cloud = SkyCloud(tmp_path / "cloud")
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MINE", CANARY)
    yield cloud
    cloud.end_work()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job's folder, with work whose brie is the few lines above."""
    return work_of(WORKER, tmp_path, needed="pytest")


def launcher(place: str = "runpod/L4", *send: str) -> SkyJobs:
    launched = open_launcher(Target("sky", place, python=sys.executable, send=send))
    launched.every = 0.1
    return launched


def job(handle: str | None = None, attempts: int = 1, usd: float | None = 0.44) -> Job:
    return Job(
        id="job-20261127-0230-3f9a",
        on="sky:runpod/L4",
        kind="train",
        created="2026-11-27T02:30:00",
        command="brie train",
        arguments=("train",),
        subject="a run of tiny",
        load=LOAD,
        usd_an_hour=usd,
        handle=handle,
        attempts=attempts,
    )


def follow(jobs: SkyJobs, going: Job, until: str = "ended") -> tuple[Poll, str]:
    """The last look at a job, and all it logged; `until` a state, or a file in its outbox."""
    text, read = "", 0
    while True:
        poll = jobs.poll(going, read=read)
        text, read = text + poll.text, poll.read
        if until in (poll.state, *poll.outbox):
            return poll, text
        time.sleep(0.2)


def test_a_task_runs_as_written_and_goes_on_from_what_came_back(cloud: SkyCloud, folder: Path) -> None:
    jobs = launcher("runpod/L4", "MINE")
    going = job(jobs.start(job(), folder, minutes=90))
    poll, text = follow(jobs, going, until="checkpoint-000025.zip")
    assert poll.state == "running"
    jobs.fetch(going, poll.outbox, folder / "outbox")
    cloud.end_work()
    poll, more = follow(jobs, going)
    assert (poll.state, poll.why) == ("ended", "the machine ended it, as when its memory is full")
    assert "outbox: []" in text + more
    assert "variable: True" in text + more

    again = job(jobs.start(going.model_copy(update={"attempts": 2}), folder, minutes=90), attempts=2)
    poll, text = follow(jobs, again)
    assert "outbox: ['checkpoint-000025.zip']" in text
    assert (poll.state, poll.why) == ("ended", "")
    assert poll.outbox == ("checkpoint-000025.zip", "end.json", "result.zip")
    jobs.fetch(again, poll.outbox, folder / "outbox")
    assert json.loads((folder / "outbox/end.json").read_text()) == {"exit_code": 0}
    jobs.clear(again)
    assert cloud.told()["up"] is None
    assert jobs.poll(again, read=0).why == "the machine is gone"
    for path in [*folder.rglob("*"), *cloud.folder.rglob("*")]:
        assert not path.is_file() or CANARY.encode() not in path.read_bytes()


def test_a_cancelled_job_has_ended(cloud: SkyCloud, folder: Path) -> None:
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=10))
    jobs.cancel(going)
    poll, _ = follow(jobs, going)
    assert poll.why == "cancelled"


def test_a_machine_that_cannot_be_reached_is_asked_again_while_skypilot_has_it(
    cloud: SkyCloud, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=10))
    monkeypatch.setenv("BRIE_SSH", "false")
    with pytest.raises(Unreachable):
        jobs.poll(going, read=0)


def test_a_search_for_a_machine_is_waited_for_and_ended(cloud: SkyCloud, folder: Path) -> None:
    jobs = launcher()
    going = job(jobs.start(job(), folder, minutes=10))
    cloud.end_work()
    cloud.keep({**cloud.told(), "up": None, "jobs": [], "request": "RUNNING"})
    assert jobs.poll(going, read=0).state == "waiting"
    jobs.cancel(going)
    assert jobs.poll(going, read=0) == Poll("ended", why="no machine was started: sky api logs 0a1b2c3d")


def test_the_table_tells_what_the_clouds_that_are_set_up_ask_for_it(cloud: SkyCloud) -> None:
    offer = launcher("L4").look(LOAD)
    assert (offer.gpu, offer.device, offer.timeout) == ("L4", "cuda", True)
    assert offer.usd_an_hour == 0.8  # Lambda is not set up, and of AWS's the cheaper one is meant
    assert offer.memory_bytes == 22 * 2**30
    rows = {fact.label: fact.text for fact in offer.facts}
    assert rows["clouds"] == "aws, runpod"
    assert rows["offers"] == "from $0.44 an hour; none dearer than $0.80 is taken"
    assert launcher("runpod/L4").look(LOAD).usd_an_hour == 0.44
    assert launcher("cpu").look(LOAD).price_unknown.startswith("unknown")


def test_what_is_missing_is_said_before_anything_starts(
    cloud: SkyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="SkyPilot rents no 1 x L5"):
        launcher("L5").look(LOAD)
    for place in ("", "L4:0", "run pod/L4", "-L4"):
        with pytest.raises(UsageError, match="--on sky:L4"):
            launcher(place)
    cloud.keep({**cloud.told(), "clouds": {"default": {}}})
    (refused,) = [fact.refused for fact in launcher().look(LOAD).facts if fact.refused]
    assert "sky check says" in refused
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match=r"pipx install 'skypilot\[runpod\]'"):
        launcher()


def test_the_task_has_no_value_of_a_variable_and_no_machine_dearer_than_agreed(
    cloud: SkyCloud, folder: Path
) -> None:
    (folder / "outbox/checkpoint-000025.zip").write_bytes(b"checkpoint")
    target = Target("sky", "runpod/L4", send=("MINE",))
    text = task_file(job(), folder, Place("runpod", "L4", 1), target, minutes=90)
    task = yaml.safe_load(text)
    assert task["resources"] == {
        "infra": "runpod",
        "accelerators": "L4:1",
        "max_hourly_cost": 0.44,
        "disk_size": 100,
        "autostop": {"idle_minutes": 60, "down": True, "wait_for": "jobs"},
    }
    assert task["secrets"] == {"MINE": None}
    assert sorted(map(str, task["file_mounts"].values())) == [
        str(folder / "outbox/checkpoint-000025.zip"),
        str(folder / "work.zip"),
    ]
    assert "timeout --foreground -k 120 5400" in task["run"]
    lines = launcher("runpod/L4", "MINE").commands(job(), minutes=90)
    assert lines[-1].startswith(
        "sky launch --async --yes --cluster brie-20261127-0230-3f9a --secret MINE"
    )
    assert CANARY not in text + "\n".join(lines)


def test_setup_brings_a_python_by_uv_and_only_once(folder: Path, tmp_path: Path) -> None:
    text = task_file(job(), folder, Place(None, None), Target("sky", "cpu"), minutes=None)
    programs, home = tmp_path / "bin", tmp_path / "home"
    programs.mkdir()
    home.mkdir()
    uv = programs / "uv"
    uv.write_text(
        '#!/bin/sh\necho "$@" >>"$HOME/uv.log"\n'
        'for last; do :; done\nmkdir -p "$last/bin"\n'
        f'ln -s {sys.executable} "$last/bin/python"\n'
    )
    uv.chmod(0o755)
    env = {"HOME": str(home), "PATH": f"{programs}:/usr/bin:/bin"}
    for _ in range(2):
        subprocess.run(["bash", "-c", yaml.safe_load(text)["setup"]], env=env, check=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    made = (home / "uv.log").read_text().split()
    assert made == ["venv", "--quiet", "--seed", "--python", version, f"{home}/.cache/brie/python"]


PARSE = """
import json, sys
import sky
task = sky.Task.from_yaml(sys.argv[1])
(resources,) = task.resources
idle = resources.autostop_config
print(json.dumps([task.name, task.num_nodes, resources.accelerators, task.setup, task.run,
                  task.file_mounts, idle.idle_minutes, idle.down]))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("sky") is None and shutil.which("sky") is None,
    reason="SkyPilot is not installed: pip install 'skypilot==0.14.1', here or anywhere on the path",
)
@pytest.mark.parametrize(
    "place", [Place("runpod", "L4", 2), Place("aws/us-east-1", "A100", 1), Place(None, None)]
)
def test_skypilot_itself_reads_the_task(place: Place, folder: Path, tmp_path: Path) -> None:
    target = Target("sky", "L4", send=("HF_TOKEN",))
    file = tmp_path / "sky.yaml"
    file.write_text(task_file(job(), folder, place, target, minutes=90), "utf-8")
    python = sys.executable
    if importlib.util.find_spec("sky") is None:
        python = Path(str(shutil.which("sky"))).read_text().splitlines()[0].removeprefix("#!")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([python, "-c", PARSE, str(file)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    name, nodes, gpus, setup, run, mounts, idle, down = json.loads(done.stdout.splitlines()[-1])
    written = yaml.safe_load(file.read_text())
    assert (name, nodes, idle, down) == ("brie-20261127-0230-3f9a-1", 1, 60, True)
    assert gpus == ({place.gpu: place.many} if place.gpu else None)
    assert (setup.strip(), run.strip()) == (written["setup"].strip(), written["run"].strip())
    assert mounts == written["file_mounts"]
