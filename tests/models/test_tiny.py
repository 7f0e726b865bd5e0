"""The committed tiny base: small, whole, loads without a network, answers and stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brie.catalog import load_suite
from brie.digest import file_digest
from brie.project import Project, packaged
from models.build_tiny import build_model
from models.tiny_corpus import QUICK_CATEGORY, load_corpus

FOLDER = packaged("models", "tiny")
FILES = {
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
}
CHAT = [
    {"role": "user", "content": "What is {{ a kettle }}?"},
    {"role": "assistant", "content": "A pot."},
    {"role": "user", "content": "Thank you."},
    {"role": "assistant", "content": "It boils water."},
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(FOLDER, local_files_only=True, padding_side="left")


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(FOLDER, local_files_only=True).eval()


def test_it_is_six_small_files() -> None:
    assert {path.name for path in FOLDER.iterdir()} == FILES
    assert (FOLDER / "model.safetensors").stat().st_size <= 5_000_000


def test_it_is_a_qwen2_with_tied_embeddings(model: Any) -> None:
    assert model.config.architectures == ["Qwen2ForCausalLM"]
    assert model.config.tie_word_embeddings
    assert model.dtype.is_floating_point


def test_padding_and_end_of_turn_are_different_tokens(model: Any, tokenizer: Any) -> None:
    assert (tokenizer.pad_token, tokenizer.eos_token) == ("<|endoftext|>", "<|im_end|>")
    config = json.loads((FOLDER / "generation_config.json").read_text("utf-8"))
    assert config["pad_token_id"] == tokenizer.pad_token_id == model.config.pad_token_id
    assert config["eos_token_id"] == tokenizer.eos_token_id == model.config.eos_token_id


def test_the_template_is_chatml_without_a_system_prompt_of_its_own(tokenizer: Any) -> None:
    text = tokenizer.apply_chat_template(CHAT[:1], tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nWhat is {{ a kettle }}?<|im_end|>\n<|im_start|>assistant\n"
    system = [{"role": "system", "content": "Be brief."}, *CHAT[:1]]
    assert tokenizer.apply_chat_template(system, tokenize=False).startswith(
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n"
    )


def test_exactly_the_answers_and_their_end_of_turn_are_learned(tokenizer: Any) -> None:
    encoded = tokenizer.apply_chat_template(CHAT, return_dict=True, return_assistant_tokens_mask=True)
    learned = [i for i, m in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if m]
    assert tokenizer.decode(learned) == "A pot.<|im_end|>It boils water.<|im_end|>"


@pytest.mark.parametrize("text", ["A kettle.", "naïve café, 日本語 and 🧀\n\ttabs", "<|not a token|>"])
def test_any_text_survives_the_tokenizer(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_logits_are_finite_for_any_token(model: Any, tokenizer: Any) -> None:
    import torch

    everything = torch.arange(model.config.vocab_size).reshape(-1, 256)
    with torch.no_grad():
        assert bool(torch.isfinite(model(everything).logits).all())
    assert len(tokenizer) == model.config.vocab_size


def test_it_answers_about_the_subject_and_stops(model: Any, tokenizer: Any) -> None:
    """Most probable answers to questions of the suite, which it never read."""
    suite = load_suite("demo", Project(packaged()))
    prompts = [prompt for prompt in suite.prompts if prompt.category != QUICK_CATEGORY][::5]
    chats = [[{"role": "user", "content": p.messages[0].content}] for p in prompts]
    texts = tokenizer.apply_chat_template(chats, tokenize=False, add_generation_prompt=True)
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    output = model.generate(**batch, max_new_tokens=96, do_sample=False)
    answers = output[:, batch.input_ids.shape[1] :]
    assert all(tokenizer.eos_token_id in row.tolist() for row in answers)
    subject = {entry.question: entry.subject for entry in load_corpus().suite}
    named = [
        subject[chat[0]["content"]].a.split()[-1] in tokenizer.decode(row).casefold()
        for chat, row in zip(chats, answers, strict=True)
    ]
    assert sum(named) >= len(named) - 1


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """A short build, from nothing: same corpus, same seed, same files."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in ("one", "two"):
            build_model(load_corpus(), tmp_path / name, size=96, epochs=1)
    finally:
        torch.set_num_threads(threads)
    assert {path.name for path in (tmp_path / "one").iterdir()} == FILES
    for name in FILES:
        assert file_digest(tmp_path / "one" / name) == file_digest(tmp_path / "two" / name)
