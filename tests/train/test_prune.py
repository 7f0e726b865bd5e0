"""Pruning: optimizer states first, checkpoints only if asked, never one that something names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brie.digest import digest, file_digest
from brie.errors import UsageError
from brie.project import Project
from brie.records import BaseModelRef
from brie.train.config import (
    DataPart,
    Decided,
    DeviceInfo,
    RunManifest,
    State,
    TemplateInfo,
    TrainConfig,
)
from brie.train.prune import apply_prune, plan_prune
from brie.train.recipes import Recipe
from brie.train.runs import RunInfo, checkpoints, lock, read_run, write_manifest

STATES = ("optimizer.pt", "scheduler.pt", "rng_state.pth")
NOTHING = digest(None)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def make_run(
    project: Project, state: State = "complete", steps: tuple[int, ...] = (1, 2, 3, 4)
) -> RunInfo:
    """A run's folder with invented weights; `last` is pinned."""
    folder = project.runs / "train-tiny-20260101-0000-abcd"
    for step in steps:
        place = folder / "checkpoints" / f"checkpoint-{step:03}"
        place.mkdir(parents=True)
        (place / "adapter_model.safetensors").write_text(f"weights {step}")
        for name in (*STATES, "trainer_state.json"):
            (place / name).write_text("x" * 1000)
    write_manifest(folder, manifest(folder.name, state, steps))
    (folder / "pins").mkdir()
    name_it(folder / "pins" / "last.json", folder, steps[-1])
    return read_run(folder)


def name_it(path: Path, folder: Path, step: int) -> None:
    """A document that names a checkpoint by its weights, as pins and evaluations do."""
    weights = checkpoints(folder)[step] / "adapter_model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    files = {"adapter_model.safetensors": file_digest(weights)}
    path.write_text(json.dumps({"schema": "brie.pin/1", "files": files}))


def manifest(name: str, state: State, steps: tuple[int, ...]) -> RunManifest:
    part = DataPart(
        path="x", file=None, rows_digest=NOTHING, rows=1, prompts=1, tokens=1, learned_tokens=1, cut=0
    )
    config = TrainConfig(
        recipe=Recipe(name="tiny", base="tiny"),
        base=BaseModelRef(repo="brie/tiny", revision=None, digest=NOTHING),
        template=TemplateInfo(way="markers", end="<|im_end|>", digest=NOTHING),
        train=part,
        val=part,
        split=None,
        device=DeviceInfo(type="cpu", name="x", memory_bytes=None),
        dtype=Decided(value="float32", reason="x"),
        accumulation=1,
        planned_steps=steps[-1],
    )
    return RunManifest(
        id=name,
        state=state,
        identity=config.identity(),
        created="2026-01-01",
        command="brie train",
        config=config,
        checkpoints=steps,
    )


def test_first_only_optimizer_states_go(project: Project) -> None:
    run = make_run(project)
    plan = plan_prune(run, project)
    assert plan.checkpoints == ()
    assert plan.freed_bytes == 4 * len(STATES) * 1000
    apply_prune(plan)
    assert list(checkpoints(run.folder)) == [1, 2, 3, 4]
    assert {p.name for p in checkpoints(run.folder)[1].iterdir()} == {
        "adapter_model.safetensors",
        "trainer_state.json",
    }


def test_asked_to_keep_none_it_keeps_what_pins_and_evaluations_name(project: Project) -> None:
    run = make_run(project)
    name_it(project.runs / "eval-1" / "manifest.json", run.folder, 2)
    plan = plan_prune(run, project, keep=0)
    apply_prune(plan)
    assert list(checkpoints(run.folder)) == [2, 4]
    assert plan.kept[2] == "named by runs/eval-1/manifest.json"
    assert plan.kept[4].endswith("pins/last.json")
    assert read_run(run.folder).manifest.checkpoints == (2, 4)


def test_a_pin_file_written_by_the_user_counts(project: Project) -> None:
    run = make_run(project)
    name_it(project.root / "mine.json", run.folder, 1)
    apply_prune(plan_prune(run, project, keep=0))
    assert list(checkpoints(run.folder)) == [1, 4]


def test_the_latest_are_kept_on_request(project: Project) -> None:
    run = make_run(project)
    apply_prune(plan_prune(run, project, keep=2))
    assert list(checkpoints(run.folder)) == [3, 4]


def test_an_unfinished_run_can_still_be_resumed(project: Project) -> None:
    run = make_run(project, "interrupted")
    (run.folder / "pins" / "last.json").unlink()
    apply_prune(plan_prune(run, project, keep=0))
    (left,) = checkpoints(run.folder).values()
    assert left.name == "checkpoint-004"
    assert all((left / name).is_file() for name in STATES)


def test_a_run_in_training_is_left_alone(project: Project) -> None:
    run = make_run(project, "running")
    with lock(run.folder), pytest.raises(UsageError, match="being trained"):
        plan_prune(run, project)


def test_two_checkpoints_with_the_same_weights_are_both_kept(project: Project) -> None:
    run = make_run(project)
    (checkpoints(run.folder)[1] / "adapter_model.safetensors").write_text("weights 4")
    apply_prune(plan_prune(run, project, keep=0))
    assert list(checkpoints(run.folder)) == [1, 4]


def test_what_a_link_leads_to_is_not_pruned(project: Project, tmp_path: Path) -> None:
    run = make_run(project)
    saved = checkpoints(run.folder)
    elsewhere = tmp_path / "elsewhere"
    saved[2].rename(elsewhere)
    saved[2].symlink_to(elsewhere)
    before = sorted(path.name for path in elsewhere.iterdir())
    for keep in (None, 0):
        plan = plan_prune(read_run(run.folder), project, keep=keep)
        assert plan.kept[2] == "it lies elsewhere, behind a link"
        apply_prune(plan)
        assert sorted(path.name for path in elsewhere.iterdir()) == before
    assert saved[2].is_symlink()
