"""`--dry-run`: everything is said, nothing is fetched or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import BrieError
from brie.project import Project
from brie.train.config import TrainRequest
from brie.train.explain import explain, local_base
from tests.train.world import Watcher, make_project, request


@pytest.fixture(autouse=True)
def no_network_and_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "no-cache"))


def said(asked: TrainRequest, project: Project, *, probe: bool = False) -> dict[str, str]:
    lines = explain(asked, project, Watcher(), probe=probe)
    return {line.label: line.text for line in lines}


def test_a_size_that_is_not_here_is_still_explained(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    plan = said(TrainRequest(size="3b", data=str(project.root / "rows.jsonl")), project)
    assert "not on this machine" in plan["base"]
    assert "about 6.18 GB" in plan["download"]
    assert "commercial" in plan["licence"]
    assert "29,933,568 trained" in plan["parameters"]
    assert plan["memory"].startswith("about ")
    assert "120 rows" not in plan["training"]  # a tenth went into validation
    assert plan["steps"].startswith("42, ")
    assert "adapter and optimizer float32" in plan["numbers"]
    assert not project.runs.exists()


def test_without_data_steps_are_given_as_an_example(tmp_path: Path) -> None:
    plan = said(TrainRequest(size="reference"), Project(tmp_path))
    assert "--data FILE" in plan["training"]
    assert "250 for 1,000 rows" in plan["steps"]


def test_a_base_that_is_here_is_explained_to_the_token(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    plan = said(request(project), project)
    assert "brie/tiny@" in plan["base"]
    assert "are learned" in plan["training"]
    assert "8 rows an update = 4 at a time x 2 accumulated x 1 process" in plan["batch"]
    assert plan["fits"].startswith("yes")
    assert "--probe" in plan["time"]
    assert not project.runs.exists()


def test_the_probe_times_real_steps_and_leaves_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    plan = said(request(project), project, probe=True)
    assert " s each" in plan["time"]
    assert sorted(p.name for p in project.root.iterdir()) == ["rows.jsonl"]


def test_what_training_would_refuse_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    for bad in (
        TrainRequest(size="nope"),
        TrainRequest(size="tiny", data="nowhere.jsonl"),
        TrainRequest(size="3b", settings=("dtype=float16",), device="cpu"),
    ):
        with pytest.raises(BrieError):
            said(bad, project)


def test_bases_are_found_without_asking_anyone(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert local_base("tiny", project) is not None
    assert local_base("brie/tiny", project) == local_base("tiny", project)
    assert local_base("Qwen/Qwen2.5-0.5B-Instruct", project) is None
    assert local_base("no-such-thing", project) is None
