"""Loading a model and its adapters: safetensors only, no remote code, no network, no chatter."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from brie.errors import PinError, UsageError
from brie.libraries import quiet_transformers
from brie.pin import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from brie.records import Environment
from brie.weights import load_causal_lm

_SMALL = 30_000_000
"""Parameters."""


def load_model(folder: Path, environment: Environment) -> Any:
    """A causal language model in evaluation mode on its device.

    Raises:
        PinError: the folder holds no safetensors weights, or needs code of its own.
        UsageError: the device is not there, or has not enough memory.
    """
    if not list(folder.glob("*.safetensors")):
        raise PinError(f"{folder} holds no *.safetensors weights; brie loads nothing else.")
    with quiet_transformers():
        try:
            model = load_causal_lm(folder, environment.dtype)
        except (OSError, ValueError) as error:
            raise PinError(f"{folder} cannot be loaded as a causal language model: {error}") from error
    return _place(model.eval().requires_grad_(False), environment)


def load_adapter(model: Any, name: str, folder: Path) -> Any:
    """Put an adapter beside the model's weights, off; returns the wrapped model.

    Raises:
        PinError: files are missing, or the adapter does not fit this base.
    """
    from peft import PeftModel

    for needed in (ADAPTER_WEIGHTS, ADAPTER_CONFIG):
        if not (folder / needed).is_file():
            raise PinError(f"{folder} is no adapter that brie can load: it has no {needed}.")
    with quiet_transformers(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            if isinstance(model, PeftModel):
                model.load_adapter(str(folder), name)
            else:
                model = PeftModel.from_pretrained(model, str(folder), adapter_name=name)
        except (RuntimeError, ValueError, KeyError) as error:
            raise PinError(f"the adapter in {folder} does not fit this base: {error}") from error
    missing = [str(w.message) for w in said if "missing adapter keys" in str(w.message)]
    if missing:
        raise PinError(f"the adapter in {folder} does not fit this base: {missing[0][:300]}")
    return model.eval().requires_grad_(False)


def _place(model: Any, environment: Environment) -> Any:
    try:
        return model.to(environment.device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(
            f"the model cannot be put on {environment.device}: {first} Choose another with --device cpu."
        ) from error


def thread_count(model: Any, environment: Environment) -> int:
    """How many threads to compute with: a small model loses more to handing work around.

    On two busy cores a model of a million parameters ran 60 times slower with two threads than
    with one; on idle ones it gained nothing.
    """
    import torch

    usual: int = torch.get_num_threads()
    small = sum(parameter.numel() for parameter in model.parameters()) < _SMALL
    return 1 if small and environment.device == "cpu" else usual
