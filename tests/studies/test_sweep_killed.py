"""kill -9 at five moments of a sweep: the same runs, the same digests, nothing trained twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from brie.project import Project
from brie.train.config import RunManifest
from brie.train.runs import list_runs
from brie.train.sweep_files import sweeps
from tests.commands import brie
from tests.train.world import demo_rows, make_project

WORDS = (
    "train", "--size", "tiny", "--data", "rows.jsonl", "--name", "killed", "--seeds", "2",
    "--set", "r=2,4", "--set", "max_steps=6", "--set", "checkpoint_steps=2", "--set", "dropout=0.1",
)  # fmt: skip

Moment = Callable[[Project], bool]


def sealed(project: Project) -> bool:
    """The plan is there, no run is."""
    return bool(sweeps(project))


def first_checkpoint(project: Project) -> bool:
    return any(project.runs.glob("train-*/checkpoints/checkpoint-002/optimizer.pt"))


def first_run_pinned(project: Project) -> bool:
    """A run is complete; the sweep may not have noted it yet."""
    return any(project.runs.glob("train-*/pins/last.json"))


def second_run_begun(project: Project) -> bool:
    return len(list_runs(project)) == 2


def last_run_half_done(project: Project) -> bool:
    runs = list_runs(project)
    return len(runs) == 4 and len(runs[-1].manifest.checkpoints) > 0


MOMENTS: tuple[Moment, ...] = (
    sealed,
    first_checkpoint,
    first_run_pinned,
    second_run_begun,
    last_run_half_done,
)


def outcome(project: Project) -> dict[str, dict[str, str]]:
    """Identity of each run -> digests of all its checkpoints and pins."""
    manifests: list[RunManifest] = [run.manifest for run in list_runs(project)]
    return {
        m.identity: m.digests | {which: pin.digest for which, pin in m.pins.items()} for m in manifests
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What the sweep gives where nothing stops it."""
    project = make_project(tmp_path_factory.mktemp("whole"), demo_rows(60))
    assert brie(project.root, *WORDS).returncode == 0
    return outcome(project)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_a_sweep_that_was_killed_goes_on_to_the_same_runs(
    moment: Moment, whole: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project", demo_rows(60))
    process = subprocess.Popen(
        [sys.executable, "-m", "brie", *WORDS],
        cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None:
        os.killpg(process.pid, signal.SIGSTOP)  # It does not go on while this test looks.
        if moment(project):
            break
        os.killpg(process.pid, signal.SIGCONT)
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = {run.id: run.manifest for run in list_runs(project) if run.state == "complete"}
    again = brie(project.root, "train", "--resume", "killed")
    assert again.returncode == 0, again.stderr
    assert outcome(project) == whole
    runs = {run.id: run.manifest for run in list_runs(project)}
    assert len(runs) == 4
    assert {name: runs[name] for name in before} == before
    done = sweeps(project)[0].done
    assert sorted(run.run for run in done.values()) == sorted(runs)
