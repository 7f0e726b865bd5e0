"""Putting an adapter on a loaded base, and seeing that the base is still the base."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import PinError
from brie.pin.adapters import ADAPTER_CONFIG, Rewriting, rewriting
from brie.pin.few_bits import import_if_there
from brie.pin.libraries import quiet_transformers

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_SAMPLE = 256
"""Numbers of each tensor that are compared before and after."""
_WRAPPING = (".base_layer", ".original_module", ".token_adapter")
"""What PEFT puts into the name of a tensor whose module it wraps."""


def attach(
    model: PreTrainedModel | PeftModel, name: str, folder: Path, *, alone: bool = False
) -> PeftModel:
    """Put an adapter beside a model's weights; returns the wrapped model, the adapter active.

    Args:
        model: the base, with or without other adapters.
        name: what the adapter is called on it.
        folder: the adapter's.
        alone: nothing else will be asked of this model, so that its base may change.

    Raises:
        PinError: files are missing, the adapter does not fit this base, tensors of its file have no
            place in the model, or it changes the base.
    """
    rewrites = rewriting(folder)
    if rewrites is not None and not (alone and rewrites.in_turn):
        raise rewrites.refusal(folder)
    before = {} if rewrites else _fingerprint(model)
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wrapped, missing, unexpected = _loaded(model, name, folder)
        except KeyError as error:
            raise PinError(
                f"the adapter in {folder} does not fit this base: its file lacks {error.args[0]}, which "
                f"its {ADAPTER_CONFIG} speaks of."
            ) from error
        except (RuntimeError, ValueError, TypeError, AttributeError, ImportError) as error:
            raise PinError(f"the adapter in {folder} does not fit this base: {error}") from error
    if missing:
        other = f"; it has {_named(unexpected)} instead" if unexpected else ""
        raise PinError(
            f"the adapter in {folder} does not fit this base: it has no {_named(missing)}{other}."
        )
    if unexpected:
        raise PinError(
            f"the adapter in {folder} does not fit this base: {_named(unexpected)} of its file "
            f"{'has' if len(unexpected) == 1 else 'have'} no place in the model, by its "
            f"{ADAPTER_CONFIG}, and would be left out."
        )
    after = _fingerprint(wrapped) if before else {}
    changed = sorted(key for key, value in before.items() if after.get(key) != value)
    if changed:
        raise Rewriting(f"{changed[0]} is another one afterwards", in_turn=False).refusal(folder)
    return wrapped


def _loaded(
    model: PreTrainedModel | PeftModel, name: str, folder: Path
) -> tuple[PeftModel, list[str], list[str]]:
    """The wrapped model, and the tensors that are missing or have no place."""
    import_if_there()
    from peft import LoraConfig, PeftModel, PeftModelForCausalLM

    if isinstance(model, PeftModel):
        wrapped = model
    else:
        config = LoraConfig.from_pretrained(str(folder))
        config.inference_mode = True
        wrapped = PeftModelForCausalLM(model, config, name)
    renamed = getattr(wrapped.get_base_model(), "_checkpoint_conversion_mapping", {})
    result = wrapped.load_adapter(str(folder), name, key_mapping=renamed)
    parts = [sorted(key.replace(f".{name}", "") for key in keys) for keys in result]
    return wrapped, parts[0], parts[1]


def _named(keys: list[str]) -> str:
    shown = ", ".join(key.removeprefix("base_model.model.") for key in keys[:3])
    return f"{shown} and {len(keys) - 3} more" if len(keys) > 3 else shown


def _fingerprint(model: PreTrainedModel | PeftModel) -> dict[str, bytes]:
    """A few numbers of every tensor, by its name without PEFT's wrapping."""
    import torch

    numbers = {}
    for name, parameter in model.named_parameters():
        plain = name.removeprefix("base_model.model.")
        for part in _WRAPPING:
            plain = plain.replace(part, "")
        flat = parameter.detach().flatten()
        some = flat[:: max(1, flat.numel() // _SAMPLE)].cpu().contiguous()
        numbers[plain] = some.view(torch.uint8).numpy().tobytes()
    return numbers
