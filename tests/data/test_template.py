"""What is learned: the answer and its end, no more, behind the prompt an evaluation asks with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brie.data.encode import IGNORED, Encoder, taken_apart
from brie.data.families import family_template
from brie.data.template import TrainingTemplate, choose
from brie.data.tokenizer import Tokenizer, load_tokenizer
from brie.errors import InputError, UsageError
from brie.pin import render
from brie.project import packaged
from brie.records import Conversation
from tests.data.chatml import SYSTEM, make_folder, rendered
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
def test_qwens_template_renders_the_format_on_odd_conversations(
    tools: list[dict[str, Any]] | None, header: bool
) -> None:
    ours = family_template("qwen2.5").replace(
        "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", SYSTEM
    )
    for messages in odd_conversations():
        made = render(ours, messages, {}, add_generation_prompt=header, tools=tools)
        assert made == rendered(messages, tools, header=header), messages


def learned(tokenizer: Tokenizer, template: TrainingTemplate, conversation: Conversation) -> list[str]:
    """The stretches of text the loss covers."""
    (row,) = Encoder(tokenizer, template, 4096).encode(conversation)
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


def test_what_is_learned_matches_what_trl_would_mask() -> None:
    """A template with marks, handed to transformers' own assistant mask, gives the same labels."""
    tokenizer = load_tokenizer(TINY)
    conversation = turns("One?", "Two.\n", "Three?", "Four.")
    out = tokenizer.apply_chat_template(  # type: ignore[attr-defined]
        [m.model_dump() for m in conversation.messages],
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    (row,) = Encoder(tokenizer, choose(tokenizer), 4096).encode(conversation)
    mask = [int(label != IGNORED) for label in row.labels]
    length = len(row.ids)  # what follows the last answer's end is not asked for
    assert (row.ids, mask) == (out["input_ids"][:length], out["assistant_masks"][:length])
    assert not any(out["assistant_masks"][length:])


LLAMA_LIKE = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n\n' + (m.content | trim) "
    "+ '<|endoftext|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n\n' }}{%- endif %}"
)


def test_a_template_of_another_kind_is_trained_with() -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = LLAMA_LIKE
    template = choose(tokenizer)
    assert template.end == ("<|endoftext|>",)
    conversation = turns("One?", "Two.", "Three?", "Four.")
    assert learned(tokenizer, template, conversation) == ["Two.<|endoftext|>", "Four.<|endoftext|>"]


def test_a_template_that_never_ends_a_turn_is_refused() -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = "{% for m in messages %}{{ m.role + ': ' + m.content + ' ' }}{% endfor %}"
    with pytest.raises(UsageError, match="does not show where answers end"):
        choose(tokenizer)


def test_an_answer_of_a_template_that_rewrites_earlier_turns_is_learned_behind_its_own_prompt() -> None:
    tokenizer = load_tokenizer(TINY)
    tokenizer.chat_template = (
        "{{ messages | length }}{% for m in messages %}{{ m.content + '<|im_end|>' }}{% endfor %}"
    )
    rows = Encoder(tokenizer, choose(tokenizer), 4096).encode(turns("a", "b", "c", "d"))
    assert [tokenizer.decode(row.ids) for row in rows] == [
        "1a<|im_end|>b<|im_end|>",
        "3a<|im_end|>b<|im_end|>c<|im_end|>d<|im_end|>",
    ]
    assert [row.parts for row in rows] == [2, 2]
    assert "became 2, one an answer" in str(taken_apart(rows))


_SPEAKS = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
_ASKS = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (f"{{% for m in messages[:3] %}}{_SPEAKS}{{% endfor %}}{_ASKS}",
         "leaves out the answer in turn 4"),
        (f"{{% for m in messages if m.content != 'Again?' %}}{_SPEAKS}{{% endfor %}}{_ASKS}",
         "leaves out the question in turn 3"),
    ],
)  # fmt: skip
def test_a_conversation_of_which_the_template_drops_a_turn_is_refused(template: str, words: str) -> None:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    tokenizer.chat_template = template
    encoder = Encoder(tokenizer, choose(tokenizer), 512)
    encoder.encode(turns("Hello?", "Day."))
    with pytest.raises(InputError, match=words):
        encoder.encode(turns("Hello?", "Day.", "Again?", "Night."))
