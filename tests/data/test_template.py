"""brie's ChatML template says what Qwen's says; the mask covers the answer and its end, no more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brie.data.encode import IGNORED, Encoder
from brie.data.template import TrainingTemplate, chatml_like, choose, mark
from brie.data.tokenizer import Tokenizer, load_tokenizer, special_tokens
from brie.errors import UsageError
from brie.pin import render
from brie.project import packaged
from brie.records import Conversation
from tests.data.chatml import PLAIN, make_folder, rendered
from tests.data.rows import turns

TINY = packaged("models", "tiny")


@pytest.fixture(params=["qwen-like", "tiny"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model whose template marks no answers, and one whose template does."""
    return TINY if request.param == "tiny" else make_folder(tmp_path / "qwen-like")


CALL = {"type": "function", "function": {"name": "f", "arguments": {"a": 1, "ü": "<b>"}}}
BARE_CALL = {"name": "g", "arguments": {}}
TURNS: tuple[dict[str, Any], ...] = (
    {"role": "system", "content": "Be brief."},
    {"role": "system", "content": ""},
    {"role": "user", "content": "Hi {{ x }} <|im_end|>"},
    {"role": "user", "content": ""},
    {"role": "assistant", "content": " Yes.\n\n"},
    {"role": "assistant", "content": ""},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "assistant", "content": "Let me see.", "tool_calls": [BARE_CALL, CALL]},
    {"role": "assistant", "content": None, "tool_calls": [BARE_CALL]},
    {"role": "assistant", "content": "none", "tool_calls": []},
    {"role": "tool", "content": "42"},
    {"role": "developer", "content": "odd"},
)
TOOL = {"type": "function", "function": {"name": "f", "description": 'says "é"'}}


def odd_conversations() -> Iterator[tuple[dict[str, Any], ...]]:
    """Every turn alone, every pair, and every triple that starts with a user or system turn."""
    yield from itertools.product(TURNS, repeat=1)
    yield from itertools.product(TURNS, repeat=2)
    yield from itertools.product(TURNS[:3], TURNS, TURNS)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("tools", [None, [], [TOOL], [TOOL, TOOL]])
def test_our_template_renders_the_format_on_odd_conversations(
    tools: list[dict[str, Any]] | None, header: bool
) -> None:
    special = special_tokens(load_tokenizer(TINY))
    ours = chatml_like(PLAIN, special)
    assert ours is not None
    for messages in odd_conversations():
        made = render(ours, messages, special, add_generation_prompt=header, tools=tools)
        assert made == rendered(messages, tools, header=header), messages


def learned(tokenizer: Tokenizer, template: TrainingTemplate, conversation: Conversation) -> list[str]:
    """The stretches of text the loss covers."""
    row = Encoder(tokenizer, template, 4096).encode(conversation)
    assert len(row.ids) == len(row.labels)
    assert all(label in (IGNORED, token) for token, label in zip(row.ids, row.labels, strict=True))
    runs = itertools.groupby(row.labels, key=lambda label: label != IGNORED)
    return [tokenizer.decode(list(run)) for on, run in runs if on]


@pytest.mark.parametrize(
    "answers",
    [
        ["Plain."],
        ["Two\n\nparagraphs.\n"],
        ["First.", "Second, with 🙂 and 你好."],
        ["ends in spaces   "],
        ["<|im_start|>user\nlooks like a turn"],
        ["x"],
    ],
)
def test_the_loss_covers_exactly_the_answers_and_their_end_token(
    folder: Path, answers: list[str]
) -> None:
    tokenizer = load_tokenizer(folder)
    template = choose(tokenizer)
    conversation = turns(*itertools.chain(*((f"Question {i}?", a) for i, a in enumerate(answers))))
    assert learned(tokenizer, template, conversation) == [f"{a}<|im_end|>" for a in answers]


def test_what_is_learned_matches_what_trl_would_mask(folder: Path) -> None:
    """The same template handed to transformers' own assistant mask gives the same labels."""
    tokenizer = load_tokenizer(folder)
    template = choose(tokenizer)
    conversation = turns("One?", "Two.\n", "Three?", "Four.")
    messages = [m.model_dump() for m in conversation.messages]
    out = tokenizer.apply_chat_template(
        messages,
        chat_template=template.text,
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    row = Encoder(tokenizer, template, 4096).encode(conversation)
    assert row.ids == out["input_ids"]
    assert [int(label != IGNORED) for label in row.labels] == out["assistant_masks"]


def test_a_template_without_marks_is_trained_with_ours_and_one_with_marks_with_its_own(
    tmp_path: Path,
) -> None:
    assert choose(load_tokenizer(TINY)).way == "markers"
    assert choose(load_tokenizer(make_folder(tmp_path / "qwen-like"))).way == "chatml"


@pytest.mark.parametrize("system", ["You are SmolLM, a helpful assistant.", "Quotes ' and \"", None])
def test_other_default_system_turns_are_taken_over(system: str | None) -> None:
    head = "" if system is None else f"<|im_start|>system\n{system}<|im_end|>\n"
    stock = (
        "{%- if messages[0]['role'] != 'system' %}{{- " + repr(head) + " }}{%- endif %}"
        "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
        "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
    )
    ours = chatml_like(stock, {})
    assert ours is not None
    question = [{"role": "user", "content": "Hi"}]
    assert render(ours, question, {}) == render(stock, question, {})


LLAMA_LIKE = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n\n' + (m.content | trim) "
    "+ '<|endoftext|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n\n' }}{%- endif %}"
)


def test_a_template_of_another_kind_is_trained_by_spans() -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = LLAMA_LIKE
    template = choose(tokenizer)
    assert (template.way, template.end) == ("spans", "<|endoftext|>")
    conversation = turns("One?", "Two.", "Three?", "Four.")
    assert learned(tokenizer, template, conversation) == ["Two.<|endoftext|>", "Four.<|endoftext|>"]


def test_spans_and_markers_agree(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    template = choose(tokenizer)
    messages = [m.model_dump() for m in turns("One?", "Two\n.", "Three?", "Four.").messages]
    by_marks = mark(tokenizer, template, messages)
    assert mark(tokenizer, ("spans", str(tokenizer.chat_template)), messages) == by_marks


def test_a_template_that_never_ends_a_turn_is_refused() -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = "{% for m in messages %}{{ m.role + ': ' + m.content + ' ' }}{% endfor %}"
    with pytest.raises(UsageError, match="does not show where answers begin and end"):
        choose(tokenizer)


def test_a_template_that_rewrites_earlier_turns_is_refused() -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = (
        "{{ messages | length }}{% for m in messages %}{{ m.content + '<|im_end|>' }}{% endfor %}"
    )
    with pytest.raises(UsageError, match="rewrites earlier turns"):
        choose(tokenizer)
