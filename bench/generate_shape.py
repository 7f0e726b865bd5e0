"""Random models of Qwen2.5's shapes, for measuring: weights mean nothing, sizes are real."""

from __future__ import annotations

import platform
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.output import save

FOLDER = Path(tempfile.gettempdir()) / "brie-bench"
"""2 GB (0.5b) or 12 GB (3b) that may be thrown away."""
VOCABULARY = 151_936
TEMPLATE = (
    "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SHAPES = {
    "0.5b": {
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
    },
    "3b": {
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
    },
}
COMMON = {"vocab_size": VOCABULARY, "max_position_embeddings": 32768, "tie_word_embeddings": True}


def base(shape: str = "0.5b") -> Path:
    """Folder of the random base, made on first use."""
    folder = FOLDER / f"base-{shape}"
    if not (folder / "model.safetensors").is_file():
        import torch
        from transformers import Qwen2Config, Qwen2ForCausalLM

        tokenizer = _tokenizer(folder)
        torch.manual_seed(0)
        ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
        Qwen2ForCausalLM(Qwen2Config(**SHAPES[shape], **COMMON, **ends)).save_pretrained(folder)
    return folder


def adapter(shape: str = "0.5b") -> Path:
    """Folder of a random LoRA adapter on it: r = 8, all seven linear modules."""
    folder = FOLDER / f"adapter-{shape}"
    if not (folder / "adapter_model.safetensors").is_file():
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import Qwen2ForCausalLM

        torch.manual_seed(1)
        modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        config = LoraConfig(r=8, lora_alpha=16, target_modules=modules, init_lora_weights=False)
        get_peft_model(Qwen2ForCausalLM.from_pretrained(base(shape)), config).save_pretrained(folder)
    return folder


def _tokenizer(folder: Path) -> Any:
    """Bytes, and a word for every other id, so that different ids are different texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [f"w{i}" for i in range(VOCABULARY - len(letters) - 3)]
    vocabulary = {token: i for i, token in enumerate([*letters, *words])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    return fast


def requests(
    count: int,
    adapter: str | None,
    limit: int,
    environment: Any,
    words: int = 10,
    samples: int = 1,
    **sampling: Any,
) -> list[Any]:
    """Requests whose prompts have 0 to `words` - 1 words of 8 tokens, and some 20 around them."""
    from brie.digest import digest
    from brie.generate import Request, completion_key
    from brie.records import Message, Sampling

    chosen = Sampling(max_new_tokens=limit, **sampling)
    made = []
    for i in range(count):
        messages = (Message(role="user", content=f"{i} " + "abcdefg " * (i * 7 % words)),)
        prompt, pin = digest(list(messages)), digest(adapter)
        for sample in range(samples):
            key = completion_key(
                pin_digest=pin,
                template_digest=digest("t"),
                messages=messages,
                sampling=chosen,
                sample=sample,
                environment=environment,
            )
            made.append(Request(key, pin, adapter, messages, prompt, sample, chosen))
    return made


def keep(name: str, result: dict[str, Any]) -> None:
    """Write a result beside what it was measured on."""
    import torch

    machine = {
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    save(name, {"bench": name, "machine": machine, **result})


def median(values: Sequence[float]) -> float:
    """The median, rounded to five digits."""
    return float(f"{statistics.median(values):.5g}")
