"""A Qwen2 model small enough to build in a test: random weights, bytes as tokens, ChatML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATE = (
    "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def build_tokenizer(folder: Path) -> Any:
    """One token a byte, three special tokens, saved with the template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    return fast


def build_base(folder: Path, *, seed: int = 0, context: int = 256, **shape: Any) -> Path:
    """A base model's folder; weights are wide enough apart that answers differ and end."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    fast = build_tokenizer(folder)
    settings: dict[str, Any] = {
        "vocab_size": len(fast),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": context,
        "initializer_range": 0.15,
        "eos_token_id": fast.eos_token_id,
        "pad_token_id": fast.pad_token_id,
    }
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(Qwen2Config(**(settings | shape)))
    model.lm_head.weight.data[fast.eos_token_id] *= 1.5  # some answers end by themselves
    model.save_pretrained(folder)
    return folder


def build_adapter(folder: Path, base: Path, *, seed: int = 1) -> Path:
    """A LoRA adapter with random weights, far from doing nothing."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2ForCausalLM

    torch.manual_seed(seed)
    model = Qwen2ForCausalLM.from_pretrained(base)
    config = LoraConfig(r=4, lora_alpha=32, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    return folder
