"""How much memory a run will need, from shapes alone: nothing is loaded.

Weights, adapter, gradients and optimizer are exact. Activations are an estimate: what the
backward pass of a Llama-like block keeps when only its adapters learn, counted tensor by
tensor below and checked against measurements in `bench/train_step.py`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from brie.train.attention import TORCH
from brie.train.config import Decided
from brie.train.recipes import Architecture, Recipe

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Of a parameter in 4 bits: its half byte, a byte of scale for 64, and four for 256 of those (QLoRA,
Dettmers et al. 2023, section 3)."""
LIBRARIES = 600_000_000
"""What torch and its companions take before any model, bytes."""
_LOGIT_TOKENS = 256
"""Rows of logits the loss holds at a time (TRL computes it in tiles), in float32, three times."""


_TILE = (4096, 32768)
"""Tokens and words of the tiles in which TRL computes the logits of pairs."""
_TILE_COPIES = 3
"""What is worked out of a tile at the same time, in float32."""


class Memory(NamedTuple):
    """Bytes, by what they hold."""

    weights: int
    adapter: int
    """Adapter weights and their gradients, float32; a frozen copy of the weights, where there is one."""
    optimizer: int
    """AdamW's two moments, float32."""
    activations: int
    logits: int
    borrowed: int = 0
    """Of a sharded model: weights of other devices that are gathered at a time."""

    @property
    def total(self) -> int:
        """All of it; the libraries themselves add about half a gigabyte."""
        return sum(self)


def parameters(shape: Architecture) -> int:
    """Parameters of a Qwen2 model: exact."""
    kv = _kv(shape)
    attention = shape.hidden * (2 * shape.hidden + 2 * kv) + shape.hidden + 2 * kv
    block = attention + 3 * shape.hidden * shape.intermediate + 2 * shape.hidden
    embeddings = shape.vocabulary * shape.hidden * (1 if shape.tied else 2)
    return embeddings + shape.layers * block + shape.hidden


def _weights(shape: Architecture, recipe: Recipe, size: int) -> int:
    """Bytes of the frozen base, and of what is unpacked of it at a time.

    In 4 bits are the linear layers of the blocks; embeddings, head and norms keep the number format.
    """
    whole = parameters(shape)
    if recipe.quantize != "nf4":
        return whole * size
    kv = _kv(shape)
    linear = shape.hidden * (2 * shape.hidden + 2 * kv) + 3 * shape.hidden * shape.intermediate
    packed = shape.layers * linear
    unpacked = shape.hidden * shape.intermediate * size
    return (whole - packed) * size + round(packed * NF4_BYTES) + unpacked


def adapter_parameters(shape: Architecture, r: int, modules: Collection[str]) -> int:
    """Parameters of a LoRA of rank r on the named linear layers: exact."""
    kv, hidden, wide = _kv(shape), shape.hidden, shape.intermediate
    ends = {
        "q_proj": hidden + hidden,
        "k_proj": hidden + kv,
        "v_proj": hidden + kv,
        "o_proj": hidden + hidden,
        "gate_proj": hidden + wide,
        "up_proj": hidden + wide,
        "down_proj": wide + hidden,
    }
    return shape.layers * r * sum(ends[module] for module in modules if module in ends)


def estimate(
    shape: Architecture,
    recipe: Recipe,
    dtype: str,
    tokens_a_row: int,
    *,
    copied: bool = False,
    attention: Decided | None = None,
    parts: int = 1,
) -> Memory:
    """Memory of one process in training.

    A reference is the same weights with the adapter off, or with a frozen copy of it; its forward pass
    keeps nothing. Of a pair both answers are held at once.

    Args:
        shape: the base's architecture.
        recipe: rank, modules, micro-batch, checkpointing.
        dtype: the base's number format.
        tokens_a_row: the longest row that will be seen, after truncation.
        copied: the adapter is that of a checkpoint, and a copy of it is the reference.
        attention: what computes it; None is transformers' own choice.
        parts: devices that weights, adapter and optimizer are spread over.
    """
    size = BYTES[dtype]
    adapter = adapter_parameters(shape, recipe.r, recipe.target_modules)
    tokens = tokens_a_row * recipe.micro_batch_size * (2 if recipe.method == "dpo" else 1)
    block = _block_bytes(shape, recipe, size)
    if recipe.gradient_checkpointing:
        activations = tokens * (shape.layers * shape.hidden * size + block)
    else:
        activations = tokens * shape.layers * block
    if recipe.packing and attention is not None and attention.value == TORCH:
        activations += tokens**2 * (1 + size)  # which token sees which: as bits, and as numbers
    return Memory(
        weights=_weights(shape, recipe, size) // parts,
        adapter=adapter * (12 if copied else 8) // parts,
        optimizer=adapter * 8 // parts,
        activations=activations,
        logits=_logits(shape, recipe, tokens, size),
        borrowed=_borrowed(shape, size) if parts > 1 else 0,
    )


def _borrowed(shape: Architecture, size: int) -> int:
    """Bytes of weights that FSDP2 gathers at a time: one block is computed with, the next is on its way
    and lies in a buffer before it is taken apart; the head stays from the way forward to the way back,
    and the loss takes a copy of it."""
    head = shape.vocabulary * shape.hidden
    blocks = parameters(shape) - head * (1 if shape.tied else 2)
    return (3 * blocks // shape.layers + 2 * head) * size


def _logits(shape: Architecture, recipe: Recipe, tokens: int, size: int) -> int:
    """Bytes of the logits that are held at a time.

    TRL's trainers for pairs compute them in tiles of 4,096 tokens by 32,768 words, and what is done
    with a tile in float32.
    """
    if recipe.method == "sft":
        return min(tokens, _LOGIT_TOKENS) * shape.vocabulary * 4 * 3
    tokens_held, words = min(tokens, _TILE[0]), min(shape.vocabulary, _TILE[1])
    return tokens_held * words * (size + 4 * _TILE_COPIES)


def _block_bytes(shape: Architecture, recipe: Recipe, size: int) -> int:
    """Bytes one block keeps a token for its backward pass."""
    hidden, wide, kv = shape.hidden, shape.intermediate, _kv(shape)
    norms = 2 * 2 * 4 * hidden  # two norms, input and normalised value, float32
    attention = size * (3 * hidden + 2 * kv)  # q, k, v after rotation, and the output
    gate = size * 3 * wide  # gate, its activation, up
    inputs = {"o_proj": hidden, "down_proj": wide}  # the others read a norm's output
    adapters = sum(size * inputs.get(module, hidden) for module in recipe.target_modules)
    ranks = len(recipe.target_modules) * recipe.r * 4
    return norms + attention + gate + adapters + ranks


def read_architecture(folder: Path) -> Architecture | None:
    """A model folder's shape from its config, None where it is not a Llama-like one."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        return Architecture(
            hidden=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            kv_heads=config.get("num_key_value_heads") or config["num_attention_heads"],
            intermediate=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (OSError, ValueError, KeyError):
        return None


def _kv(shape: Architecture) -> int:
    return shape.hidden // shape.heads * shape.kv_heads
