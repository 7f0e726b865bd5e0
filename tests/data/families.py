"""A base of any family, small enough to build in a test: its tokens, its template, random weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brie.data.families import FAMILIES, family_template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def family_tokenizer(name: str, folder: Path, *, template: str | None = None) -> PreTrainedTokenizerFast:
    """One token a byte and the family's own; saved with its template, or another one ("": none)."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = {"eos_token": "<|endoftext|>", **FAMILIES[name].special}
    fast = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<|pad|>", **special)
    thoughts = ("<think>", "</think>")
    tokens = FAMILIES[name].tokens
    fast.add_tokens([AddedToken(t, special=True) for t in tokens if t not in thoughts])
    fast.add_tokens([AddedToken(t, special=False) for t in tokens if t in thoughts])
    text = family_template(name) if template is None else template
    if text:
        fast.chat_template = text
    fast.save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    again = AutoTokenizer.from_pretrained(folder)  # as its users will write it
    again.save_pretrained(folder)
    return again


def family_base(name: str, folder: Path, *, template: str | None = None) -> Path:
    """A two-layer model with random weights and that tokenizer."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    fast = family_tokenizer(name, folder, template=template)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=1024,
        initializer_range=0.1,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder
