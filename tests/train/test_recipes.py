"""Recipes: what ships, what may be set, and the sentence a wrong key gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import BrieError, InputError, UsageError
from brie.project import Project
from brie.train.memory import adapter_parameters, parameters
from brie.train.recipes import SEVEN, Recipe, load_recipe, override, recipe_files

SHIPPED = [
    "0.5b",
    "0.5b-16k",
    "0.5b-8k",
    "1.5b",
    "3b",
    "3b-16k",
    "3b-8k",
    "7b",
    "7b-fsdp",
    "reference",
    "tiny",
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_recipe_names_its_modules_and_its_licence(project: Project, name: str) -> None:
    recipe = load_recipe(name, project)
    assert recipe.license
    assert recipe.description
    assert recipe.target_modules == (("q_proj", "v_proj") if name == "reference" else SEVEN)
    assert "@" not in recipe.base  # the commit is looked up, never typed


def test_the_sizes_that_ship(project: Project) -> None:
    assert sorted(recipe_files(project)) == SHIPPED


def test_the_3b_recipe_says_that_its_base_is_not_for_commercial_use(project: Project) -> None:
    note = load_recipe("3b", project).license_note
    assert note
    assert "commercial" in note
    assert load_recipe("0.5b", project).license_note is None


@pytest.mark.parametrize(
    ("name", "frozen", "r16"),
    [
        ("0.5b", 494_032_768, 8_798_208),
        ("1.5b", 1_543_714_304, 18_464_768),
        ("3b", 3_085_938_688, 29_933_568),
        ("7b", 7_615_616_512, 40_370_176),
    ],
)
def test_shapes_give_the_published_parameter_counts(
    project: Project, name: str, frozen: int, r16: int
) -> None:
    shape = load_recipe(name, project).architecture
    assert shape is not None
    assert parameters(shape) == frozen
    assert adapter_parameters(shape, 16, SEVEN) == r16


@pytest.mark.parametrize("key", ["sharding", "quantize"])
def test_none_is_a_value_of_a_choice_that_has_it(project: Project, key: str) -> None:
    chosen = load_recipe("7b-fsdp", project, [f"{key}=none"])
    assert getattr(chosen, key) == "none"


def test_the_projects_own_recipe_wins(project: Project) -> None:
    (project.root / "recipes").mkdir()
    (project.root / "recipes" / "tiny.toml").write_text('base = "mine"\nr = 3\n')
    recipe = load_recipe("tiny", project)
    assert (recipe.base, recipe.r, recipe.name) == ("mine", 3, "tiny")


def test_settings_are_read_as_toml(project: Project) -> None:
    recipe = load_recipe(
        "tiny",
        project,
        ["learning_rate=1e-5", "target_modules=['q_proj']", "max_steps=none", "schedule=linear"],
    )
    assert recipe.learning_rate == 1e-5
    assert recipe.target_modules == ("q_proj",)
    assert recipe.max_steps is None
    assert recipe.schedule == "linear"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("learning_rat=1", "did you mean 'learning_rate'"),
        ("lr=1", "did you mean 'learning_rate'"),
        ("lora_alpha=1", "did you mean 'alpha'"),
        ("per_device_train_batch_size=1", "did you mean 'micro_batch_size'"),
        ("base=x", "--base REPO@REV"),
        ("zzz=1", "unknown recipe key 'zzz'"),
        ("epochs", "expected key=value"),
        ("epochs=many", "epochs"),
        ("epochs=-1", "epochs"),
        ("r=0", "r"),
        ("target_modules=[]", "target_modules"),
        ("batch_size=7", "no multiple of micro_batch_size 2"),
        ("dtype=fp8", "dtype"),
        ("init_lora_weights=pissa", "init_lora_weights"),
    ],
)
def test_a_wrong_setting_is_one_sentence(project: Project, setting: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("0.5b", project, [setting])
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base = ", "not valid TOML"),
        ("r = 8\n", "base"),
        ('base = "x"\nlearning_rates = 1\n', "did you mean 'learning_rate'"),
        ('base = "x"\nlr = 1\n', "did you mean 'learning_rate'"),
        ('base = "x"\nloss = "prompt"\n', "loss"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_name(project: Project, text: str, said: str) -> None:
    path = project.root / "mine.toml"
    path.write_text(text)
    with pytest.raises(BrieError) as caught:
        load_recipe(str(path), project)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_unknown_recipes_and_files_are_named(project: Project) -> None:
    with pytest.raises(UsageError, match="did you mean 'tiny'"):
        load_recipe("tinny", project)
    with pytest.raises(UsageError, match="no recipe file"):
        load_recipe("nothing.toml", project)


def test_overriding_nothing_changes_nothing(project: Project) -> None:
    recipe = load_recipe("0.5b", project)
    assert override(recipe, ()) == recipe
    assert isinstance(recipe, Recipe)


def test_values_out_of_range_are_input_errors(project: Project) -> None:
    with pytest.raises(InputError):
        load_recipe("tiny", project, ["dropout=1.5"])
