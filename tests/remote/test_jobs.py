"""Whole jobs on a real sshd: sent, held half-way, cut off, killed, gone on with, ended."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.evaluation.choice import first_evaluation
from brie.project import Project
from brie.train.runs import checkpoints, list_runs
from tests.commands import brie
from tests.remote.conftest import Machine, needs_ssh
from tests.remote.jobs import ON, TRAIN, Command, alive, only_job, pins
from tests.train.world import make_project, weights

pytestmark = [needs_ssh, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "here")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same run, made here."""
    made = make_project(tmp_path_factory.mktemp("local") / "here")
    done = brie(made.root, *TRAIN)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(autouse=True)
def clean(box: Machine) -> Iterator[None]:
    """A machine on which nothing was told to go on, or to be killed."""
    yield
    for name in ("go", "kill"):
        (box.home / name).unlink(missing_ok=True)
    shutil.rmtree(box.jobs, ignore_errors=True)


def process_of(box: Machine) -> int:
    """The number of the one job's process there."""
    (file,) = box.jobs.glob("job-*/pid")
    return int(file.read_text())


def same_as_local(project: Project, local: Project) -> bool:
    (here,), (there,) = list_runs(local), list_runs(project)
    same = weights(here.folder) == weights(there.folder)
    return same and pins(project) == pins(local) and here.manifest.digests == there.manifest.digests


def test_a_cut_link_changes_nothing_and_the_run_comes_back_as_if_made_here(
    project: Project, local: Project, box: Machine, held_python: str, env: dict[str, str]
) -> None:
    on = (*ON, "--remote-python", held_python, "--send-env", "GIVEN", "--name", "far", "--yes")
    env = {**env, "GIVEN": "to be sent", "HF_TOKEN": "stays-where-it-is-1"}
    command = Command(project.root, *TRAIN, *on, env=env)
    command.until("step 4 is here")
    pid = process_of(box)
    variables = Path(f"/proc/{pid}/environ").read_text()
    assert "GIVEN=to be sent" in variables
    assert "stays-where-it-is" not in variables
    box.down()
    command.until("the link is cut")
    command.end(signal.SIGKILL)
    assert alive(pid)
    box.up()
    (box.home / "go").touch()
    assert only_job(project).state == "running"
    done = brie(project.root, "jobs", "attach", only_job(project).id, env=env)
    assert done.returncode == 0, done.stderr
    assert "step 12 is here" in done.stderr
    assert only_job(project).state == "done"
    assert same_as_local(project, local)
    (run,) = list_runs(project)
    assert run.manifest.config.train.path == "rows.jsonl"
    assert not [path for path in run.folder.rglob("*") if path.suffix in (".pt", ".pth", ".bin")]
    assert f"brie {' '.join(TRAIN)}" in run.manifest.command
    assert run.suite is not None
    assert "--suite" in first_evaluation(run, project)
    assert not list(box.jobs.iterdir())


def test_a_killed_job_goes_on_from_the_last_checkpoint_that_came_back(
    project: Project, local: Project, box: Machine, held_python: str, env: dict[str, str]
) -> None:
    command = Command(project.root, *TRAIN, *ON, "--remote-python", held_python, "--yes", env=env)
    command.until("step 4 is here")
    (box.home / "kill").touch()
    code, said = command.end()
    assert code == 3
    assert "ended without a word; step 4 came back" in " ".join(said.split())
    assert only_job(project).state == "lost"
    shutil.rmtree(box.jobs)  # the machine is another one
    (box.home / "kill").unlink()
    (box.home / "go").touch()
    again = ("jobs", "attach", only_job(project).id.rpartition("-")[2])
    refused = brie(project.root, *again, env=env)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    done = brie(project.root, *again, "--yes", env=env)
    assert done.returncode == 0, done.stderr
    assert "brie train --resume train-tiny-" in done.stderr
    assert "step 4:" not in done.stderr
    assert same_as_local(project, local)
    (run,) = list_runs(project)
    assert len(run.manifest.resumed) == 1
    assert sorted(checkpoints(run.folder)) == [4, 8, 12]


def test_ctrl_c_detaches_and_cancel_ends_it_there(
    project: Project, box: Machine, held_python: str, env: dict[str, str]
) -> None:
    command = Command(project.root, *TRAIN, *ON, "--remote-python", held_python, "--yes", env=env)
    command.until("step 4 is here")
    code, said = command.end(signal.SIGINT)
    job = only_job(project)
    assert code == 3
    assert f"brie jobs attach {job.id}" in " ".join(said.split())
    pid = process_of(box)
    assert alive(pid)
    (listed,) = json.loads(brie(project.root, "jobs", "--json").stdout)
    assert (listed["id"], listed["state"], listed["schema"]) == (job.id, "running", "brie.job/1")
    done = brie(project.root, "jobs", "cancel", job.id, env=env)
    assert done.returncode == 0, done.stderr
    assert "step 4 came back" in done.stdout
    assert not alive(pid)
    assert not list(box.jobs.iterdir())
    assert only_job(project).state == "cancelled"
    again = brie(project.root, "jobs", "attach", job.id, "--yes", env=env)
    assert (again.returncode, "was cancelled" in again.stderr) == (2, True)
    assert not list_runs(project)
