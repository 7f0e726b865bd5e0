from __future__ import annotations

import pytest

from brie.generate import measures
from brie.generate.measures import repetition


def test_repetition_is_the_share_of_repeated_4_grams() -> None:
    assert repetition(["a", "b", "c", "d", "e"]) == 0
    assert repetition(["a", "b", "c"]) == 0
    assert repetition(["x"] * 8) == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m really sorry",
        "As an AI language model, I have no taste.",
        "I cannot assist with this request.",
        "Sorry, I do not do that.",
        "  I am unable to answer.",
    ],
)
def test_refusals_are_recognised_at_the_start(text: str) -> None:
    assert measures(text)["refusal"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "She said she was sorry.",
        "I can help with that.",
        "The cat is sorry, but I cannot say why.",
        "As an aid to memory, write it down.",
        "I won the race.",
    ],
)
def test_other_openings_are_not_refusals(text: str) -> None:
    assert measures(text)["refusal"] == 0


def test_leaked_markers_are_counted_in_text_and_tokens() -> None:
    assert measures("fine")["special_tokens"] == 0
    assert measures("a <|im_end|> b <|im_start|>user", leaked=2)["special_tokens"] == 4
    assert measures("a | b <b>bold</b> <i>")["special_tokens"] == 0
