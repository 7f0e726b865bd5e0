"""A plan of a run in lines: what is decided, with its reasons, what is estimated, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from brie.number_format import duration
from brie.train.config import (
    Balance,
    Decided,
    DeviceInfo,
    SplitInfo,
    StartInfo,
    TrainConfig,
    TrainRequest,
)
from brie.train.gpus import device_for
from brie.train.memory import (
    LIBRARIES,
    Memory,
    estimate,
    parameters,
)
from brie.train.prepare import (
    UNKNOWN_LICENCE,
    Job,
)
from brie.train.recipes import Architecture, Recipe
from brie.train.sharding import is_sharded
from brie.train.steps import planned_steps

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
    attention: Decided | None = None
    """What computes it; None: transformers' own choice."""
    kernels: Decided | None = None
    """What computes layers that have fused kernels; None: they were not asked for."""
    grouped: bool = False
    """Rows of like length share a batch."""


def lines(plan: Plan, folder: Path | None, timed: Job | None, request: TrainRequest) -> Iterator[Line]:
    """What is said of a plan, line by line.

    Args:
        plan: what the run would be.
        folder: the base's, if it is on this machine.
        timed: the job to time a few steps of; None: time is not measured.
        request: as it was asked for.
    """
    recipe = plan.recipe
    yield Line("recipe", f"{recipe.name}: {recipe.description}" if recipe.description else recipe.name)
    yield from _base_lines(plan, folder)
    yield Line("device", _device(plan, request))
    yield Line("numbers", _numbers(plan))
    for what, chosen in (("attention", plan.attention), ("kernels", plan.kernels)):
        if chosen:
            yield Line(what, f"{chosen.value} ({chosen.reason})")
    yield from _data_lines(plan, from_recipe=not (request.data or request.prefs))
    yield from _setting_lines(plan)
    yield from _memory_lines(plan)
    yield _disk_line(plan)
    yield Line("time", _time(plan, timed))


def _device(plan: Plan, request: TrainRequest) -> str:
    device, why = device_for(request)
    if plan.device.count == 1:
        return f"{device.type}, {device.name} ({why})"
    share = "each holds a part of the weights" if is_sharded(plan.device) else "each holds all weights"
    return f"{plan.device.count} x {device.type}, {device.name} ({why}); {share}"


def _numbers(plan: Plan) -> str:
    held = "4 bits (nf4), computed in " if plan.recipe.quantize == "nf4" else ""
    return f"{held}{plan.dtype.value} ({plan.dtype.reason}); adapter and optimizer float32"


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
            f"{config.train.cut:,} answers lose their end, "
            f"{len(config.train.dropped):,} rows are dropped",
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
        f"{recipe.batch_size} {_batched(recipe)} an update = {recipe.micro_batch_size} at a time x "
        f"{accumulation} accumulated x {processes} process{'es' if processes > 1 else ''}",
    )
    if plan.grouped:
        yield Line("order", f"rows of like length share a batch, drawn by seed {recipe.seed}")
    yield Line(
        "steps",
        f"{_steps(plan)}, rate {recipe.learning_rate:g} {recipe.schedule}; "
        f"a checkpoint every {recipe.checkpoint_steps} and at the end, each evaluated",
    )


def _batched(recipe: Recipe) -> str:
    return f"packed sequences of {recipe.max_length:,} tokens" if recipe.packing else "rows"


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
    if plan.recipe.packing:
        return f"{plan.recipe.epochs:g} times through what the rows are packed into"
    example = planned_steps(1000, plan.recipe)
    return f"{plan.recipe.epochs:g} times through the rows ({example:,} for 1,000 rows)"


def _memory_lines(plan: Plan) -> Iterator[Line]:
    if plan.shape is None:
        yield Line("memory", "unknown until the base is here")
        return
    need = estimate(
        plan.shape,
        plan.recipe,
        plan.dtype.value,
        plan.longest_row,
        copied=plan.start is not None,
        attention=plan.attention,
        parts=plan.device.count if is_sharded(plan.device) else 1,
    )
    parts = ", ".join(f"{name} {_gb(value)}" for name, value in need._asdict().items() if value)
    parts += f", libraries {_gb(LIBRARIES)}"
    each = " on each" if plan.device.count > 1 else ""
    yield Line("memory", f"about {_gb(need.total + LIBRARIES)}{each}: {parts}")
    yield Line("fits", _fits(plan, need))


def _fits(plan: Plan, need: Memory) -> str:
    have = plan.device.memory_bytes
    if have is None:
        return "unknown: the system does not say how much memory it has"
    whose = f"each {plan.device.type} device" if plan.device.count > 1 else plan.device.type
    if need.total + LIBRARIES < 0.9 * have:
        return f"yes: {whose} has {_gb(have)}"
    advice = "--set micro_batch_size=1" if plan.recipe.micro_batch_size > 1 else ""
    if not plan.recipe.gradient_checkpointing:
        advice = f"{advice} --set gradient_checkpointing=true".strip()
    if plan.dtype.value == "float32":
        advice = f"{advice} --set dtype=bfloat16".strip()
    if plan.device.strategy == "ddp":
        advice = f"{advice} --fsdp".strip()
    advice = advice or f"--set max_length={plan.recipe.max_length // 2}, or a smaller base"
    return f"hardly: {whose} has {_gb(have)}. Try {advice}"


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
