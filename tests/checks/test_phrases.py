"""Phrases are found by the words of a text, and only where they are."""

from __future__ import annotations

import random

import pytest

from brie.checks.families import names_itself
from brie.checks.phrases import Phrases

GROUPS = {"letters": ("ab", "cab"), "spaces": ("b c", "a a b", "c "), "signs": ("[[",)}


def searched(text: str) -> set[str]:
    spaced = " ".join(text.split())
    return {name for name, phrases in GROUPS.items() if any(phrase in spaced for phrase in phrases)}


def test_the_groups_in_a_text_are_those_that_a_search_for_every_phrase_finds() -> None:
    """One object for all texts, as words that were seen are not looked at again."""
    phrases, rng = Phrases(GROUPS), random.Random(4)
    texts = ["".join(rng.choices("abc[ \n\t", k=rng.randrange(12))) for _ in range(5000)]
    assert [phrases.groups_in(text) for text in texts] == [searched(text) for text in texts]
    assert phrases.groups_in(f"{'x' * 50}[[{'x' * 50}") == {"signs"}


@pytest.mark.parametrize(
    "text",
    [
        "I am Qwen.",
        "I’m ﻿Gemıni, I am Gemıni.",
        "I am GEM\u0130NI.",
        "My name is \u212aimi.",
        "i am mi\u017ftral!",
    ],
)
def test_a_name_in_letters_that_only_look_alike_is_the_name(text: str) -> None:
    assert names_itself(text)
