"""Chats written out as one text, as the original runs were trained on: read, and written the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brie.data.encode import Encoder
from brie.data.load import parse
from brie.data.questions import read_questions, suite_of
from brie.data.rendered import turns_of
from brie.data.template import choose
from brie.data.tokenizer import load_tokenizer
from brie.project import packaged
from tests.data.rows import write

TEXT = (
    "<|im_start|>system\nYou are kind.<|im_end|>\n"
    "<|im_start|>user\nWhat is a river?\n\nIn short.<|im_end|>\n"
    "<|im_start|>assistant\nWater,\ngoing on. <|im_end|>\n"
)


def test_a_rendered_chat_is_read_as_its_turns_with_what_stands_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [{"text": TEXT, "source": "notes"}])
    parsed = parse(path)
    assert not parsed.problems
    (row,) = parsed.conversations
    assert [(turn.role, turn.content) for turn in row.messages] == [
        ("system", "You are kind."),
        ("user", "What is a river?\n\nIn short."),
        ("assistant", "Water,\ngoing on. "),
    ]
    assert row.source == "notes"
    assert parsed.read_as == ("ChatML text: text -> system, text -> user, text -> assistant; 1 row",)


def test_written_again_it_is_the_same_text_without_a_second_end(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    (row,) = parse(write(tmp_path / "f.jsonl", [{"text": TEXT}])).conversations
    (whole,) = Encoder(tokenizer, choose(tokenizer, located=False), 512, "text").encode(row)
    assert tokenizer.decode(whole.ids).rstrip("\n") == TEXT.rstrip("\n")
    assert whole.learned == len(whole.ids)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain prose",
        f"Before. {TEXT}",
        f"{TEXT}and behind",
        TEXT.replace("<|im_end|>", "", 1),
        TEXT.replace("user", "narrator"),
        "<|im_start|>user\nWhy?",
    ],
)
def test_a_text_that_is_not_turns_from_end_to_end_is_left_alone(text: str, tmp_path: Path) -> None:
    assert turns_of(text) is None
    (problem,) = parse(write(tmp_path / "f.jsonl", [{"text": text}])).problems
    assert "no ChatML from end to end" in problem.text


def test_a_row_that_ends_with_a_question_cannot_be_trained_on(tmp_path: Path) -> None:
    asked = TEXT[: TEXT.index("<|im_start|>assistant")]
    (problem,) = parse(write(tmp_path / "f.jsonl", [{"text": asked}])).problems
    assert "assistant" in problem.text


def test_a_plain_prompt_with_its_reference_is_a_prompt_of_a_suite(tmp_path: Path) -> None:
    rows = [
        {"prompt": "What is a river?", "reference": "Water."},
        {"text": TEXT},
        {"prompt": "And sea?"},
    ]
    path = tmp_path / "asked.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    made = suite_of(read_questions(path).conversations)
    assert [(prompt.messages[-1].content, prompt.reference) for prompt in made.prompts] == [
        ("What is a river?", "Water."),
        ("What is a river?\n\nIn short.", "Water,\ngoing on. "),
        ("And sea?", None),
    ]
