"""Which layers of a base can be adapted, looked up before anything is loaded or written."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from brie.errors import UsageError
from brie.pin.adapters import VISION
from brie.pin.folders import json_or_empty
from brie.pin.weights import build_empty_causal_lm
from brie.train.recipes import ALL_LINEAR, Recipe


def linear_layers(folder: Path) -> tuple[str, ...]:
    """Names of the linear layers inside a base's blocks; built without weights.

    Those of a part that sees or hears are left out: it is not trained.

    Raises:
        UsageError: the folder's model is none that transformers can build.
    """
    import torch

    try:
        model = build_empty_causal_lm(folder)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{folder.name} is no causal language model brie can train: {reason}"
        ) from error
    kinds = (torch.nn.Linear, *_conv1d())
    names = {
        name.rpartition(".")[2]
        for name, layer in model.named_modules()
        if isinstance(layer, kinds) and not any(part in name for part in VISION)
    }
    return tuple(sorted(names - {"lm_head", "embed_out"}))


def sees(folder: Path) -> bool:
    """Whether a base has a part that sees or hears."""
    config = json_or_empty(folder / "config.json")
    return any(config.get(name) for name in ("vision_config", "audio_config"))


def _conv1d() -> tuple[type, ...]:
    """GPT-2's linear layer, which is not torch's."""
    from transformers.pytorch_utils import Conv1D

    return (Conv1D,)


def with_layers(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with its layers by name: PEFT adapts those it finds and says nothing of the others.

    Raises:
        UsageError: a named layer does not exist in the base; lists those that do.
    """
    here = linear_layers(folder)
    if recipe.target_modules == (ALL_LINEAR,):
        return recipe.model_copy(update={"target_modules": here})
    missing = [name for name in recipe.target_modules if name not in here]
    if missing:
        listing = ", ".join(repr(name) for name in here)
        raise UsageError(
            f"{recipe.base} has no layer called {' or '.join(missing)}; its linear layers are: "
            f'--set "target_modules=[{listing}]"'
        )
    return recipe


def refuse_missing_packages(recipe: Recipe, device: str) -> None:
    """A package that is not installed fails only when training begins.

    Args:
        recipe: the settings.
        device: `cuda`, `mps` or `cpu`.

    Raises:
        UsageError: a setting needs a package that is not here, or a device it does not run on.
    """
    eight_bit, four_bit = recipe.optimizer.endswith("8bit"), recipe.quantize == "nf4"
    if four_bit and device == "mps":
        raise UsageError(
            f"quantize=nf4 trains on CUDA and CPUs, not on {device}; leave it out. A base in bfloat16 "
            "takes half of float32's memory: --set dtype=bfloat16"
        )
    for setting, asked in ((f"optimizer={recipe.optimizer}", eight_bit), ("quantize=nf4", four_bit)):
        if asked and importlib.util.find_spec("bitsandbytes") is None:
            raise UsageError(
                f"{setting} needs bitsandbytes, which is not installed: pip install bitsandbytes"
            )
    for name in recipe.report_to:
        if importlib.util.find_spec(name) is None:
            raise UsageError(f"report_to names {name}, which is not installed: pip install {name}")
