"""What mlx-lm writes: folders in few bits unpacked into numbers, adapters renamed to PEFT's.

Packing (ml-explore/mlx, `mx.quantize`, mode `affine`): `bits` wide whole numbers stand in 32-bit words,
the lowest first; number = scale * whole + bias, one scale and bias for `group_size` of a row.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.errors import PinError
from brie.pin.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, MLX_WEIGHTS
from brie.pin.folders import json_or_empty
from brie.pin.hashing import SPEECH_FILES, TOKENIZER_FILES
from brie.pin.tensors import tensors

if TYPE_CHECKING:
    import torch

_WHOLE_BITS = (2, 4, 8)
"""Widths of which a word holds a whole number."""
_ALSO = ("config.json", "generation_config.json")


def unpack_mlx(source: Path, folder: Path) -> None:
    """Write an MLX folder in few bits as one of float32 safetensors.

    Args:
        source: the MLX folder.
        folder: made anew.

    Raises:
        PinError: it is packed in a way that is not unpacked here.
    """
    import torch
    from safetensors.torch import load_file, save_file

    config = json_or_empty(source / "config.json")
    packing = config.pop("quantization", {})
    config.pop("quantization_config", None)
    read: dict[str, torch.Tensor] = {}
    for path in sorted(source.glob("*.safetensors")):
        tensors(path)
        read |= load_file(path)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*TOKENIZER_FILES, *SPEECH_FILES, *_ALSO):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "float32"}, indent=2), "utf-8")
    numbers = {
        name: (
            _unpacked(source, name, read, packing if isinstance(packing, dict) else {})
            if name.removesuffix("weight") + "scales" in read
            else tensor.to(torch.float32)
        ).contiguous()
        for name, tensor in read.items()
        if not name.endswith((".scales", ".biases"))
    }
    save_file(numbers, folder / "model.safetensors", {"format": "pt"})


def _unpacked(
    source: Path, name: str, read: dict[str, torch.Tensor], packing: dict[str, JsonValue]
) -> torch.Tensor:
    import torch

    module = name.removesuffix(".weight")
    for_module = packing.get(module)
    settings = {**packing, **for_module} if isinstance(for_module, dict) else packing
    bits, mode = settings.get("bits"), settings.get("mode", "affine")
    if bits not in _WHOLE_BITS or mode != "affine" or f"{module}.biases" not in read:
        raise PinError(
            f"{source} is packed as {mode}, {bits} bits, which brie does not unpack (affine in 2, 4 or "
            "8 bits it does). Serve it and compare it as server:LABEL#MODEL: mlx_lm.server --model "
            f"{source}"
        )
    words, scales = read[name].to(torch.int64) & 0xFFFF_FFFF, read[f"{module}.scales"]
    width = int(str(bits))
    shifts = torch.arange(0, 32, width)
    whole = ((words[..., None] >> shifts) & ((1 << width) - 1)).flatten(-2).to(torch.float32)
    groups = scales.shape[-1]
    if not groups or whole.shape[-1] % groups or whole.shape[:-1] != scales.shape[:-1]:
        raise PinError(f"{source}: {name} and its scales do not belong together.")
    grouped = whole.unflatten(-1, (groups, -1))
    scale = scales.to(torch.float32)[..., None]
    return (grouped * scale + read[f"{module}.biases"].to(torch.float32)[..., None]).flatten(-2)


def convert_adapter(source: Path, folder: Path) -> None:
    """Write an adapter of mlx-lm as one of PEFT: keys renamed, matrices turned, alpha = scale * r.

    Args:
        source: holds adapters.safetensors and adapter_config.json.
        folder: made anew.

    Raises:
        PinError: it is no LoRA adapter, or its settings are missing.
    """
    from safetensors.torch import load_file, save_file

    settings = json_or_empty(source / ADAPTER_CONFIG)
    kind, lora = settings.get("fine_tune_type", "lora"), settings.get("lora_parameters")
    if kind != "lora" or not isinstance(lora, dict):
        raise PinError(
            f"{source} is an adapter of mlx-lm of the kind {kind!r}, which has no PEFT form. Fuse it "
            f"with its base: mlx_lm.fuse --model BASE --adapter-path {source} --save-path FUSED"
        )
    rank, scale = lora.get("rank"), lora.get("scale")
    if not isinstance(rank, int) or rank < 1 or not isinstance(scale, (int, float)):
        raise PinError(f"{source / ADAPTER_CONFIG}: lora_parameters has no rank and scale.")
    tensors(source / MLX_WEIGHTS)
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(source / MLX_WEIGHTS).items():
        module, _, part = name.rpartition(".")
        if part not in ("lora_a", "lora_b") or tensor.ndim != 2:
            raise PinError(
                f"{source / MLX_WEIGHTS}: {name} is no matrix of LoRA; fuse it with its base."
            )
        side = "A" if part == "lora_a" else "B"
        renamed[f"base_model.model.{module}.lora_{side}.weight"] = tensor.T.contiguous()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_file(renamed, folder / ADAPTER_WEIGHTS, {"format": "pt"})
    (folder / ADAPTER_CONFIG).write_text(
        json.dumps(_peft_settings(settings, sorted(renamed), rank, float(scale)), indent=2), "utf-8"
    )


def _peft_settings(
    settings: dict[str, JsonValue], names: list[str], rank: int, scale: float
) -> dict[str, JsonValue]:
    modules = sorted({name.split(".lora_")[0].rpartition(".")[2] for name in names})
    layers = sorted({int(part) for name in names for part in name.split(".") if part.isdigit()})
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": settings.get("model"),
        "r": rank,
        "lora_alpha": scale * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list[JsonValue](modules),
        "layers_to_transform": list[JsonValue](layers),
        "inference_mode": True,
    }
