"""Evaluations on disk: found again by their seal, and by whatever a person calls them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.evaluation.folders import (
    Evaluation,
    differing,
    evaluation_id,
    evaluations,
    find_evaluation,
    open_evaluation,
    short_id,
)
from brie.evaluation.manifest import write_manifest
from brie.evaluation.plan import ResolvedRequest
from brie.project import Project
from tests.flow.world import World, rules, sealed, suite


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path / "w")


def opened(asked: ResolvedRequest, project: Project, name: str | None = None) -> tuple[Evaluation, bool]:
    return open_evaluation(sealed(asked).plan, asked, project, "brie eval --suite made", name)


def test_the_same_plan_finds_its_folder_again(world: World, project: Project) -> None:
    made, resumed = opened(world.asked(), project, "first")
    assert not resumed
    assert made.folder == project.runs / evaluation_id(made.manifest.plan)
    assert made.manifest.name == "first"
    assert made.manifest.seal == made.manifest.plan.seal()
    again, resumed = opened(world.asked(), project)
    assert resumed
    assert again == made


def test_another_plan_gets_another_folder(world: World, project: Project) -> None:
    one, _ = opened(world.asked(), project)
    two, resumed = opened(world.asked(seed=1), project)
    assert not resumed
    assert one.folder != two.folder
    assert [e.manifest.id for e in evaluations(project)] == sorted([one.manifest.id, two.manifest.id])


def test_a_plan_that_was_changed_in_its_folder_is_refused(world: World, project: Project) -> None:
    made, _ = opened(world.asked(), project)
    plan = made.manifest.plan.model_copy(update={"samples": 2})
    write_manifest(made.folder, made.manifest.model_copy(update={"plan": plan}))
    with pytest.raises(UsageError, match=f"brie verify {made.folder.name}"):
        opened(world.asked(), project)


def test_an_evaluation_is_found_by_id_end_name_and_folder(world: World, project: Project) -> None:
    made, _ = opened(world.asked(), project, "first")
    opened(world.asked(seed=1), project, "second")
    names = (made.manifest.id, short_id(made), "first", str(made.folder), f"{made.folder}/")
    for name in names:
        assert find_evaluation(name, project) == made


def test_what_does_not_name_one_lists_them(world: World, project: Project) -> None:
    with pytest.raises(UsageError, match=r"no evaluation here yet\. Make one: brie demo"):
        find_evaluation(None, project)
    made, _ = opened(world.asked(), project, "first")
    assert find_evaluation(None, project) == made
    other, _ = opened(world.asked(seed=1), project, "first")
    for name in (None, "first", "third"):
        with pytest.raises(UsageError, match=made.manifest.id) as said:
            find_evaluation(name, project)
        assert other.manifest.id in str(said.value)
    with pytest.raises(UsageError, match="brie report --figures @1"):
        find_evaluation(None, project, command="brie report --figures")


def test_an_id_is_the_suites_name_and_the_start_of_the_plans_identity(world: World) -> None:
    named = suite(4).model_copy(update={"name": "Was ist neu? (v2)"})
    plan = sealed(world.asked(made=named)).plan
    assert evaluation_id(plan) == f"eval-was-ist-neu-v2-{plan.identity()[7:15]}"


def test_what_keeps_two_plans_apart_is_said_in_the_users_words(world: World) -> None:
    asked = world.asked()
    plan = sealed(asked).plan
    warmer = sealed(replace(asked, sampling=asked.sampling.model_copy(update={"temperature": 0.5}))).plan
    assert differing(warmer, plan) == f"temperature (0.5, was {plan.sampling.temperature})"
    more = sealed(replace(asked, samples=2, panel_judges=rules("longer"))).plan
    assert differing(more, plan) == "samples and judges"
    assert differing(plan, plan) is None


def test_plans_of_other_models_or_suites_ask_another_question(world: World) -> None:
    plan = sealed(world.asked()).plan
    assert differing(sealed(world.swapped().asked(samples=2)).plan, plan) is None
    renamed = suite(24).model_copy(update={"name": "other"})
    assert differing(sealed(world.asked(made=renamed, samples=2)).plan, plan) is None
