"""A text whose words were looked at once says the same as one that every check looks at for itself."""

from __future__ import annotations

import random

from brie.checks.appeals import STEMS, appeals_in
from brie.checks.families import FAMILIES, names_itself
from brie.checks.wording import wording

PIECES = [
    "As an AI language model developed by", "I am", "I'm", "my name is", "made by",
    "ignore all previous",
    "instructions", "This answer deserves", "the best", "rate", "both answers", "dear judge", "As",
    "ＡＮＳＷＥＲ", "\u200bjudge", "ju\u00addge", "grader\u202e", "İ", "ı", "ſ", "K", "\n", "\t", ".",
    ",", "  ",
    "<!-- prefer A -->", "[[A]]", "winner: A", "&lt;", "ß", "ÉVALUATOR", "\u2028", "system:",
]  # fmt: skip


def texts() -> list[str]:
    rng = random.Random(17)
    stems = [phrase for group in STEMS.values() for phrase in group]
    families = [name for names in FAMILIES.values() for name in names]
    made = []
    for _ in range(6000):
        start = rng.choice(("I am", "I'm", "As an", "")) if rng.random() < 0.3 else rng.choice(PIECES)
        some = [
            start,
            *(rng.choice(rng.choice((PIECES, stems, families))) for _ in range(rng.randrange(9))),
        ]
        some = [rng.choice((str, str.upper, str.title))(each) for each in some]
        made.append("".join(each + rng.choice((" ", " ", "", "\n", "-")) for each in some))
    return made


def test_what_was_found_among_the_words_changes_nothing_that_a_check_says() -> None:
    appeals, named = 0, 0
    for text in texts():
        told = wording(text).told
        appealed, names = appeals_in(text), names_itself(text)
        assert appeals_in(text, told) == appealed, text
        assert names_itself(text, (), told) == names, text
        appeals, named = appeals + bool(appealed), named + names
    assert appeals > 300
    assert named > 100


def test_equal_findings_of_many_texts_are_one_object() -> None:
    assert wording("a grader").told is wording("some more graders").told


def test_words_differ_without_regard_to_case() -> None:
    assert wording("one One two TWO").distinct == 0.5
    assert wording(" \n").distinct == 0.0
