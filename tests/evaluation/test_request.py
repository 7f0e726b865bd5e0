"""From what a person typed to what is evaluated: defaults, choices made, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.evaluation.request import EvalRequest, prepare
from brie.project import Project
from tests.pin.folders import make_base

SUITE = """
name = "mine"
[sampling]
temperature = 0.3
max_new_tokens = 24
[[prompt]]
id = "a"
category = "c"
source = "north"
prompt = "What is rain?"
[[prompt]]
id = "b"
category = "c"
source = "south"
prompt = "What is snow?"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a suite and two models."""
    (tmp_path / "mine.toml").write_text(SUITE, "utf-8")
    make_base(tmp_path / "one", fill=1)
    make_base(tmp_path / "two", fill=2)
    return Project(tmp_path)


@pytest.fixture
def wishes(project: Project) -> EvalRequest:
    """One model against the other, by a rule."""
    root = project.root
    return EvalRequest(
        suite=str(root / "mine.toml"), candidate=str(root / "one"), baseline=str(root / "two"),
        judges=("longer",),
    )  # fmt: skip


def test_every_default_is_resolved(wishes: EvalRequest, project: Project) -> None:
    asked, _ = prepare(wishes, project)
    assert [p.id for p in asked.suite.prompts] == ["a", "b"]
    assert (asked.candidate.base_folder.name, asked.baseline.base_folder.name) == ("one", "two")
    assert [p.judge.id for p in asked.panel_judges] == ["longer"]
    assert (asked.sampling.temperature, asked.sampling.max_new_tokens) == (0.3, 24)
    assert (asked.positions, asked.samples, asked.panel) == ("both", 3, "named judges")
    assert asked.stopping is None


def test_what_is_asked_for_goes_before_what_the_suite_says(
    wishes: EvalRequest, project: Project
) -> None:
    asked, _ = prepare(replace(wishes, temperature=0.9, samples=2, positions="balanced"), project)
    assert (asked.sampling.temperature, asked.sampling.max_new_tokens) == (0.9, 24)
    assert (asked.samples, asked.positions) == (2, "balanced")


def test_a_panel_brings_its_instruments_behind_its_judges(wishes: EvalRequest, project: Project) -> None:
    folder = project.root / "judges"
    folder.mkdir()
    (folder / "panels.toml").write_text(
        '[mine]\njudges = ["distinct"]\ninstruments = ["longer", "distinct"]\n', "utf-8"
    )
    asked, _ = prepare(replace(wishes, judges=(), panel="mine"), project)
    panel = [(p.judge.id, p.instrument) for p in asked.panel_judges]
    assert panel == [("distinct", False), ("longer", True)]
    assert asked.panel == "mine"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"panel": "offline"}, "not both"),
        ({"judges": ("longer", "longer")}, "named twice"),
        ({"judges": ("nobody",)}, "nobody"),
        ({"judges": ("reference",)}, "none of its prompts has a reference"),
        ({"judges": ("numeric",)}, "none of its prompts has a numeric check"),
        ({"max_prompts": 5}, "--until-decided"),
        ({"hold_out_sources": ("west",)}, "west"),
        ({"hold_out_sources": ("north", "south")}, "nothing is left"),
    ],
)
def test_a_choice_that_cannot_be_kept_is_refused(
    wishes: EvalRequest, project: Project, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        prepare(replace(wishes, **changes), project)  # type: ignore[arg-type]


def test_sources_held_out_are_kept_in_one_order(wishes: EvalRequest, project: Project) -> None:
    asked, _ = prepare(replace(wishes, hold_out_sources=("south", "south")), project)
    assert asked.held_out_sources == ("south",)


def test_the_largest_number_of_prompts_is_at_most_the_suites(
    wishes: EvalRequest, project: Project
) -> None:
    for most, expected in ((None, 2), (1, 1), (50, 2)):
        asked, _ = prepare(replace(wishes, until_decided=True, max_prompts=most), project)
        assert asked.stopping is not None
        assert asked.stopping.max_prompts == expected


def test_a_judge_without_its_key_is_left_out_aloud_only_where_that_was_asked_for(
    wishes: EvalRequest, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    both = replace(wishes, judges=("gpt-sol", "longer"))
    asked, decisions = prepare(both, project)
    assert [p.judge.id for p in asked.panel_judges] == ["gpt-sol", "longer"]
    asked, decisions = prepare(replace(both, skip_missing_judges=True), project)
    assert [p.judge.id for p in asked.panel_judges] == ["longer"]
    assert asked.left_out == ("gpt-sol",)
    assert "left out, because its key is not set: gpt-sol" in decisions
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        prepare(replace(both, judges=("gpt-sol",), skip_missing_judges=True), project)
