"""A run's checkpoints evaluated from Python: one budget, one curve, and reports that show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import brie
from brie.evaluation.folders import evaluations
from brie.train.run import train
from tests.train.world import Watcher, make_project, request

SUITE = 'name = "small"\n[sampling]\ntemperature = 1.0\nmax_new_tokens = 8\n' + "".join(
    f'[[prompt]]\nid = "p{n}"\nprompt = "What is {word}?"\nreference = "{word}"\n'
    for n, word in enumerate(("rain", "fog", "snow", "wind", "ice", "dew", "hail", "sun", "a cloud"))
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> brie.Project:
    made = make_project(tmp_path_factory.mktemp("curve"))
    train(request(made, name="first"), made, Watcher())
    (made.root / "small.toml").write_text(SUITE)
    return made


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


def test_a_run_that_is_not_there_is_said(project: brie.Project, tmp_path: Path) -> None:
    with pytest.raises(brie.BrieError, match="unknown training run 'second'"):
        brie.curve("second", brie.EvalRequest(suite="demo"), project)
