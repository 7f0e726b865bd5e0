"""Recipes: one TOML file says everything that decides a training run's result.

    brie train --size 0.5b --set learning_rate=5e-4 --set epochs=2

A size is a recipe of that name: the project's own `recipes/` first, then those brie ships.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from brie.catalog import build
from brie.errors import UsageError, unknown
from brie.project import Project
from brie.reading.texts import Plain, read_toml
from brie.records import Record, later

SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""All linear layers of a Qwen2 or Llama block. Named, since PEFT's default is q and v alone."""

MEMORY_KEYS = frozenset(
    {"micro_batch_size", "gradient_checkpointing", "attention", "use_kernels", "sharding"}
)
"""Keys that may change when a run is resumed: they decide memory, and rounding, nothing else."""

DESCRIPTIVE_KEYS = frozenset(
    {
        "name",
        "description",
        "base",
        "license",
        "license_note",
        "architecture",
        "data",
        "allow_shared_prompts",
        "report_to",
    }
)
"""Keys that do not decide the weights; base and data are compared by content."""

Method = Literal["sft", "dpo", "kto"]
"""How a run learns; `dpo` (Rafailov et al. 2023) and `kto` (Ethayarajh et al. 2024) learn from pairs."""
Positive = Annotated[int, Field(ge=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


AUTO_ROWS = 0
"""`micro_batch_size` before it is decided."""


ALL_LINEAR = "all-linear"


def _tuple_if_name(value: Plain) -> Plain:
    return [value] if isinstance(value, str) else value


def _zero_if_auto(value: Plain) -> Plain:
    return AUTO_ROWS if value == "auto" else value


def _word_if_none(value: Plain) -> Plain:
    """`none` is read as nothing by `--set`; here it is one of the words."""
    return "none" if value is None else value


_OPTIONS = {
    "name": "--name NAME",
    "base": "--base REPO@REV",
    "data": "--data FILE",
    "method": "--method dpo",
}

_ELSEWHERE = {
    "lr": "learning_rate",
    "rank": "r",
    "lora_r": "r",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "lora_target_modules": "target_modules",
    "num_train_epochs": "epochs",
    "num_epochs": "epochs",
    "per_device_train_batch_size": "micro_batch_size",
    "gradient_accumulation_steps": "batch_size",
    "eval_steps": "checkpoint_steps",
    "save_steps": "checkpoint_steps",
    "max_seq_length": "max_length",
    "max_seq_len": "max_length",
    "warmup_ratio": "warmup",
    "warmup_steps": "warmup",
    "lr_scheduler_type": "schedule",
    "activation_checkpointing": "gradient_checkpointing",
    "optim": "optimizer",
    "adam_betas": "betas",
    "load_in_4bit": "quantize",
    "attn_implementation": "attention",
    "flash_attention": "attention",
    "sample_packing": "packing",
    "use_liger_kernel": "use_kernels",
    "length_grouped": "group_by_length",
    "min_lr": "min_learning_rate",
    "min_lr_ratio": "min_learning_rate",
}
"""What other trainers call a key, for the error that names ours."""


class Architecture(Record):
    """The base's shape: enough to estimate memory and download without having it."""

    hidden: Positive
    layers: Positive
    heads: Positive
    kv_heads: Positive
    intermediate: Positive
    vocabulary: Positive
    tied: bool
    """Whether the output layer shares the embedding's weights."""


class Recipe(Record):
    """Everything a run is made with, apart from its data."""

    name: str
    description: str = ""
    base: str
    """`tiny`, `ORG/NAME[@REVISION]` on the Hub, or a local folder."""
    license: str = ""
    """Licence of the base, as its repository states it."""
    license_note: str | None = None
    """What a user of the trained model must know about that licence."""
    architecture: Architecture | None = None
    data: str | None = None
    """Training file used where none is given: a file of brie's own `data/`."""

    method: Method = later("sft")
    """`sft`: answers are learned as they are. `dpo`, `kto`: from pairs, the better answer against the
    worse one."""
    beta: Annotated[float, Field(gt=0)] = later(0.1)
    """Of `dpo` and `kto`: how dearly it is paid to leave the reference; smaller goes further."""
    loss: Literal["assistant", "text"] = "assistant"
    """`assistant`: answers and their end token. `text`: the prompt as well."""
    thinking: bool = later(False)
    """Thinking mode of templates that have one: what the model is trained on, and asked with."""
    allow_special_tokens: bool = later(False)
    """Accept answers that hold special tokens in their text: they are learned as such."""
    chat_template: str | None = later(None)
    """A family's chat template, or a file, instead of the base's own."""
    system: Literal["refuse", "fold"] = later("refuse")
    """What becomes of a system turn where the template has no place for one: the row is refused, or
    the turn is written into the first question."""
    max_length: Annotated[int, Field(ge=16)] = 2048
    """Tokens a row may have; longer ones are cut at the end."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of rows set aside by prompt where no validation file is given."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = later(None)
    """Draws the validation half; none: `seed` does."""
    data_share: Annotated[float, Field(gt=0, le=1)] = later(1.0)
    """Share of the training prompts that is learned from, drawn from every source alike by `seed`; a
    smaller share lies within a larger one. The validation half is the same for all."""
    allow_shared_prompts: bool = False
    """Accept a validation file whose prompts are also in the training file."""

    r: Positive = 16
    alpha: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_tuple_if_name)] = (
        SEVEN
    )
    """Layers by name; `all-linear`: every linear layer of the base's blocks, by name in the run."""
    use_rslora: bool = False
    use_dora: bool = False
    modules_to_save: tuple[str, ...] = later(())
    """Layers trained whole and kept with the adapter, such as `embed_tokens` and `lm_head`."""
    quantize: Annotated[Literal["none", "nf4"], BeforeValidator(_word_if_none)] = later("none")
    """`nf4`: the frozen base in 4 bits while training (QLoRA); the adapter belongs to the whole base
    all the same, and is evaluated on it."""
    init_lora_weights: Literal["default", "gaussian"] = "default"
    """Only ways of starting that leave the base as it is: the baseline is the base."""

    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-4
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup", "wsd"] = "cosine"
    """`wsd`: warmup, stable, decay; falls over the last `decay` of the steps."""
    min_learning_rate: Annotated[float, Field(ge=0, lt=1)] = later(0.0)
    """Where `cosine` and `wsd` end, a share of `learning_rate`."""
    decay: Annotated[float, Field(gt=0, le=1)] = later(0.1)
    """Share of the steps over which `wsd` falls."""
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor"] = later("adamw")
    """Its states are float32 but for the 8-bit ones, which need bitsandbytes."""
    betas: tuple[Beta, Beta] = later((0.9, 0.999))
    """AdamW's memory of the gradient and of its square."""
    neftune_noise_alpha: Annotated[float, Field(gt=0)] | None = later(None)
    """Noise on the embeddings while training (NEFTune, Jain et al. 2023); 5 is usual."""
    warmup: Annotated[float, Field(ge=0)] = 0.05
    """How long the learning rate rises: below 1 a share of the steps, else a number of steps."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    epochs: Annotated[float, Field(gt=0)] = 3.0
    max_steps: Positive | None = None
    """Ends the run after so many steps, whatever `epochs` says."""
    batch_size: Positive = 8
    """Rows an update sees, over all devices and accumulation steps."""
    micro_batch_size: Annotated[int, Field(ge=0), BeforeValidator(_zero_if_auto)] = 1
    """Rows one device holds at a time; accumulation follows from it. `auto` (0): as many as fit by the
    estimate of memory; the number is recorded."""
    checkpoint_steps: Positive = 50
    """Steps between checkpoints. Each is evaluated: no step is measured and then lost."""
    early_stopping: Positive | None = None
    """Stop after so many evaluations without a lower validation loss."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    gradient_checkpointing: bool = False
    sharding: Annotated[Literal["none", "fsdp"], BeforeValidator(_word_if_none)] = later("none")
    """`fsdp`: each of several GPUs holds a part of the weights, and borrows the others' layer by layer;
    none: each holds all of them."""
    group_by_length: bool | Literal["auto"] = "auto"
    """Batches of rows of like length, in an order drawn by `seed`; `auto`: on MPS, where varied lengths
    make memory grow."""
    packing: bool = False
    """Several rows in one sequence of `max_length`, without padding: kept apart by FlashAttention where
    it is, by a mask elsewhere."""
    use_kernels: bool = later(False)
    """Layers of the base that have fused kernels on the Hub, such as norms, are computed by them."""
    attention: Literal["auto", "flash", "torch"] = later("auto")
    """`flash`: FlashAttention; `torch`: torch's own; `auto`: `flash` where rows are packed. Where there
    is no FlashAttention, torch's own is used, and said."""
    report_to: tuple[Literal["wandb", "trackio", "mlflow", "swanlab"], ...] = ()
    """Trackers besides TensorBoard and metrics.jsonl, which are always written."""

    @model_validator(mode="after")
    def _batches_fit(self) -> Recipe:
        if self.micro_batch_size and self.batch_size % self.micro_batch_size:
            raise UsageError(
                f"batch_size {self.batch_size} is no multiple of "
                f"micro_batch_size {self.micro_batch_size}; change one: --set micro_batch_size=1"
            )
        if self.method != "sft" and (self.packing or self.loss == "text"):
            key = "packing" if self.packing else 'loss = "text"'
            raise UsageError(f"{key} belongs to sft; pairs are answers, each in a row of its own.")
        falls = self.schedule in ("cosine", "wsd")
        if self.min_learning_rate and not falls:
            raise UsageError(f"min_learning_rate belongs to cosine and wsd, not to {self.schedule}.")
        return self


def recipe_files(project: Project) -> dict[str, Path]:
    """Recipes by name, the project's own files first."""
    return project.named("recipes", "*.toml")


def load_recipe(name: str, project: Project, settings: Sequence[str] = ()) -> Recipe:
    """A recipe by name or file, with `key=value` settings laid over it.

    Raises:
        UsageError: no recipe of that name, or a setting is not `key=value`; near matches named.
        InputError: an unknown key, or a value out of range; names the file or the setting.
    """
    path = Path(name)
    if path.suffix != ".toml":
        files = recipe_files(project)
        if name not in files:
            raise unknown("recipe", name, files, "A file works too: --recipe my.toml")
        path = files[name]
    elif not path.is_file():
        raise UsageError(f"there is no recipe file {path}.")
    values = read_toml(path)
    for key in values:
        _check_key(key, f"{path}: ", Recipe.model_fields)
    return override(build(Recipe, {"name": path.stem, **values}, str(path)), settings)


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """A recipe with `key=value` settings; values are read as TOML, bare words as text.

    Raises:
        UsageError: a setting is malformed or names no key.
        InputError: a value is of the wrong kind or out of range.
    """
    values = recipe.model_dump()
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: expected key=value, for example --set epochs=2")
        _check_key(key, "--set: ", settable())
        values[key] = _value(text)
    return build(Recipe, values, f"--set {' '.join(settings)}" if settings else recipe.name)


def settable() -> set[str]:
    """Keys that `--set` takes: all but those that describe the recipe or have an option."""
    described = DESCRIPTIVE_KEYS - {"allow_shared_prompts", "report_to"}
    return set(Recipe.model_fields) - described - {"method"}


def _check_key(key: str, where: str, allowed: Iterable[str]) -> None:
    if key in _OPTIONS and key not in allowed:
        raise UsageError(f"{where}{key} has an option of its own: {_OPTIONS[key]}")
    if key not in allowed and key in _ELSEWHERE:
        raise UsageError(f"{where}unknown key {key!r}; did you mean {_ELSEWHERE[key]!r}?")
    if key not in allowed:
        error = unknown("recipe key", key, allowed)
        raise UsageError(f"{where}{error}")


def _value(text: str) -> Plain:
    if text.strip() == "none":
        return None
    try:
        value: Plain = tomllib.loads(f"value = {text}")["value"]
        return value
    except tomllib.TOMLDecodeError:
        return text
