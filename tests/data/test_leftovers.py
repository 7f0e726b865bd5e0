"""What a program left in the text of rows is said, with the lines."""

from __future__ import annotations

import pytest

from brie.data.leftovers import leftovers
from tests.data.rows import conversation


@pytest.mark.parametrize(
    ("question", "answer", "words"),
    [
        ("Why?", "So. </s>", "read as plain text stand in answers: </s>"),
        ("[INST] Why?", "So.", "stand in prompts: [INST]"),
        ("Why?", "So.<|eot_id|>", "stand in answers: <|eot_id|>"),
        ("Why?", "So. [end of text]", "stand in answers: [end of text]"),
        ("Why?", "So.\n\nHuman: And?", "begins a line of answers: Human:"),
        ("### Instruction:\nWhy?", "So.", "begins a line of prompts: ### Instruction:"),
        ("<image>What is it?", "A cat.", "is not there: <image>"),
        ("Why?", "a &lt;b&gt; c", "HTML's names of characters stand in answers"),
        ("Why?", "a caf\u00c3\u00a9", "broken by another encoding"),
        ("Why?", "one\\ntwo\\nthree", "stand as a backslash and an n"),
        ("Why?", "nan", "answers that hold no value: nan"),
    ],
)
def test_a_leftover_is_named_with_its_line(question: str, answer: str, words: str) -> None:
    (sentence,) = leftovers([conversation(question, answer, line=7)])
    assert words in sentence
    assert sentence.endswith("(1 row: line 7)")


@pytest.mark.parametrize(
    "text",
    [
        "A human: born, and mortal.", "if a < b and b > c: pass", "see [1] and <b>bold</b>",
        "café, naïve, Ünder", r"the escape \n ends a line", "None of them came.", "a | b <|> c",
    ],
)  # fmt: skip
def test_plain_text_holds_none(text: str) -> None:
    assert leftovers([conversation("Why?", text)]) == ()


def test_a_token_that_the_tokenizer_has_is_spoken_of_elsewhere() -> None:
    assert leftovers([conversation("Why?", "So.<|im_end|>")], {"<|im_end|>"}) == ()
