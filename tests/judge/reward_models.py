"""Reward models small enough to be made in a test: random, or trained on a planted preference."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.generate.tinymodel import build_tokenizer

STEPS, TOGETHER = 60, 8


def better(n: int) -> str:
    """An answer of the better kind."""
    return f"It is {n}, and here is why."


def worse(n: int) -> str:
    """An answer of the worse kind; in a sequence of its own it is worse still."""
    return f"It is {n}, I guess or so."


def asked(n: int) -> str:
    """What they answer."""
    return f"What is {n}?"


def build_reward_model(folder: Path, *, steps: int = STEPS, seed: int = 0, labels: int = 1) -> Path:
    """A sequence-classification model that was trained to prefer the better kind.

    Args:
        folder: where to.
        steps: 0 leaves it random.
        seed: of its weights and of what it is shown.
        labels: outputs.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForSequenceClassification

    tokenizer = build_tokenizer(folder)
    torch.manual_seed(seed)
    model = Qwen2ForSequenceClassification(
        Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024,
            num_labels=labels, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    draw = random.Random(seed)
    for _ in range(steps):
        chosen, rejected = zip(*(_pair(draw) for _ in range(TOGETHER)), strict=True)
        rewards = _rewards(model, tokenizer, [*chosen, *rejected])
        loss = -torch.nn.functional.logsigmoid(rewards[:TOGETHER] - rewards[TOGETHER:]).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


def _pair(draw: random.Random) -> tuple[tuple[int, str], tuple[int, str]]:
    """What is chosen and what is rejected, to one question."""
    n = draw.randrange(1000)
    kinds = [(better(n), worse(n)), *((text, shuffled(text, draw)) for text in (better(n), worse(n)))]
    chosen, rejected = kinds[draw.randrange(3)]
    return (n, chosen), (n, rejected)


def shuffled(text: str, draw: random.Random) -> str:
    """The words in another sequence."""
    words = text.split()
    other = list(words)
    while other == words:
        draw.shuffle(other)
    return " ".join(other)


def _rewards(model: Any, tokenizer: Any, rows: list[tuple[int, str]]) -> Any:
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": asked(n)}, {"role": "assistant", "content": text}],
            tokenize=False,
        )
        for n, text in rows
    ]
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    return model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits[:, 0]
