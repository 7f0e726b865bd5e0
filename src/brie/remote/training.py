"""A training run to be sent: its files, and what the dry run says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from brie.data.questions import at_most, suite_of
from brie.errors import UsageError
from brie.project import Project
from brie.records import Prompt
from brie.remote.errand import Errand, bytes_of
from brie.remote.files import adapter_files, fetched, inside, where
from brie.remote.jobs import Asked, Load, settings_of
from brie.remote.work import FILES
from brie.train.arguments import arguments_of
from brie.train.balance import baselines_of
from brie.train.config import TrainRequest
from brie.train.load import TrainLoad, load_of
from brie.train.prepare import resolve_recipe
from brie.train.progress import Silent
from brie.train.recipes import ALL_LINEAR, DESCRIPTIVE_KEYS, MEMORY_KEYS, Recipe, recipe_files
from brie.train.run import MOST_PROMPTS, refuse_taken_name
from brie.train.sources import Source, read_data
from brie.train.start import starting
from brie.train.steps import refuse_grouping
from brie.train.sweep_values import asks_for_several


def training_errand(request: TrainRequest, project: Project) -> Errand:
    """What has to be sent for a training run.

    Raises:
        UsageError: it cannot be sent, or `brie train` would refuse it here.
        InputError: a file is wrong; names the line.
    """
    _refuse_what_stays(request, project)
    refuse_taken_name(request.name, project)
    recipe = resolve_recipe(request, project, Silent())
    _refuse_there(recipe)
    train, val, drawn = read_data(request, recipe, project)
    start = starting(request, project)
    counted = load_of(request, recipe, project, train=train, val=val)
    sent, members = _files(request, recipe, project)
    members |= adapter_files(start, project) if start is not None else {}
    asked = Asked(
        recipe=_settings(recipe),
        training_rows=train.digest,
        validation_rows=val.digest,
        base=counted.base_digest,
        training_path=train.place,
        validation_path=val.place,
        start=start.reference if start is not None else None,
    )
    labelled = not train.pairs and baselines_of(train, val, drawn) is not None
    return Errand(
        kind="train",
        subject=f"a run of {recipe.name} on {train.shown}",
        arguments=arguments_of(sent),
        members=members,
        asked=asked,
        load=_load(recipe, counted, members),
        suite=() if train.pairs else _suite(val, labelled=labelled),
    )


def _refuse_what_stays(request: TrainRequest, project: Project) -> None:
    """Refuse what cannot be done elsewhere.

    Raises:
        UsageError: says what to do instead.
    """
    if request.resume is not None:
        raise UsageError("--resume goes on with a run here; what runs elsewhere: brie jobs attach JOB")
    if asks_for_several(request, project):
        raise UsageError("--on takes one run a job; give one value to each setting, and no --seeds.")
    if request.gpus is not None:
        raise UsageError("--gpus shares among GPUs of this machine; a job takes one. Leave it out.")
    if request.processes is not None:
        raise UsageError("--processes is for a launcher on this machine; leave it out with --on.")


def _refuse_there(recipe: Recipe) -> None:
    """Refuse what would be refused there, before anything is rented or sent.

    Raises:
        UsageError: says which setting stands in the way.
    """
    refuse_grouping(recipe)
    if recipe.sharding != "none":
        raise UsageError(
            "a sharded run needs several GPUs, and a job takes one; to hold all weights on it: "
            "--set sharding=none"
        )


def _settings(recipe: Recipe) -> dict[str, str]:
    """Keys of the recipe that must come back as they are; what a machine decides is left out."""
    left_out = DESCRIPTIVE_KEYS | MEMORY_KEYS
    if recipe.target_modules == (ALL_LINEAR,):
        left_out |= {"target_modules"}
    return {key: value for key, value in settings_of(recipe).items() if key not in left_out}


def _suite(val: Source, *, labelled: bool) -> tuple[Prompt, ...]:
    return at_most(suite_of(val.rows, labelled=labelled), MOST_PROMPTS).prompts


def _files(
    request: TrainRequest, recipe: Recipe, project: Project
) -> tuple[TrainRequest, dict[str, bytes | Path]]:
    """The request as it is put there, and the files that it names there."""
    members: dict[str, bytes | Path] = {}

    def sent(role: str, named: str | None) -> str | None:
        path = Path(named or "")
        if not path.is_file():  # a name: of a family's template, of a data set on the Hub
            return named
        place = where(path, project, role)
        members[f"{FILES}{place}"] = path
        return place

    recipe_file = sent("recipe", str(request.recipe) if request.recipe else None)
    there = replace(
        request,
        data=sent("data", request.data),
        val=sent("val", request.val),
        prefs=sent("prefs", request.prefs),
        chat_template=sent("chat_template", request.chat_template),
        recipe=Path(recipe_file) if recipe_file else None,
    )
    beside = [project.root / "brie.toml"]
    if request.size in recipe_files(project):
        beside.append(recipe_files(project)[str(request.size)])
    if recipe.data is not None:
        beside.append(project.root / "data" / recipe.data)
    members |= inside(beside, project)
    return there, members


def _load(recipe: Recipe, counted: TrainLoad, members: Mapping[str, bytes | Path]) -> Load:
    return Load(
        kind="train",
        sent_bytes=bytes_of(members),
        disk_bytes=counted.disk_bytes,
        memory_bytes=counted.memory_bytes,
        flops=counted.flops,
        base=fetched(recipe.base),
    )
