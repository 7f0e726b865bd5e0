"""`brie train --dry-run`: everything a run would do, with reasons; nothing is written or fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from brie.data.split import prompt_key
from brie.number_format import duration
from brie.pin.bases import PACKAGED_PREFIX, is_whole
from brie.project import Project, packaged
from brie.records import Conversation
from brie.train.balance import balance_of
from brie.train.config import (
    Balance,
    Decided,
    DeviceInfo,
    SplitInfo,
    StartInfo,
    TrainConfig,
    TrainRequest,
)
from brie.train.device import choose_device, choose_dtype, refuse_packing
from brie.train.lora import count_parameters, count_trained
from brie.train.memory import (
    LIBRARIES,
    Memory,
    adapter_parameters,
    estimate,
    parameters,
    read_architecture,
)
from brie.train.micro_batch import decide_micro_batch, fit_micro_batch
from brie.train.prepare import (
    UNKNOWN_LICENCE,
    Job,
    build_job,
    planned_steps,
    resolve_recipe,
)
from brie.train.progress import Progress, Silent
from brie.train.ranks import world
from brie.train.recipes import Architecture, Recipe
from brie.train.sources import read_data
from brie.train.start import starting

_TOKENIZER_BYTES = 12_000_000


class Line(NamedTuple):
    """One thing that is decided, estimated or missing."""

    label: str
    text: str


@dataclass(frozen=True)
class Plan:
    """What a run would be."""

    recipe: Recipe
    device: DeviceInfo
    dtype: Decided
    counts: tuple[int, int] | None
    """Parameters frozen and trained; None where nothing is known of the base."""
    shape: Architecture | None
    rows: tuple[int, int] | None
    """Training and validation; None where no data was named."""
    sources: tuple[str, str]
    """Where they come from."""
    split: SplitInfo | None
    """How validation rows are set aside from the training file; None: they are a file of their own."""
    balance: Balance | None
    """How often rows are seen, where labels are balanced."""
    prompts: tuple[int, int]
    steps: int | None
    longest_row: int
    """Tokens; the recipe's limit where the tokenizer is not here."""
    config: TrainConfig | None
    """None where the base is not on this machine, or no data was named."""
    start: StartInfo | None = None
    """The checkpoint it goes on from."""


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
    recipe = fit_micro_batch(recipe, world(request.processes).size, progress)
    start = starting(request, project)
    folder = start.base_folder if start else local_base(recipe.base, project)
    if folder is None or not (request.data or request.prefs or recipe.data):
        plan, job = _in_part(request, recipe, project, folder), None
    else:
        job = build_job(request, recipe, project, progress)
        plan = _with_base(job, folder)
    return tuple(_lines(plan, folder, job if probe else None, request))


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
    device, _ = choose_device(request.device)
    device = device.model_copy(update={"count": world(request.processes).size})
    refuse_packing(recipe, device)
    shape = (read_architecture(folder) if folder else None) or recipe.architecture
    dtype = choose_dtype(recipe.dtype, device, parameters=parameters(shape) if shape else 0)
    recipe = decide_micro_batch(
        recipe,
        shape,
        device=device,
        dtype=dtype.value,
        tokens_a_row=recipe.max_length,
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
        steps=planned_steps(balance.rows if balance else _rows(train, recipe), recipe),
    )


def _rows(rows: Sequence[Conversation], recipe: Recipe) -> int:
    """What a batch is made of, before anything is in tokens; `kto` learns from each answer alone."""
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
        longest_row=max(len(row.ids) for row in (*job.train, *job.val)),
        config=config,
        start=config.start,
    )


def _lines(plan: Plan, folder: Path | None, timed: Job | None, request: TrainRequest) -> Iterator[Line]:
    recipe = plan.recipe
    yield Line("recipe", f"{recipe.name}: {recipe.description}" if recipe.description else recipe.name)
    yield from _base_lines(plan, folder)
    device, why = choose_device(request.device)
    yield Line("device", f"{device.type}, {device.name} ({why})")
    yield Line("numbers", _numbers(plan))
    yield from _data_lines(plan, from_recipe=not (request.data or request.prefs))
    yield from _setting_lines(plan)
    yield from _memory_lines(plan)
    yield _disk_line(plan)
    yield Line("time", _time(plan, timed))


def _numbers(plan: Plan) -> str:
    held = "4 bits (nf4), computed in " if plan.recipe.quantize == "nf4" else ""
    return f"{held}{plan.dtype.value} ({plan.dtype.reason}); adapter and optimizer float32"


def _counts(recipe: Recipe, shape: Architecture | None, folder: Path | None) -> tuple[int, int] | None:
    """Counted on the base's own config where it is here, else by the formula of Qwen2's blocks."""
    if folder is not None:
        return count_parameters(folder), count_trained(folder, recipe)
    if shape is None:
        return None
    return parameters(shape), adapter_parameters(shape, recipe.r, recipe.target_modules)


def _base_lines(plan: Plan, folder: Path | None) -> Iterator[Line]:
    recipe = plan.recipe
    licence = f", licence {recipe.license or UNKNOWN_LICENCE}"
    if plan.config is not None:
        yield Line("base", f"{plan.config.base}, on this machine{licence}")
        yield Line("template", f"the model's own; an answer ends with {plan.config.template.end}")
    elif folder is not None:
        yield Line("base", f"{recipe.base}, on this machine{licence}")
    else:
        yield Line("base", f"{recipe.base}, not on this machine{licence}")
        size = f"about {_gb(parameters(plan.shape) * 2 + _TOKENIZER_BYTES)}" if plan.shape else "unknown"
        yield Line(
            "download",
            f"{size} from the Hub at the first run; the commit is looked up then and recorded",
        )
    if recipe.license_note:
        yield Line("licence", recipe.license_note)
    if plan.counts is not None:
        total, trained = plan.counts
        yield Line(
            "parameters", f"{total:,} frozen, {trained:,} trained ({100 * trained / total:.2f} %)"
        )
    else:
        yield Line("parameters", "unknown until the base is here")


