"""`brie train --dry-run`: everything a run would do, with reasons; nothing is written or fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from brie.data.split import prompt_key
from brie.pin.bases import PACKAGED_PREFIX, is_whole
from brie.project import Project, packaged
from brie.records import Conversation
from brie.train.attention import choose_attention, choose_kernels
from brie.train.balance import balance_of
from brie.train.config import (
    Balance,
    TrainRequest,
)
from brie.train.device import choose_dtype
from brie.train.gpus import device_for, expected
from brie.train.lora import count_parameters, count_trained
from brie.train.memory import (
    adapter_parameters,
    parameters,
    read_architecture,
)
from brie.train.micro_batch import decide_micro_batch, fit_micro_batch
from brie.train.plan_lines import Line, Plan, lines
from brie.train.prepare import (
    Job,
    build_job,
    resolve_recipe,
)
from brie.train.progress import Progress, Silent
from brie.train.recipes import Architecture, Recipe
from brie.train.sharding import refuse_sharding, shared
from brie.train.sources import read_data
from brie.train.start import starting
from brie.train.steps import batch_order, longest, planned_steps, refuse_grouping


def explain(
    request: TrainRequest, project: Project, progress: Progress, *, probe: bool = False
) -> tuple[Line, ...]:
    """What `brie train` would do with this request.

    Args:
        request: as for `train`.
        project: the user's folder.
        progress: told of decisions on the way.
        probe: time a few real steps; needs the base on this machine.

    Raises:
        UsageError, InputError: what `train` would refuse, this refuses.
    """
    recipe = resolve_recipe(request, project, progress)
    recipe = fit_micro_batch(recipe, expected(request).size, progress)
    start = starting(request, project)
    folder = start.base_folder if start else local_base(recipe.base, project)
    if folder is None or not (request.data or request.prefs or recipe.data):
        plan, job = _in_part(request, recipe, project, folder), None
    else:
        job = build_job(request, recipe, project, progress)
        plan = _with_base(job, folder)
    return tuple(lines(plan, folder, job if probe else None, request))


def local_base(reference: str, project: Project) -> Path | None:
    """A base's folder if it is on this machine; nothing is fetched."""
    folder = Path(reference)
    if (folder / "config.json").is_file():
        return folder
    repo, _, revision = reference.partition("@")
    shipped = packaged("models", repo.removeprefix(PACKAGED_PREFIX))
    if (shipped / "config.json").is_file():
        return shipped
    if "/" not in repo:
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:  # its cache holds nothing that could be used here
        return None
    cached = try_to_load_from_cache(repo, "config.json", revision=revision or None)
    snapshot = Path(cached).parent if isinstance(cached, str) else None
    return snapshot if snapshot and is_whole(snapshot) else None


def _in_part(request: TrainRequest, recipe: Recipe, project: Project, folder: Path | None) -> Plan:
    """What can be said without the base, or without data."""
    device = shared(device_for(request)[0], recipe, expected(request).size)
    refuse_sharding(recipe, device)
    refuse_grouping(recipe)
    shape = (read_architecture(folder) if folder else None) or recipe.architecture
    dtype = choose_dtype(recipe.dtype, device, parameters=parameters(shape) if shape else 0)
    attention = choose_attention(recipe, device, dtype.value)
    recipe = decide_micro_batch(
        recipe,
        shape,
        device=device,
        dtype=dtype.value,
        tokens_a_row=recipe.max_length,
        attention=attention,
        progress=Silent(),
    )
    plan = Plan(
        recipe=recipe,
        device=device,
        dtype=dtype,
        counts=_counts(recipe, shape, folder),
        shape=shape,
        rows=None,
        sources=("", ""),
        split=None,
        balance=None,
        prompts=(0, 0),
        steps=recipe.max_steps,
        longest_row=recipe.max_length,
        config=None,
        attention=attention,
        kernels=choose_kernels(recipe, device),
        grouped=batch_order(recipe, device, ()) is not None,
    )
    if not (request.data or request.prefs or recipe.data):
        return plan
    first, second, drawn = read_data(request, recipe, project)
    train, val = first.rows, second.rows
    balance = balance_of(request, first)
    return replace(
        plan,
        rows=(len(train), len(val)),
        sources=(first.shown, second.shown),
        split=drawn,
        balance=balance,
        prompts=(len({prompt_key(r) for r in train}), len({prompt_key(r) for r in val})),
        steps=None if recipe.packing else planned_steps(_rows(train, recipe, balance), recipe),
    )


def _rows(rows: Sequence[Conversation], recipe: Recipe, balance: Balance | None) -> int:
    """What a batch is made of, before anything is in tokens; `kto` learns from each answer alone."""
    if balance:
        return balance.rows
    return len(rows) * 2 if recipe.method == "kto" else len(rows)


def _with_base(job: Job, folder: Path) -> Plan:
    config = job.config
    return Plan(
        recipe=config.recipe,
        device=config.device,
        dtype=config.dtype,
        counts=_counts(config.recipe, read_architecture(folder), folder),
        shape=read_architecture(folder),
        rows=(config.train.rows, config.val.rows),
        sources=(config.train.path, config.val.path),
        split=config.split,
        balance=config.balance,
        prompts=(config.train.prompts, config.val.prompts),
        steps=config.planned_steps,
        longest_row=longest(config.recipe, job.train, job.val),
        config=config,
        attention=config.attention,
        kernels=config.kernels,
        grouped=config.order is not None,
        start=config.start,
    )


def _counts(recipe: Recipe, shape: Architecture | None, folder: Path | None) -> tuple[int, int] | None:
    """Counted on the base's own config where it is here, else by the formula of Qwen2's blocks."""
    if folder is not None:
        return count_parameters(folder), count_trained(folder, recipe)
    if shape is None:
        return None
    return parameters(shape), adapter_parameters(shape, recipe.r, recipe.target_modules)
