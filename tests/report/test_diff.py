"""Word marks: the words an answer does not share with the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brie.report.diff import word_diff

WORDS = st.lists(st.sampled_from(["the", "sky", "is", "blue", ",", ".", "\n", "  ", "漢字", "a-b"])).map(
    " ".join
)


@given(WORDS, WORDS)
def test_the_pieces_are_the_texts(candidate: str, baseline: str) -> None:
    diff = word_diff(candidate, baseline)
    assert "".join(piece.text for piece in diff.candidate) == candidate
    assert "".join(piece.text for piece in diff.baseline) == baseline


def test_only_words_of_its_own_are_marked() -> None:
    diff = word_diff("the sky is blue today", "the sky is grey today")
    assert [p.text for p in diff.candidate if p.own] == ["blue"]
    assert [p.text for p in diff.baseline if p.own] == ["grey"]


def test_a_run_of_own_words_is_one_mark() -> None:
    diff = word_diff("one two big red three four five", "one two three four five")
    assert [p.text for p in diff.candidate if p.own] == ["big red"]


def test_answers_with_little_in_common_carry_no_marks() -> None:
    diff = word_diff("completely other words here", "nothing of that appears in this")
    assert not diff.marked
    assert not any(p.own for p in (*diff.candidate, *diff.baseline))


def test_very_long_answers_are_not_compared() -> None:
    assert not word_diff("word " * 20_000, "word " * 20_000).marked


def test_equal_answers_have_no_own_words() -> None:
    assert not any(p.own for p in word_diff("same words", "same words").candidate)
