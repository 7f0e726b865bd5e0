"""Where a run begins: a new adapter on a base, or the adapter of a checkpoint that is trained on."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from brie.errors import UsageError
from brie.pin import Resolved, has_template, resolve, rewriting
from brie.pin.bases import PACKAGED_PREFIX
from brie.project import Project
from brie.train.config import CONFIG, StartInfo, TrainConfig, TrainRequest
from brie.train.progress import Progress
from brie.train.recipes import Recipe

_SHAPE = (
    "r", "alpha", "target_modules", "use_rslora", "use_dora", "modules_to_save", "init_lora_weights",
)  # fmt: skip
"""Keys of a recipe that an adapter brings with it."""
_GENTLER = 10
"""Preferences are learned at a tenth of a recipe's rate for answers: 2e-4 becomes 2e-5."""


def starting(request: TrainRequest, project: Project) -> Resolved | None:
    """The checkpoint a request goes on from; None: a new adapter.

    Raises:
        UsageError, PinError: there is no such model, it is no adapter, or training on it would be no
            training of it alone.
    """
    if request.start is None:
        return None
    start = resolve(request.start, project)
    if start.adapter is None:
        raise UsageError(
            f"--from takes an adapter, and {start.name} is a whole model: --base {start.name}"
        )
    rewrites = rewriting(start.adapter)
    if rewrites is not None:
        raise rewrites.refusal(start.adapter)
    return start


def start_info(start: Resolved) -> StartInfo:
    """What a run records of the checkpoint it goes on from."""
    pin = start.pin
    return StartInfo(
        reference=start.reference, name=start.name, digest=pin.digest, run=pin.run, step=pin.step
    )


def recipe_of(start: Resolved, project: Project) -> Recipe | None:
    """The recipe a checkpoint was trained by; None where its run is not here."""
    if start.pin.run is None:
        return None
    try:
        text = (project.runs / start.pin.run / CONFIG).read_text("utf-8")
        return TrainConfig.model_validate_json(text).recipe
    except (OSError, UnicodeDecodeError, ValidationError):
        return None


def going_on(recipe: Recipe, start: Resolved, settings: tuple[str, ...]) -> Recipe:
    """A recipe for training on a checkpoint: base, template and the adapter's shape are its own.

    Raises:
        UsageError: a setting says another shape.
    """
    named = {setting.partition("=")[0] for setting in settings}
    if clash := sorted(named & {*_SHAPE, "quantize"}):
        raise UsageError(f"--set {clash[0]}: the adapter of {start.name} has its own; leave it out.")
    lora, pin = start.pin.lora, start.pin
    shape = {} if lora is None else {
        "r": lora.r, "alpha": round(lora.alpha), "target_modules": lora.target_modules,
        "use_rslora": lora.rslora, "use_dora": lora.dora, "modules_to_save": lora.modules_to_save,
    }  # fmt: skip
    revision = f"@{pin.base.revision}" if pin.base.revision else ""
    asked = {
        "base": f"{pin.base.repo}{revision}",
        "thinking": recipe.thinking if pin.thinking is None else pin.thinking,
        "chat_template": None if own_template(start) else recipe.chat_template,
    }
    same = recipe.base.partition("@")[0].removeprefix(PACKAGED_PREFIX) == pin.base.repo.removeprefix(
        PACKAGED_PREFIX
    )
    foreign = {} if same else {"license": "", "license_note": None, "architecture": None}
    return recipe.model_copy(update={**shape, **asked, **foreign})


def own_template(start: Resolved) -> Path | None:
    """The folder of the checkpoint, where it brings a tokenizer and a template of its own."""
    return start.adapter if start.adapter is not None and has_template(start.adapter) else None


def preferring(recipe: Recipe, request: TrainRequest, progress: Progress) -> Recipe:
    """A recipe with the method that was asked for, and a rate that fits it.

    A recipe that names the method itself is taken as it is.
    """
    method = request.method or recipe.method
    if method == recipe.method:
        return _beside(recipe, progress)
    update: dict[str, str | float] = {"method": method}
    named = {setting.partition("=")[0] for setting in request.settings}
    if recipe.method == "sft" and "learning_rate" not in named:
        rate = recipe.learning_rate / _GENTLER
        update["learning_rate"] = rate
        progress.note(
            f"learning rate {rate:g}: a tenth of the recipe's, which is for answers (--set "
            "learning_rate=… for another)"
        )
    return _beside(Recipe.model_validate(recipe.model_dump() | update), progress)


def _beside(recipe: Recipe, progress: Progress) -> Recipe:
    """`kto` with two rows at a time at least: its KL term is estimated from a row's neighbours."""
    if recipe.method != "kto" or recipe.micro_batch_size > 1:
        return recipe
    if recipe.micro_batch_size == 1:
        progress.note("micro_batch_size 2: kto holds each row beside another")
    return recipe.model_copy(update={"micro_batch_size": 2})
