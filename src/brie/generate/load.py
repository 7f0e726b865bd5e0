"""Loading a model and its adapters: safetensors only, no remote code, no network, no chatter."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import PinError, UsageError
from brie.pin.attach import attach
from brie.pin.few_bits import packed_format
from brie.pin.libraries import quiet_transformers
from brie.pin.thread_pace import ThreadPace
from brie.pin.weights import Loading, load_causal_lm, placed
from brie.records import Environment

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_SMALL = 30_000_000
"""Parameters."""


def load_model(folder: Path, environment: Environment) -> PreTrainedModel:
    """A causal language model in evaluation mode on its device.

    Raises:
        PinError: the folder holds no safetensors weights, or needs code of its own.
        UsageError: the device is not there, or has not enough memory, or the package that reads
            weights in few bits is not installed.
    """
    if not list(folder.glob("*.safetensors")):
        raise PinError(f"{folder} holds no *.safetensors weights; brie loads nothing else.")
    there = packed_format(folder) is not None
    options: Loading = placed(environment.device) if there else {}
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = load_causal_lm(folder, environment.dtype, **options)
        except (OSError, ValueError, RuntimeError) as error:
            raise PinError(f"{folder} cannot be loaded as a causal language model: {error}") from error
    model = model.eval().requires_grad_(False)
    return model if there else _place(model, environment)


def load_adapter(
    model: PreTrainedModel | PeftModel, name: str, folder: Path, *, alone: bool = False
) -> PeftModel:
    """Put an adapter beside the model's weights, off; returns the wrapped model.

    Args:
        model: the base, with or without other adapters.
        name: what the adapter is called on it.
        folder: the adapter's.
        alone: nothing but this adapter will answer, so that it may rewrite its base.

    Raises:
        PinError: files are missing, the adapter does not fit this base, or changes it.
    """
    return attach(model, name, folder, alone=alone).eval().requires_grad_(False)


def _place(model: PreTrainedModel, environment: Environment) -> PreTrainedModel:
    try:
        return model.to(environment.device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(
            f"the model cannot be put on {environment.device}: {first} Choose another with --device cpu."
        ) from error


def thread_pace(model: PreTrainedModel | PeftModel, environment: Environment) -> ThreadPace:
    """What decides the threads of the next step: a CPU's are tried, other devices need none.

    A small model always has one, for it loses more to handing work around than it can gain: on two
    busy cores one of a million parameters ran 60 times slower with two.
    """
    import torch

    small = sum(parameter.numel() for parameter in model.parameters()) < _SMALL
    if environment.device != "cpu":
        return ThreadPace(torch.get_num_threads(), fixed=True)
    return ThreadPace(1 if small else torch.get_num_threads())
