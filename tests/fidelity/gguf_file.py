"""A GGUF file of a tiny Qwen2 folder, written by GGML's own package: for tests without its converter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import gguf
import numpy as np
from safetensors.torch import load_file

Keys = dict[str, object]


def write_gguf(
    folder: Path,
    file: Path,
    kind: str = "F32",
    *,
    without: Sequence[str] = (),
    rope_base: float | None = None,
    end: int | None = None,
    change: Callable[[str, np.ndarray], np.ndarray] = lambda name, tensor: tensor,
) -> Path:
    """Write a merged folder as GGUF.

    Args:
        folder: of a Qwen2 model with a byte-level BPE tokenizer.
        file: written.
        kind: GGML's name of the format of matrices.
        without: keys left out.
        rope_base, end: another rope base, another end token.
        change: applied to each tensor, by its name in the file.
    """
    config = json.loads((folder / "config.json").read_text("utf-8"))
    writer = gguf.GGUFWriter(file, "qwen2")
    layers = int(config["num_hidden_layers"])
    writer.add_name("tiny")
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if "rope.freq_base" not in without:
        writer.add_rope_freq_base(rope_base or config["rope_theta"])
    _add_tokenizer(writer, folder, without, 2 if end is None else end)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, layers)
    quantised = gguf.GGMLQuantizationType[kind]
    for name, tensor in load_file(folder / "model.safetensors").items():
        known = names.get_name(name, try_suffixes=(".weight", ".bias")) or name
        array = change(known, tensor.float().numpy())
        to = quantised if array.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(known, gguf.quantize(array, to), raw_dtype=to)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tokenizer(writer: gguf.GGUFWriter, folder: Path, without: Sequence[str], end: int) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    vocabulary = dict(tokenizer["model"]["vocab"])
    vocabulary |= {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    tokens = sorted(vocabulary, key=lambda token: int(vocabulary[token]))
    added = {token["content"] for token in tokenizer["added_tokens"]}
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in added else normal for token in tokens])
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_eos_token_id(end)
    writer.add_pad_token_id(0)
    if "chat_template" not in without:
        writer.add_chat_template((folder / "chat_template.jinja").read_text("utf-8"))
