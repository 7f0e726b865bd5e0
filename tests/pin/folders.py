"""Model folders small enough to write by hand, with real safetensors files."""

from __future__ import annotations

import json
import struct
from pathlib import Path

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tensors(path: Path, tensors: dict[str, tuple[int, ...]], fill: int = 1) -> None:
    """A safetensors file of float32 zeros and `fill` bytes."""
    header: dict[str, object] = {}
    offset = 0
    for name, shape in tensors.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes([fill]) * offset)


def make_base(folder: Path, fill: int = 1) -> Path:
    """A base model's folder: weights, config, tokenizer and template."""
    folder.mkdir(parents=True)
    write_tensors(folder / "model.safetensors", {"embed": (4, 4)}, fill)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2", "hidden_size": 4}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    (folder / "chat_template.jinja").write_text(CHATML)
    return folder


def make_adapter(folder: Path, fill: int = 1) -> Path:
    """A LoRA checkpoint's folder."""
    folder.mkdir(parents=True)
    write_tensors(folder / "adapter_model.safetensors", {"a": (8, 4), "b": (4, 8)}, fill)
    config = {
        "r": 8,
        "lora_alpha": 16,
        "lora_dropout": 0.0,
        "target_modules": ["v_proj", "q_proj"],
        "base_model_name_or_path": "me/base",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder
