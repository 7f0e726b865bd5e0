"""Where rows come from: named files, the recipe's own data, and a split that can be drawn again."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.data.split import prompt_key
from brie.digest import file_digest
from brie.errors import UsageError
from brie.project import Project, packaged
from brie.train.config import TrainRequest
from brie.train.recipes import Recipe, load_recipe
from brie.train.sources import read_data
from tests.data.rows import row, write


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path.resolve())


@pytest.fixture
def rows(project: Project) -> Path:
    return write(project.root / "rows.jsonl", [row(f"{n // 2}?", f"{n}.") for n in range(40)])


@pytest.fixture
def recipe(project: Project) -> Recipe:
    return load_recipe("tiny", project)


def test_without_a_validation_file_whole_prompts_are_set_aside(
    project: Project, rows: Path, recipe: Recipe
) -> None:
    train, val, info = read_data(TrainRequest(data=str(rows)), recipe, project)
    assert info is not None
    assert (info.by, info.fraction, info.seed) == ("prompt", recipe.val_fraction, recipe.seed)
    assert len(train.rows) + len(val.rows) == 40
    assert {*map(prompt_key, train.rows)}.isdisjoint(map(prompt_key, val.rows))
    assert (train.shown, train.file) == (val.shown, val.file) == ("rows.jsonl", file_digest(rows))


def test_the_draw_is_the_recipes_seeds(project: Project, rows: Path, recipe: Recipe) -> None:
    request = TrainRequest(data=str(rows))
    drawn, again, other = (
        read_data(request, recipe.model_copy(update={"seed": seed}), project)[1].rows
        for seed in (recipe.seed, recipe.seed, recipe.seed + 1)
    )
    assert drawn == again
    assert drawn != other


def test_a_validation_file_is_taken_as_it_is(project: Project, rows: Path, recipe: Recipe) -> None:
    val_file = write(project.root / "val.jsonl", [row("Another?")])
    train, val, info = read_data(TrainRequest(data=str(rows), val=str(val_file)), recipe, project)
    assert (len(train.rows), len(val.rows), val.shown, info) == (40, 1, "val.jsonl", None)


def test_a_validation_file_may_share_prompts_only_where_the_recipe_allows_it(
    project: Project, rows: Path, recipe: Recipe
) -> None:
    val_file = write(project.root / "val.jsonl", [row("3?")])
    request = TrainRequest(data=str(rows), val=str(val_file))
    with pytest.raises(UsageError, match=r"rows\.jsonl"):
        read_data(request, recipe, project)
    allowing = recipe.model_copy(update={"allow_shared_prompts": True})
    assert len(read_data(request, allowing, project)[1].rows) == 1


def test_the_recipes_own_data_is_the_projects_before_the_shipped(
    project: Project, recipe: Recipe
) -> None:
    recipe = recipe.model_copy(update={"data": "demo.jsonl"})
    shipped = read_data(TrainRequest(), recipe, project)[0]
    assert (shipped.shown, shipped.file) == (
        "data/demo.jsonl",
        file_digest(packaged("data", "demo.jsonl")),
    )
    (project.root / "data").mkdir()
    local = write(project.root / "data" / "demo.jsonl", [row(f"{n}?") for n in range(20)])
    assert read_data(TrainRequest(), recipe, project)[0].file == file_digest(local)


def test_without_data_the_sentence_says_how_to_name_some(project: Project, recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="has no data of its own; give a training file: --data FILE"):
        read_data(TrainRequest(), recipe.model_copy(update={"data": None}), project)


def test_rows_of_another_tool_are_trained_on_and_it_is_said_what_they_were_read_as(
    project: Project, recipe: Recipe
) -> None:
    path = write(
        project.root / "alpaca.jsonl",
        [{"instruction": f"Add {n}.", "input": "2", "output": "4"} for n in range(20)],
    )
    train, _, _ = read_data(TrainRequest(data=str(path)), recipe, project)
    assert train.rows[0].messages[0].content.endswith("\n\n2")
    assert train.notes[0].startswith("read as Alpaca: instruction + input -> user")
