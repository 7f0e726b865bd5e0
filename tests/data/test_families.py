"""Every family: an answer is learned behind the very tokens that an evaluation asks with."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from brie.data.answers import Marked, mark
from brie.data.families import FAMILIES, family_template, set_template
from brie.data.prompts import prompt_ids
from brie.data.template import choose
from brie.data.tokenizer import Tokenizer, load_tokenizer, special_tokens
from brie.errors import InputError, PinError, UsageError
from brie.pin import template_digest
from tests.data.families import family_tokenizer

USER, MORE = {"role": "user", "content": "Hi"}, {"role": "user", "content": "More"}
ONE, TWO = {"role": "assistant", "content": "One."}, {"role": "assistant", "content": "Two, three."}
SYSTEM = {"role": "system", "content": "Be kind."}
THOUGHT = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes."}
THINKING = ("qwen3", "glm4.5", "smollm3")
REWRITING = {"qwen3", "deepseek-r1", "gpt-oss", "smollm3"}


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return {name: tmp_path_factory.mktemp("families") / name for name in FAMILIES}


@cache
def tokenizer(name: str, folder: Path) -> Tokenizer:
    family_tokenizer(name, folder)
    return load_tokenizer(folder)


def learned(row: Marked, words: Tokenizer) -> list[str]:
    """The stretches of text the loss covers."""
    pairs = itertools.groupby(zip(row.ids, row.learned, strict=True), key=lambda pair: pair[1])
    return [words.decode([token for token, _ in run]) for on, run in pairs if on]


def context(row: Marked) -> list[int]:
    """The tokens before the last stretch."""
    end = max(i for i, on in enumerate(row.learned) if on)
    while end and row.learned[end - 1]:
        end -= 1
    return row.ids[:end]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("thinking", [False, True])
@pytest.mark.parametrize(
    "talk",
    [[USER, ONE], [USER, ONE, MORE, TWO], [SYSTEM, USER, ONE], [SYSTEM, USER, ONE, MORE, TWO]],
    ids=["single", "multi", "system", "system-multi"],
)
def test_what_stands_before_an_answer_is_what_an_evaluation_asks(
    tokenizers: Mapping[str, Path], name: str, thinking: bool, talk: list[dict[str, str]]
) -> None:
    words = tokenizer(name, tokenizers[name])
    if talk[0] is SYSTEM and name == "gemma2":
        words = load_tokenizer(tokenizers[name])
        set_template(words, None, fold=True)
    template = choose(words, thinking=thinking)
    rows = mark(template.written(words), talk)
    for row in rows:
        asked = prompt_ids(
            words, str(words.chat_template), talk[: row.answer], special_tokens(words), thinking=thinking
        )
        assert context(row) == asked
    said = [text for row in rows for text in learned(row, words)]
    answers = [turn["content"] for turn in talk if turn["role"] == "assistant"]
    assert len(said) == len(answers)
    for text, answer in zip(said, answers, strict=True):
        assert text.endswith(answer + "".join(template.end))
        if not thinking and name not in ("deepseek-r1", "glm4.5"):
            assert text.strip() == answer + "".join(template.end)  # Mistral writes a blank before it
    several = name in REWRITING or (name == "mistral" and talk[0] is SYSTEM)
    if len(answers) == 2 and not thinking:
        assert len(rows) == (2 if several else 1)


def test_channels_and_empty_thoughts_belong_to_the_prompt(tokenizers: Mapping[str, Path]) -> None:
    prompts = {}
    for name in ("gpt-oss", "cohere", "qwen3", "phi"):
        words = tokenizer(name, tokenizers[name])
        prompts[name] = words.decode(
            prompt_ids(words, str(words.chat_template), [USER], special_tokens(words), thinking=False)
        )
    assert prompts["gpt-oss"].endswith("<|start|>assistant<|channel|>final<|message|>")
    assert prompts["cohere"].endswith("<|CHATBOT_TOKEN|><|START_RESPONSE|>")
    assert prompts["qwen3"].endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert prompts["phi"].endswith("<|end|>\n<|assistant|>\n")


def test_a_thought_that_the_prompt_opens_is_closed_before_an_answer_without_one(
    tokenizers: Mapping[str, Path],
) -> None:
    words = tokenizer("deepseek-r1", tokenizers["deepseek-r1"])
    written = choose(words).written(words)
    assert learned(mark(written, [USER, ONE])[0], words) == ["\n</think>\n\nOne.<｜end▁of▁sentence｜>"]
    assert learned(mark(written, [USER, THOUGHT])[0], words) == [
        "hm\n</think>\n\nYes.<｜end▁of▁sentence｜>"
    ]


@pytest.mark.parametrize("name", THINKING)
def test_a_thought_is_learned_with_thinking_on_and_refused_with_it_off(
    tokenizers: Mapping[str, Path], name: str
) -> None:
    words = tokenizer(name, tokenizers[name])
    on = mark(choose(words, thinking=True).written(words), [USER, THOUGHT])
    assert "hm" in learned(on[0], words)[0]
    with pytest.raises(InputError, match=r"turn 2 holds a thought.*--set thinking=true"):
        mark(choose(words).written(words), [USER, THOUGHT])


def test_a_system_turn_without_a_place_is_refused_or_folded(tokenizers: Mapping[str, Path]) -> None:
    tokenizer("gemma2", tokenizers["gemma2"])
    words = load_tokenizer(tokenizers["gemma2"])
    with pytest.raises(PinError, match="no place for a system turn; --system fold"):
        mark(choose(words).written(words), [SYSTEM, USER, ONE])
    assert set_template(words, None, fold=True) == "a system turn is written into the first question"
    row = mark(choose(words).written(words), [SYSTEM, USER, ONE])[0]
    assert words.decode(context(row)) == (
        "<bos><start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\n"
    )
    by_option = prompt_ids(
        words,
        family_template("gemma2"),
        [SYSTEM, USER],
        special_tokens(words),
        thinking=False,
        fold=True,
    )
    assert context(row) == by_option


def test_a_base_without_a_template_is_given_one_that_its_tokens_know(
    tokenizers: Mapping[str, Path], tmp_path: Path
) -> None:
    family_tokenizer("llama3", tmp_path / "bare", template="")
    words = load_tokenizer(tmp_path / "bare")
    with pytest.raises(UsageError, match=r"has no chat template.*--chat-template chatml"):
        choose(words)
    with pytest.raises(UsageError, match=r"tokens that this tokenizer does not have: <start_of_turn>"):
        set_template(words, "gemma3")
    with pytest.raises(UsageError, match=r"lama3.*llama3"):
        set_template(words, "lama3")
    assert set_template(words, "llama3") == "chat template llama3"
    assert choose(words).end == ("<|eot_id|>",)
    assert set_template(words, "chatml") == "chat template chatml, its turns ended by <|eot_id|>"
    row = mark(choose(words).written(words), [USER, ONE])[0]
    shown = "<|im_start|>user\nHi<|eot_id|>\n<|im_start|>assistant\nOne.<|eot_id|>\n"
    assert words.decode(row.ids) == shown
    assert not row.learned[-1], "the line break after an answer is read, not learned"
    own = tmp_path / "own.jinja"
    own.write_text("{% for m in messages %}{{ m.role }}> {{ m.content }}{{ eos_token }}{% endfor %}")
    assert set_template(words, str(own)) == "chat template of own.jinja"


def test_the_table_of_families_in_the_documentation_is_theirs() -> None:
    text = Path(__file__).parents[2].joinpath("docs", "training.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w.-]+)` \| (.*?) \| (.*?) \| `([0-9a-f]{12})` \|", text, re.MULTILINE)
    listed = {name: (about, digest) for name, about, _, digest in rows}
    digests = {
        name: (
            family.about,
            template_digest(family_template(name), family.special).removeprefix("sha256:")[:12],
        )
        for name, family in FAMILIES.items()
    }
    assert listed == digests
