"""Two processes that talk by gloo, each with all weights or half of them: one run, equal weights."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import torch
from safetensors.torch import load_file

from brie.digest import file_digest
from brie.pin import ADAPTER_WEIGHTS
from brie.project import Project
from brie.records import Message
from brie.train.config import RunManifest
from brie.train.runs import checkpoints, list_runs, read_manifest
from tests.train.world import demo_rows, make_project, prompts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
SETTINGS = ("batch_size=8", "micro_batch_size=2", "max_length=128", "checkpoint_steps=4", "dropout=0")
SHARDED = ("--gpus", "2", "--fsdp")
OFTEN = ("checkpoint_steps=2",)


def make(folder: Path) -> Project:
    """A project whose rows fill batches evenly, so that no row is added for it."""
    rows = demo_rows(128)
    train = rows[:96]
    project = make_project(folder, train)
    asked = set(prompts(train))
    held = [row for row in rows[96:] if not asked & set(prompts([row]))]
    (project.root / "held.jsonl").write_text("\n".join(held) + "\n", encoding="utf-8")
    return project


def command(*options: str, steps: int = 8, settings: tuple[str, ...] = ()) -> list[str]:
    words = ["train", "--size", "tiny", "--data", "rows.jsonl", "--val", "held.jsonl", "--device", "cpu"]
    words += options
    return words + [f"--set={setting}" for setting in (*SETTINGS, f"max_steps={steps}", *settings)]


@contextmanager
def running(project: Project, words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """`brie` in a process of its own, which is ended with the block."""
    launcher = [sys.executable, "-m", "brie"] if words[0] == "train" else [sys.executable, *words]
    arguments = words if words[0] == "train" else []
    with subprocess.Popen(
        [*launcher, *arguments],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def run(project: Project, words: list[str]) -> RunManifest:
    with running(project, words) as process:
        said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said
    return only_run(project)


def only_run(project: Project) -> RunManifest:
    (info,) = list_runs(project)
    return read_manifest(info.folder)


def folder_of(project: Project, step: int) -> Path | None:
    """A checkpoint, once it is whole."""
    found = [checkpoints(run.folder).get(step) for run in list_runs(project)]
    return found[0] if found else None


def until_saved(project: Project, step: int, process: subprocess.Popen[str]) -> None:
    while folder_of(project, step) is None:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def weights(project: Project, step: int) -> dict[str, torch.Tensor]:
    folder = folder_of(project, step)
    assert folder is not None
    loaded: dict[str, torch.Tensor] = load_file(folder / ADAPTER_WEIGHTS)
    return loaded


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("alone"))
    run(project, command())
    return project


@pytest.mark.parametrize(
    ("options", "settings", "strategy"),
    [
        (("--gpus", "2"), (), "ddp"),
        (SHARDED, (), "fsdp2"),
        (SHARDED, ("gradient_checkpointing=true",), "fsdp2"),
    ],
)
def test_two_processes_learn_what_one_does(
    alone: Project, tmp_path: Path, options: tuple[str, ...], settings: tuple[str, ...], strategy: str
) -> None:
    pair = make(tmp_path)
    manifest, expected = run(pair, command(*options, settings=settings)), only_run(alone)
    assert (manifest.config.device.count, manifest.config.device.strategy) == (2, strategy)
    assert manifest.config.recipe.batch_size == expected.config.recipe.batch_size
    assert manifest.config.accumulation * 2 == expected.config.accumulation
    for now, before in zip(manifest.history, expected.history, strict=True):
        assert now.loss == pytest.approx(before.loss, rel=1e-4)
        assert now.grad_norm == pytest.approx(before.grad_norm, rel=1e-3)
        assert now.tokens == before.tokens
    losses, wanted = ([point.loss for point in m.evaluations] for m in (manifest, expected))
    assert losses == pytest.approx(wanted, rel=1e-4)
    mine, theirs = weights(pair, 8), weights(alone, 8)
    assert mine.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(mine[name], tensor, rtol=1e-3, atol=1e-5)


def test_an_adapter_that_was_gathered_answers(tmp_path: Path) -> None:
    from brie.generate.environment import detect_environment
    from brie.generate.local import TransformersEngine
    from brie.pin import open_base

    project = make(tmp_path)
    run(project, command(*SHARDED, settings=("learning_rate=1e-2",)))
    base, _, _ = open_base("tiny", project.root)
    adapter = folder_of(project, 8)
    assert adapter is not None
    environment, _ = detect_environment("cpu")
    with TransformersEngine.load(base, environment, {"tuned": adapter}) as engine:
        assert not engine.idle
        assert engine.encoder("tuned").encode((Message(role="user", content="Hello"),))


def stop_after(project: Project, words: list[str], step: int) -> None:
    """Run until a checkpoint is whole, then press Ctrl-C."""
    with running(project, words) as process:
        until_saved(project, step, process)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=280)
    assert process.returncode == 3, said


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A sharded run whose second process was killed after the first checkpoint."""
    project = make(tmp_path_factory.mktemp("killed"))
    with running(project, command(*SHARDED, "--name", "pair", settings=OFTEN, steps=200)) as process:
        until_saved(project, 2, process)
        children = psutil.Process(process.pid).children()
        next(child for child in children if child.environ()["RANK"] == "1").kill()
        said, _ = process.communicate(timeout=280)
    assert process.returncode == 3, said
    assert "another process of this run has ended" in " ".join(said.split())
    return project


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same run, never disturbed until its second checkpoint."""
    project = make(tmp_path_factory.mktemp("whole"))
    stop_after(project, command(*SHARDED, settings=OFTEN, steps=200), 4)
    return project


def test_a_killed_process_costs_what_came_after_the_last_checkpoint(
    killed: Project, whole: Project, tmp_path: Path
) -> None:
    again = Project(tmp_path / "again")
    shutil.copytree(killed.root, again.root)
    stop_after(again, ["train", "--resume", "pair", "--device", "cpu", "--gpus", "2"], 4)
    digests = [file_digest(Path(str(folder_of(p, 4))) / ADAPTER_WEIGHTS) for p in (whole, again)]
    assert digests[0] == digests[1]


def test_a_sharded_run_goes_on_in_one_process(killed: Project, whole: Project, tmp_path: Path) -> None:
    alone = Project(tmp_path / "alone")
    shutil.copytree(killed.root, alone.root)
    go_on = ["train", "--resume", "pair", "--device", "cpu", "--set", "sharding=none"]
    stop_after(alone, go_on, 4)
    mine = weights(alone, 4)
    for name, tensor in weights(whole, 4).items():
        torch.testing.assert_close(mine[name], tensor, rtol=1e-3, atol=1e-5)


def test_accelerate_starts_a_sharded_run_with_the_config_that_ships(tmp_path: Path) -> None:
    project = make(tmp_path)
    config = str(ROOT / "recipes" / "accelerate" / "fsdp2.yaml")
    start = ["-m", "accelerate.commands.accelerate_cli", "launch", "--config_file", config]
    manifest = run(project, [*start, "--num_processes", "2", "-m", "brie", *command(steps=4)])
    assert manifest.config.device.strategy == "fsdp2"
    assert manifest.config.recipe.sharding == "fsdp"
    assert manifest.config.dtype.value == "float32"
