"""The adapter a recipe asks for, and what it is put on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from brie.pin.adapters import VISION
from brie.pin.weights import build_empty_causal_lm
from brie.train.layers import sees
from brie.train.quiet import quiet
from brie.train.recipes import Recipe

if TYPE_CHECKING:
    from peft import LoraConfig


_BLIND = rf".*({'|'.join(re.escape(part.rstrip('.')) for part in VISION)})\..*"
"""Modules that get no LoRA: what is trained is what writes."""


def lora_config(recipe: Recipe, base: Path) -> LoraConfig:
    """The adapter's configuration, nothing left to PEFT's defaults that matters.

    Args:
        recipe: the settings.
        base: the base's folder; of one that sees or hears, only what writes is trained.
    """
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.r,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(recipe.target_modules),
        exclude_modules=_BLIND if sees(base) else None,
        modules_to_save=list(recipe.modules_to_save) or None,
        bias="none",
        use_rslora=recipe.use_rslora,
        use_dora=recipe.use_dora,
        init_lora_weights=True if recipe.init_lora_weights == "default" else recipe.init_lora_weights,
    )


def count_parameters(folder: Path) -> int:
    """Parameters of the model a folder's config describes: exact, whatever its family.

    Raises:
        OSError, ValueError, KeyError: transformers cannot build it.
    """
    return build_empty_causal_lm(folder).num_parameters()


def count_trained(folder: Path, recipe: Recipe) -> int:
    """Parameters a recipe trains on the model a folder describes: exact.

    Raises:
        OSError, ValueError, KeyError: transformers or PEFT cannot build it.
    """
    with quiet():
        from peft import get_peft_model

        adapted = get_peft_model(build_empty_causal_lm(folder), lora_config(recipe, folder))
    return sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
