"""One text as the answer to many prompts is told, whoever's it is and wherever it was read."""

from __future__ import annotations

import pytest

from brie.checks import Answer, Pair
from brie.checks.repeated import findings

ERROR = "The request failed after 3 retries: 429, too many requests."


def pairs(texts: list[str]) -> list[Pair]:
    return [Pair(f"p{n}", 0, Answer(text), Answer(f"An answer, {n}.")) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        ([f"Own {n}" for n in range(20)], None),
        ([ERROR] * 2 + [f"Own {n}" for n in range(18)], None),
        ([ERROR] * 3 + [f"Own {n}" for n in range(17)], "warn"),
        ([ERROR] * 3 + [f"Own {n}" for n in range(97)], None),
        ([ERROR] * 12 + [f"Own {n}" for n in range(12)], "fail"),
        (["Yes."] * 9 + [f"Own {n}" for n in range(11)], None),
        (["!!!"] * 11 + [f"Own {n}" for n in range(9)], "fail"),
        (["", " "] * 10, None),
    ],
)
def test_a_text_given_to_many_prompts_is_told(texts: list[str], status: str | None) -> None:
    found = list(findings(pairs(texts)))
    assert [one.status for one in found] == ([status] if status else [])
    if status:
        assert f"gave one answer to {texts.count(texts[0])} of {len(texts)} prompts" in found[0].text


def test_samples_of_one_prompt_are_one_prompt() -> None:
    same = [Pair("p", n, Answer(ERROR), Answer(f"{n}")) for n in range(20)]
    assert list(findings(same)) == []


def test_the_side_is_named() -> None:
    swapped = [Pair(p.prompt, 0, p.baseline, p.candidate) for p in pairs([ERROR] * 12)]
    (found,) = findings(swapped, other="its-base")
    assert found.text.startswith("Its-base gave one answer to 12 of 12 prompts")


def test_a_label_that_prompts_ask_for_is_an_answer_however_often_it_is_given() -> None:
    said = pairs(["So:\n**Yes.**"] * 15 + [ERROR] * 5)
    assert [one.status for one in findings(said)] == ["fail"]
    (left,) = findings(said, labels=("yes", "no"))
    assert (left.status, "to 5 of 20 prompts" in left.text) == ("warn", True)
