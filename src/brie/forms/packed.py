"""Folders whose weights bitsandbytes packed, unpacked into numbers without bitsandbytes.

Packing in 4 bits (bitsandbytes, `functional.py`, QuantState): two numbers a byte, the first one in the
upper half, each an index into a table of 16; number = table[index] * scale, one scale for `blocksize`
numbers in a row. Scales may be packed themselves: an index into a table of 256, times a scale for
`nested_blocksize` of them, plus an offset. In 8 bits: number = whole * SCB / 127, one SCB a row.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brie.errors import PinError
from brie.pin.folders import json_or_empty
from brie.pin.hashing import SPEECH_FILES, TOKENIZER_FILES
from brie.pin.tensors import tensors

if TYPE_CHECKING:
    import torch

_ALSO = ("config.json", "generation_config.json")
_STATE = ".quant_state.bitsandbytes__"
_PARTS = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", ".SCB", ".weight_format")
_MOST_STATE = 10_000
"""Bytes of a tensor's settings."""
_Read = Mapping[str, "torch.Tensor"]
_Length = Annotated[int, Field(gt=0, lt=2**62)]


class _Settings(BaseModel):
    """How one tensor is packed, by the JSON beside it."""

    model_config = ConfigDict(extra="ignore")

    blocksize: _Length
    shape: tuple[_Length, ...]
    nested_blocksize: _Length | None = None
    nested_offset: float = 0.0


def unpack_bitsandbytes(source: Path, folder: Path) -> None:
    """Write a folder that bitsandbytes packed as one of float32 safetensors.

    Args:
        source: the packed folder.
        folder: made anew.

    Raises:
        PinError: parts of a tensor are missing or do not belong together.
    """
    from safetensors.torch import load_file, save_file

    read: dict[str, torch.Tensor] = {}
    for path in sorted(source.glob("*.safetensors")):
        tensors(path)
        read |= load_file(path)
    config = json_or_empty(source / "config.json")
    config.pop("quantization_config", None)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*TOKENIZER_FILES, *SPEECH_FILES, *_ALSO):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "float32"}, indent=2), "utf-8")
    try:
        numbers = {name: _numbers(name, read).contiguous() for name in read if not _is_part(name)}
    except (KeyError, ValueError, RuntimeError, IndexError) as error:
        raise PinError(f"{source} is packed by bitsandbytes and damaged: {error}") from error
    save_file(numbers, folder / "model.safetensors", {"format": "pt"})


def _is_part(name: str) -> bool:
    return name.endswith(_PARTS) or _STATE in name


def _numbers(name: str, read: _Read) -> torch.Tensor:
    import torch

    state = next(
        (read[key] for key in (f"{name}{_STATE}{kind}" for kind in ("nf4", "fp4")) if key in read), None
    )
    if state is not None:
        return _from_four(name, read, _settings(name, state))
    scales = read.get(name.removesuffix("weight") + "SCB")
    if scales is not None:
        return read[name].to(torch.float32) * (scales.to(torch.float32) / 127)[:, None]
    return read[name].to(torch.float32)


def _settings(name: str, state: torch.Tensor) -> _Settings:
    """Settings that stand, as JSON, in a tensor of bytes.

    Raises:
        ValueError: they are none.
    """
    import torch

    if state.dtype != torch.uint8 or state.numel() > _MOST_STATE:
        raise ValueError(f"{name} has no settings")
    try:
        return _Settings.model_validate_json(bytes(state.flatten().tolist()))
    except ValidationError as error:
        raise ValueError(f"the settings of {name} are not whole") from error


def _from_four(name: str, read: _Read, settings: _Settings) -> torch.Tensor:
    import torch

    packed = read[name].contiguous().view(torch.uint8).flatten()
    count = 1
    for length in settings.shape:
        count *= length
    if packed.numel() != -(-count // 2):
        raise ValueError(f"{name} has {packed.numel():,} bytes for the shape {settings.shape}")
    indices = torch.stack((packed >> 4, packed & 15), dim=1).flatten()[:count].long()
    scales = _scales(name, read, settings)
    if scales.numel() != -(-count // settings.blocksize):
        raise ValueError(f"{name} and its scales do not belong together")
    each = scales[torch.arange(count) // settings.blocksize]
    return (read[f"{name}.quant_map"].to(torch.float32)[indices] * each).view(settings.shape)


def _scales(name: str, read: _Read, settings: _Settings) -> torch.Tensor:
    import torch

    scales = read[f"{name}.absmax"].flatten()
    if settings.nested_blocksize is None:
        return scales.to(torch.float32)
    outer = read[f"{name}.nested_absmax"].to(torch.float32)
    table = read[f"{name}.nested_quant_map"].to(torch.float32)
    # Not by repeating: a file may claim a block of any length.
    each = outer[torch.arange(scales.numel()) // settings.nested_blocksize]
    return table[scales.long()] * each + settings.nested_offset
