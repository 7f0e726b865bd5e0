"""Loading causal language models: safetensors only, no remote code, no network, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from brie.errors import PinError
from brie.pin.few_bits import import_bitsandbytes, packed_format
from brie.pin.libraries import quiet_transformers

if TYPE_CHECKING:
    from transformers import (
        BitsAndBytesConfig,
        PreTrainedConfig,
        PreTrainedModel,
        PreTrainedTokenizerFast,
    )

_LOADING = threading.Lock()
"""transformers switches weight tying off for the whole process while it loads a model. Two loads at
once restore it in the wrong order, and every model after them keeps untied, empty output weights."""


class Loading(TypedDict, total=False):
    """More for transformers' `from_pretrained`."""

    attn_implementation: str | None
    """Its name of the attention kernel; None: the library's own choice."""
    use_kernels: bool
    """Layers that have fused kernels on the Hub are computed by them."""
    quantization_config: BitsAndBytesConfig
    device_map: dict[str, str]
    """Where quantized weights go at once: they cannot be moved afterwards."""


def quantized(device: str, dtype: str, number_format: str = "nf4") -> Loading:
    """Loading in few bits through bitsandbytes.

    Args:
        device: `cuda` or `cpu`.
        dtype: what products are computed in.
        number_format: `nf4`, normal floats of 4 bits with doubly quantized scales (QLoRA, Dettmers et
            al. 2023), or `int8`, whole numbers with one scale a row (LLM.int8, Dettmers et al. 2022).
    """
    import torch
    from transformers import BitsAndBytesConfig

    four = number_format == "nf4"
    config = BitsAndBytesConfig(
        load_in_4bit=four,
        load_in_8bit=not four,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=four,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )
    return {"quantization_config": config, **placed(device)}


def placed(device: str) -> Loading:
    """Loading onto a device at once, which weights in few bits need.

    Args:
        device: `cuda`, `mps` or `cpu`.
    """
    import torch

    where = f"cuda:{torch.cuda.current_device()}" if device == "cuda" else device
    return {"device_map": {"": where}}


def load_causal_lm(folder: Path, dtype: str, **options: Unpack[Loading]) -> PreTrainedModel:
    """The model in a local folder, on the processor, in one number format.

    A folder whose weights bitsandbytes packed is loaded in the formats that its own config names.

    Args:
        folder: holds config.json and *.safetensors.
        dtype: torch's name of the number format, such as "float32".
        options: more for transformers' `from_pretrained`.

    Raises:
        OSError, ValueError: transformers cannot load the folder.
        PinError: weights of the model are not in its files, have other sizes there, or an adapter is.
        UsageError: bitsandbytes is needed and not installed.
    """
    import torch
    from transformers import AutoModelForCausalLM

    packed = packed_format(folder)
    if packed is not None:
        options = {**placed("cpu"), **options}
    if packed is not None or "quantization_config" in options:
        import_bitsandbytes(f"{folder.name} in {packed}" if packed else "quantising")
    with _LOADING:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype) if packed is None else "auto",
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **options,
        )
    _refuse_made_up(folder, report)
    loaded: PreTrainedModel = model
    return loaded


class _Report(TypedDict):
    """What transformers says of a load."""

    missing_keys: Collection[str]
    unexpected_keys: Collection[str]
    mismatched_keys: Collection[tuple[str, Sequence[int], Sequence[int]]]
    """Name, size in the files, size in the model."""


def _refuse_made_up(folder: Path, report: _Report) -> None:
    """Refuse a model of which transformers would draw weights, or pass over a part.

    Raises:
        PinError: names the tensors, and their sizes where those are what differs.
    """
    if mismatched := sorted(report["mismatched_keys"]):
        name, held, wanted = mismatched[0]
        raise PinError(
            f"{folder} does not fit its config.json: {name} has the size {tuple(held)} in its "
            f"files, and {tuple(wanted)} by the config."
        )
    missing, others = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
    if missing:
        instead = f" (it holds {', '.join(others[:2])} instead)" if others else ""
        raise PinError(
            f"{folder} lacks {', '.join(missing[:3])}, which would be made up{instead}: its weights are "
            "not those of the model that its config.json describes."
        )
    if left := [name for name in others if any(part in name for part in _OF_ADAPTERS)]:
        raise PinError(
            f"{folder} holds {left[0]}, part of an adapter that was never merged: save it again after "
            "merge_and_unload."
        )


_OF_ADAPTERS = (".lora_", ".base_layer.", ".modules_to_save.")


def load_reward_model(folder: Path, dtype: str) -> PreTrainedModel:
    """The sequence-classification model in a local folder, on the processor, in one number format.

    Args:
        folder: holds config.json and *.safetensors.
        dtype: torch's name of the number format, such as "float32".

    Raises:
        OSError, ValueError: transformers cannot load the folder, or weights of the model are not in it.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    with _LOADING:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    if absent := sorted(report["missing_keys"]):
        raise ValueError(f"its files lack {', '.join(absent[:3])}, which would be made up")
    loaded: PreTrainedModel = model
    return loaded


def build_empty_causal_lm(folder: Path) -> PreTrainedModel:
    """The model a folder's config.json describes, with layers but without weights.

    Raises:
        OSError, ValueError, KeyError: transformers cannot build it.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with _LOADING, torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return AutoModelForCausalLM.from_config(config)


def load_tokenizer_of(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer in a local folder; no code of the folder's runs, asked or not.

    Raises:
        PinError: there is none that transformers can load, or it needs code of its own.
    """
    from transformers import AutoTokenizer

    with quiet_transformers():
        try:
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # its Rust half raises nothing more precise
            raise PinError(f"{folder} holds no tokenizer that can be loaded: {_why(error)}") from error


def load_config_of(folder: Path) -> PreTrainedConfig:
    """What a folder's config.json describes; no code of the folder's runs, asked or not.

    Raises:
        PinError: there is none, or transformers does not know it without code of its own.
    """
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise PinError(f"{folder} holds no config.json: it is no model.")
    with quiet_transformers():
        try:
            return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # a config's own checks raise errors of many kinds
            raise PinError(f"{folder}/config.json cannot be used: {_why(error)}") from error


def _why(error: Exception) -> str:
    """An error's first line, or that the folder wants its own code to run."""
    if "trust_remote_code" in str(error):
        return "it asks to run code of its own, which brie never does."
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
