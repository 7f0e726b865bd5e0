"""A run's checkpoints evaluated from Python: one budget, one curve, and reports that show it."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

import brie
from brie.evaluation.folders import evaluations
from brie.pin import find_run
from brie.train.run import train
from tests.train.world import Watcher, make_project, request

SUITE = 'name = "small"\n[sampling]\ntemperature = 1.0\nmax_new_tokens = 8\n' + "".join(
    f'[[prompt]]\nid = "p{n}"\nprompt = "What is {word}?"\nreference = "{word}"\n'
    for n, word in enumerate(("rain", "fog", "snow", "wind", "ice", "dew", "hail", "sun", "a cloud"))
)
WANDB = importlib.util.find_spec("wandb") is not None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> brie.Project:
    made = make_project(tmp_path_factory.mktemp("curve"))
    train(request(made, name="first"), made, Watcher())
    (made.root / "small.toml").write_text(SUITE)
    return made


@pytest.mark.slow
def test_a_curve_has_every_checkpoint_and_stands_beside_their_evaluations(
    project: brie.Project,
) -> None:
    wanted = brie.EvalRequest(
        suite=str(project.root / "small.toml"), judges=("longer",), samples=1, candidate="ignored"
    )
    document = brie.curve("first", wanted, project)
    assert document.schema_ == "brie.curve/1"
    assert [point.step for point in document.checkpoints] == [4, 8, 12]
    made = evaluations(project)
    assert sorted(document.evaluations.values()) == sorted(e.manifest.id for e in made)
    for evaluation in made:
        assert json.loads((evaluation.folder / "curve.json").read_text()) == document.written()
        assert evaluation.manifest.plan.controls.prompts == ()
        page = project.reports / evaluation.manifest.id / "index.html"
        assert "Over training steps" in page.read_text("utf-8")
    assert brie.curve("first", wanted, project) == document
    assert len(evaluations(project)) == 3


def shown(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard reads in a run's folder: tag -> its steps and values."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "tensorboard"))
    read.Reload()
    tags: list[str] = read.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in tags}


def test_a_curve_is_logged_once_beside_the_losses_of_its_run(project: brie.Project) -> None:
    folder = find_run("first", project).folder
    losses = shown(folder)
    asked = brie.EvalRequest(suite=str(project.root / "small.toml"), judges=("longer",), samples=1)
    differs = replace(asked, judges=("distinct",))
    for wanted in (asked, asked, differs):
        document = brie.curve("first", wanted, project, report_to=["tensorboard"])
    rungs = document.checkpoints
    values = {
        "rate": [rung.value for rung in rungs],
        "low": [rung.low for rung in rungs],
        "high": [rung.high for rung in rungs],
    }
    now = shown(folder)
    for tag, shares in values.items():
        logged = now.pop(f"win_rate/small/{tag}")
        assert [step for step, _ in logged] == [4, 8, 12]
        assert [value for _, value in logged] == pytest.approx(shares, abs=1e-6)
    assert now == losses
    other = project.root / "other.toml"
    other.write_text(SUITE.replace('"small"', '"an other"'))
    brie.curve("first", replace(asked, suite=str(other)), project, report_to=["tensorboard"])
    assert len(shown(folder)) == len(losses) + 6
    assert "win_rate/an_other/high" in shown(folder)


def test_wandb_is_refused_before_anything_is_asked_where_it_is_not_there(
    project: brie.Project,
) -> None:
    before = len(evaluations(project))
    wanted = brie.EvalRequest(suite=str(project.root / "small.toml"), judges=("longer",), samples=2)
    with pytest.raises(brie.BrieError, match="pip install wandb" if not WANDB else "no wandb.json"):
        brie.curve("first", wanted, project, report_to=["wandb"])
    assert len(evaluations(project)) == before


def test_a_run_that_is_not_there_is_said(project: brie.Project, tmp_path: Path) -> None:
    with pytest.raises(brie.BrieError, match="unknown training run 'second'"):
        brie.curve("second", brie.EvalRequest(suite="demo"), project)
