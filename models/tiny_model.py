"""The tiny base itself: tokenizer, Qwen2 architecture, chat template and training loop.

A module of its own because it imports torch and transformers at its head.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from models.demo_data import Text

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VOCABULARY = 2048
CONTEXT = 512
"""Positions the configuration promises, in tokens; training texts are shorter than 120."""
BATCH = 16
PEAK_RATE = 3e-3
WEIGHT_DECAY = 0.02

CHAT_TEMPLATE = """\
{#- ChatML without a default system prompt. What lies between `generation` and `endgeneration`
    is what training learns: the answer and the token that ends the turn. -#}
{%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' -%}
        {%- generation -%}
            {{- message.content + '<|im_end|>' }}
        {%- endgeneration -%}
        {{- '\\n' }}
    {%- else -%}
        {{- message.content + '<|im_end|>\\n' }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\\n' }}
{%- endif -%}
"""


def make_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on `texts`; it can spell any other text byte by byte."""
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[START],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def plain(texts: Sequence[Text]) -> list[str]:
    """What the tokenizer learns from: notes and messages, without the marks of the template."""
    return [
        part
        for text in texts
        for part in ([text] if isinstance(text, str) else [message["content"] for message in text])
    ]


def encode(texts: Sequence[Text], tokenizer: PreTrainedTokenizerFast) -> list[list[int]]:
    """Token rows: a chat as the template renders it, a note between two end-of-text tokens."""
    rendered = [
        f"{PAD}{text}{PAD}"
        if isinstance(text, str)
        else tokenizer.apply_chat_template(text, tokenize=False)
        for text in texts
    ]
    return [tokenizer(text).input_ids for text in rendered]


def make_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """An untrained model of 1.05 million parameters, drawn from torch's global generator."""
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        dtype="float32",
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.75,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return model


def train(
    model: Qwen2ForCausalLM, rows: Sequence[list[int]], epochs: int
) -> Iterator[tuple[int, float]]:
    """Train on token rows, all tokens alike; yields (step, loss) every 250 steps and at the end.

    AdamW with a short warm-up and a cosine decay; batches hold rows of similar length, shuffled
    by torch's global generator.
    """
    total = epochs * math.ceil(len(rows) / BATCH)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, total))
    model.train()
    step = 0
    for _ in range(epochs):
        for batch, mask in _batches(rows):
            labels = batch.masked_fill(mask == 0, -100)
            loss = model(input_ids=batch, attention_mask=mask, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            if step % 250 == 0 or step == total:
                yield step, float(loss.detach())
    model.eval()


def save(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write weights, configurations, tokenizer and template into `folder`."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)


def _rate(step: int, total: int) -> float:
    warm_up = max(1, total // 20)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))


def _batches(rows: Sequence[list[int]]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and masks of one epoch: rows are sorted by length, batches come in random order.

    The mask is made from lengths, not from ids: a note's own end-of-text tokens are the padding
    token too, and must be learned.
    """
    order = torch.randperm(len(rows)).tolist()
    order.sort(key=lambda index: len(rows[index]))
    chunks = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    for number in torch.randperm(len(chunks)).tolist():
        chosen = [torch.tensor(rows[index]) for index in chunks[number]]
        masks = [torch.ones_like(row) for row in chosen]
        yield pad_sequence(chosen, batch_first=True), pad_sequence(masks, batch_first=True)