def _data_lines(plan: Plan, *, from_recipe: bool) -> Iterator[Line]:
    recipe, config = plan.recipe, plan.config
    if plan.rows is None:
        yield Line("training", "no data named yet: --data FILE.jsonl")
        return
    yield Line(
        "training",
        f"{plan.rows[0]:,} rows, {plan.prompts[0]:,} prompts{_tokens(config, 'train')}; from "
        + plan.sources[0]
        + (", the recipe's own (--data FILE for yours)" if from_recipe else ""),
    )
    seed = f", seed {recipe.seed}" if plan.split and not plan.split.held_out else ""
    drawn = f"{plan.split.words()}{seed}" if plan.split else f"from {plan.sources[1]}"
    yield Line(
        "validation",
        f"{plan.rows[1]:,} rows, {plan.prompts[1]:,} prompts{_tokens(config, 'val')}; " + drawn,
    )
    if plan.balance:
        yield Line("balance", plan.balance.words())
    if config is None:
        yield Line("tokens", "unknown until the tokenizer is here")
    elif config.train.cut or config.train.dropped:
        yield Line(
            "truncated",
            f"{config.train.cut} answers lose their end, {len(config.train.dropped)} rows are dropped",
        )


def _tokens(config: TrainConfig | None, which: str) -> str:
    if config is None:
        return ""
    part = config.train if which == "train" else config.val
    return f", {part.tokens:,} tokens of which {part.learned_tokens:,} are learned"


def _setting_lines(plan: Plan) -> Iterator[Line]:
    recipe = plan.recipe
    modules = ", ".join(recipe.target_modules)
    yield Line(
        "adapter", f"LoRA r={recipe.r} alpha={recipe.alpha} dropout={recipe.dropout:g} on {modules}"
    )
    yield Line("loss", _loss(plan))
    processes = plan.device.count
    accumulation = recipe.batch_size // (recipe.micro_batch_size * processes)
    yield Line(
        "batch",
        f"{recipe.batch_size} rows an update = {recipe.micro_batch_size} at a time x {accumulation} "
        f"accumulated x {processes} process{'es' if processes > 1 else ''}",
    )
    yield Line(
        "steps",
        f"{_steps(plan)}, rate {recipe.learning_rate:g} {recipe.schedule}; "
        f"a checkpoint every {recipe.checkpoint_steps} and at the end, each evaluated",
    )


def _loss(plan: Plan) -> str:
    recipe = plan.recipe
    if recipe.method != "sft":
        held = f"{plan.start.name}, a frozen copy" if plan.start else "the base, the adapter off"
        return f"{recipe.method}, beta {recipe.beta:g}, over both answers of a pair; reference: {held}"
    covered = "answers and their end token" if recipe.loss == "assistant" else "the whole text"
    return f"over {covered}"


def _steps(plan: Plan) -> str:
    if plan.steps is not None:
        return f"{plan.steps:,}"
    example = planned_steps(1000, plan.recipe)
    return f"{plan.recipe.epochs:g} times through the rows ({example:,} for 1,000 rows)"


def _memory_lines(plan: Plan) -> Iterator[Line]:
    if plan.shape is None:
        yield Line("memory", "unknown until the base is here")
        return
    need = estimate(
        plan.shape, plan.recipe, plan.dtype.value, plan.longest_row, copied=plan.start is not None
    )
    parts = ", ".join(f"{name} {_gb(value)}" for name, value in need._asdict().items())
    parts += f", libraries {_gb(LIBRARIES)}"
    yield Line("memory", f"about {_gb(need.total + LIBRARIES)}: {parts}")
    yield Line("fits", _fits(plan, need))


def _fits(plan: Plan, need: Memory) -> str:
    have = plan.device.memory_bytes
    if have is None:
        return "unknown: the system does not say how much memory it has"
    if need.total + LIBRARIES < 0.9 * have:
        return f"yes: {plan.device.type} has {_gb(have)}"
    advice = "--set micro_batch_size=1" if plan.recipe.micro_batch_size > 1 else ""
    if not plan.recipe.gradient_checkpointing:
        advice = f"{advice} --set gradient_checkpointing=true".strip()
    if plan.dtype.value == "float32":
        advice = f"{advice} --set dtype=bfloat16".strip()
    advice = advice or f"--set max_length={plan.recipe.max_length // 2}, or a smaller base"
    return f"hardly: {plan.device.type} has {_gb(have)}. Try {advice}"


def _disk_line(plan: Plan) -> Line:
    if plan.counts is None:
        return Line("disk", "unknown until the base is here")
    adapter = plan.counts[1]
    count = -(-plan.steps // plan.recipe.checkpoint_steps) if plan.steps else 1
    return Line(
        "disk",
        f"{_gb(count * adapter * 12)} for {count} checkpoint{'s' if count > 1 else ''}, of which "
        f"{_gb(count * adapter * 8)} is optimizer state that brie prune frees",
    )


def _time(plan: Plan, timed: Job | None) -> str:
    if plan.config is None or plan.steps is None:
        return "unknown until base and data are here"
    if timed is None:
        return "unknown: --probe times a few steps"
    from brie.train.sft import time_steps

    seconds = time_steps(timed)
    return f"{duration(seconds * plan.steps)} for the steps ({seconds:.2f} s each), and evaluations"


def _gb(size: int) -> str:
    if size < 1e9:
        return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"
    return f"{size / 1e9:.2f} GB" if size < 1e10 else f"{size / 1e9:.1f} GB"
