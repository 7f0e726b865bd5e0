"""A small byte-level tokenizer with merges, as Qwen2.5 has one, in today's form and in an older."""

from __future__ import annotations

import json
from pathlib import Path

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = "the quick brown fox jumps over the lazy dog and the other foxes jumped there then "


def make_tokenizer(folder: Path) -> Path:
    """Its files, without a chat template."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([WORDS] * 20, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "Qwen2Tokenizer",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def older(file: Path) -> None:
    """As tokenizers wrote it in 2024: merges as strings, keys of later versions missing."""
    written = json.loads(file.read_text("utf-8"))
    written["model"]["merges"] = [" ".join(pair) for pair in written["model"]["merges"]]
    for key in ("ignore_merges", "byte_fallback"):
        written["model"].pop(key, None)
    written["pre_tokenizer"]["trim_offsets"] = False
    file.write_text(json.dumps(written, ensure_ascii=False), "utf-8")
