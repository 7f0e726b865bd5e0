"""What a model thinks before it answers is kept apart; an answer that speaks of thoughts is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brie.generate.encode import Encoder
from brie.generate.thoughts import MARKS, Answered, opened_by, split, split_served
from tests.generate.tinymodel import TEMPLATE


@pytest.mark.parametrize(("mark", "end"), MARKS.items())
def test_a_thought_at_the_beginning_is_taken_out_whatever_its_marks(mark: str, end: str) -> None:
    assert split(f"{mark}\nThe sky?\n{end}\n\nBlue.") == Answered("The sky?", "Blue.", False)
    assert split(f"{mark}The sky, or") == Answered("The sky, or", "", True)
    assert opened_by(f"<|im_start|>assistant\n{mark}\n") == end


def test_where_the_prompt_opened_the_thought_the_text_begins_inside() -> None:
    assert split("The sky?\n</think>\nBlue.", "</think>") == Answered("The sky?", "Blue.", False)
    assert split("The sky, or", "</think>") == Answered("The sky, or", "", True)
    assert opened_by("<think>\n\n</think>\n\n") is None


@pytest.mark.parametrize(
    "text",
    [
        "Use <think> and </think> to mark a thought.",
        "Blue.",
        "",
        "In XML:\n<answer>blue</answer>",
        "First </think> must be closed.",
    ],
)
def test_an_answer_that_speaks_of_marks_is_an_answer(text: str) -> None:
    assert split(text) == Answered("", text, False)
    assert split_served(text) == Answered("", text, False)


def test_a_served_text_may_begin_in_a_thought_its_server_opened() -> None:
    assert split_served("The sky?\n</think>\n\nBlue.") == Answered("The sky?", "Blue.", False)


@pytest.mark.parametrize("special", [False, True])
def test_marks_are_found_as_text_and_as_special_tokens(
    base: Path, tmp_path: Path, special: bool
) -> None:
    folder = tmp_path / "base"
    shutil.copytree(base, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["[THINK]", "[/THINK]"], special_tokens=special)
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    stored = json.loads((folder / "tokenizer.json").read_text())
    marked = [token for token in stored["added_tokens"] if "THINK" in token["content"]]
    assert [token["special"] for token in marked] == [special] * 2
    encoder = Encoder.load(folder)

    def ids(text: str) -> list[int]:
        return list(encoder.tokenizer(text, add_special_tokens=False)["input_ids"])

    prompt = ids("one two")
    whole = ids("[THINK]The sky?[/THINK]Blue.")
    assert encoder.answered(prompt, whole) == Answered("The sky?", "Blue.", False)
    assert encoder.answered(prompt, ids("[THINK]The sky")) == Answered("The sky", "", True)
    opened = ids("one two[THINK]")
    assert encoder.answered(opened, ids("The sky?[/THINK]Blue.")) == Answered("The sky?", "Blue.", False)
    assert encoder.answered(prompt, ids("Blue.")) == Answered("", "Blue.", False)
