"""A GGUF file as a folder: its numbers unpacked, tokenizer and template as transformers reads them."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

from brie.errors import PinError, UsageError
from brie.forms.header import read_header
from brie.pin.libraries import quiet_transformers

STAMP = "unpacked.json"
"""Written last: a folder without it was not finished."""
INSTALL = "pip install 'brie-eval[gguf,train]'"


class NotReadHere(PinError):
    """transformers has no loader for the file, or fails; another program may read it."""


def unpack_gguf(path: Path, folder: Path, dtype: str = "float32") -> None:
    """Write a GGUF file's model as a folder of safetensors; no code of the file's runs.

    Args:
        path: the file; its header is checked first.
        folder: made anew.
        dtype: number format of what is written.

    Raises:
        PinError: the file is damaged.
        NotReadHere: transformers has no loader for its architecture.
        UsageError: the package that reads it is not installed.
    """
    read_header(path)
    try:
        import gguf  # noqa: F401 - transformers asks for it with a longer message
        import torch
        from safetensors.torch import save_file
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ModuleNotFoundError as error:
        raise UsageError(f"reading a GGUF file needs {error.name}: {INSTALL}") from error
    where, name = str(path.parent), path.name
    with quiet_transformers(), contextlib.redirect_stderr(io.StringIO()):
        try:
            tokenizer = AutoTokenizer.from_pretrained(where, gguf_file=name, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(
                where, gguf_file=name, dtype=getattr(torch, dtype), local_files_only=True
            )
        except Exception as error:  # it raises whatever its parts do
            raise NotReadHere(f"transformers cannot read {path}: {_first_line(error)}") from error
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # A model that came from a GGUF file refuses to be saved, plain as its numbers are.
    numbers = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        numbers.pop("lm_head.weight", None)
    with quiet_transformers():
        tokenizer.save_pretrained(folder)
        model.config.save_pretrained(folder)
    save_file(numbers, folder / "model.safetensors", {"format": "pt"})
    ends = {"eos_token_id": model.config.eos_token_id}
    (folder / "generation_config.json").write_text(json.dumps(ends), "utf-8")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
