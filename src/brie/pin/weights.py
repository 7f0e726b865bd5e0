"""Loading causal language models: safetensors only, no remote code, no network, one at a time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LOADING = threading.Lock()
"""transformers switches weight tying off for the whole process while it loads a model. Two loads at
once restore it in the wrong order, and every model after them keeps untied, empty output weights."""


class Loading(TypedDict, total=False):
    """More for transformers' `from_pretrained`."""

    attn_implementation: str | None
    """Its name of the attention kernel; None: the library's own choice."""


def load_causal_lm(folder: Path, dtype: str, **options: Unpack[Loading]) -> PreTrainedModel:
    """The model in a local folder, on the processor, in one number format.

    Args:
        folder: holds config.json and *.safetensors.
        dtype: torch's name of the number format, such as "float32".
        options: more for transformers' `from_pretrained`.

    Raises:
        OSError, ValueError: transformers cannot load the folder.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with _LOADING:
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **options,
        )


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
