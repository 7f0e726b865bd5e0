"""Several processes: how many there are, and whether that was meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from brie.data.encode import IGNORED, Encoded
from brie.errors import UsageError
from brie.project import Project
from brie.train.build import evened
from brie.train.micro_batch import fit_micro_batch
from brie.train.progress import Silent
from brie.train.ranks import World, world
from brie.train.recipes import Recipe
from brie.train.runs import list_runs, read_manifest
from tests.train.world import SETTINGS, demo_rows, make_project

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(name, raising=False)


def test_one_process_is_the_first_of_one() -> None:
    assert world() == World(0, 1)
    assert world(1).first


def test_a_launchers_processes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert world(4) == World(3, 4)
    assert not world().first


def test_fewer_than_asked_for_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"2 processes were asked for, 1 started; .*torchrun"):
        world(2)


def test_accelerate_starting_one_of_two_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `accelerate launch --cpu --num_processes 2` leaves in the environment without MPI."""
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    with pytest.raises(UsageError, match="asked for several processes and started one"):
        world()


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "expected"),
    [(16, 16, 2, 8), (8, 2, 4, 2), (12, 4, 2, 3), (8, 8, 1, 8)],
)
def test_the_effective_batch_stays_whatever_the_number_of_processes(
    batch: int, micro: int, processes: int, expected: int
) -> None:
    recipe = Recipe(name="x", base="tiny", batch_size=batch, micro_batch_size=micro)
    assert fit_micro_batch(recipe, processes, Silent()).micro_batch_size == expected


def test_a_batch_that_does_not_divide_is_refused() -> None:
    recipe = Recipe(name="x", base="tiny", batch_size=8, micro_batch_size=1)
    with pytest.raises(UsageError, match="--set batch_size=6"):
        fit_micro_batch(recipe, 3, Silent())


@pytest.mark.parametrize(("batch", "processes", "enough"), [(2, 2, 4), (6, 2, 8), (3, 1, 4)])
def test_kto_leaves_no_process_with_rows_alone(batch: int, processes: int, enough: int) -> None:
    recipe = Recipe(name="x", base="tiny", method="kto", batch_size=batch).model_copy(
        update={"micro_batch_size": 2}
    )
    with pytest.raises(UsageError, match=f"--set batch_size={enough}$"):
        fit_micro_batch(recipe, processes, Silent())
    whole = recipe.model_copy(update={"batch_size": enough})
    assert fit_micro_batch(whole, processes, Silent()).micro_batch_size > 1


def test_rows_are_evened_out_with_rows_that_teach_nothing() -> None:
    rows = [Encoded(line=i, ids=[i, i, i], labels=[i, i, i], length=3, cut="whole") for i in range(5)]
    filled = evened(rows, 4)
    assert filled[:5] == rows
    assert len(filled) == 8
    assert all(label == IGNORED for row in filled[5:] for label in row.labels)
    assert evened(rows, 5) == rows


def launch(project: Project, *launcher: str) -> subprocess.CompletedProcess[str]:
    """`brie train` under a launcher, one epoch."""
    settings = (*SETTINGS, "max_steps=none", "epochs=1", "dropout=0")
    command = [*launcher, "-m", "brie", "train", "--size", "tiny", "--data", "rows.jsonl"]
    command += [part for setting in settings for part in ("--set", setting)]
    return subprocess.run(
        command,
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
def test_two_processes_make_one_run_see_each_row_once_and_learn_the_same(tmp_path: Path) -> None:
    rows = demo_rows(101)  # not a multiple of the batch: the last one is uneven
    pair, single = (make_project(tmp_path / name, rows) for name in ("pair", "single"))
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2")
    for project, launcher in ((pair, torchrun), (single, (sys.executable,))):
        done = launch(project, *launcher)
        assert done.returncode == 0, done.stderr
    (run,), (alone,) = list_runs(pair), list_runs(single)
    manifest, expected = read_manifest(run.folder), read_manifest(alone.folder)
    assert manifest.state == "complete"
    assert manifest.config.device.count == 2
    assert manifest.step == manifest.config.planned_steps == expected.step
    assert manifest.tokens == manifest.config.train.tokens == expected.tokens
    assert {e.tokens for e in manifest.evaluations} == {manifest.config.val.learned_tokens}
    losses = [e.loss for e in manifest.evaluations]
    assert losses[-1] < losses[0]
    assert losses == pytest.approx([e.loss for e in expected.evaluations], rel=0.05)
    assert len(list((run.folder / "tensorboard").iterdir())) == 1


@pytest.mark.slow
def test_accelerate_on_a_cpu_is_told_to_use_torchrun(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    launcher = "from accelerate.commands.accelerate_cli import main; main()"
    done = launch(project, sys.executable, "-c", launcher, "launch", "--cpu", "--num_processes", "2")
    assert done.returncode != 0
    assert "started one (it needs MPI" in done.stderr
    assert not list_runs(project)
