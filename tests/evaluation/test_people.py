"""What voters preferred, and how far they and each judge agree."""

from __future__ import annotations

import pytest

from brie.analyse.win_rate import Settings
from brie.evaluation.people import Rating, agreement_with
from tests.present import present

SETTINGS = Settings(0.95, 200)
PROMPTS = [f"p{n}" for n in range(12)]


def ratings(judge: str, scores: list[float], sample: int = 0) -> list[Rating]:
    """One score a prompt."""
    return [
        (prompt, judge, sample, score)
        for prompt, score in zip(PROMPTS[: len(scores)], scores, strict=True)
    ]


MIXED = [1.0, 0.0, 0.5] * 4


def test_a_voter_is_compared_with_each_judge_and_never_judges_with_each_other() -> None:
    rows = [*ratings("human:Ann", MIXED), *ratings("b", MIXED), *ratings("a", [0.0, 1.0, 0.5] * 4)]
    pairs = agreement_with(rows, "human:Ann", SETTINGS, seed=0)
    assert [pair.judges for pair in pairs] == [("human:Ann", "a"), ("human:Ann", "b")]
    opposite, same = pairs
    assert (opposite.n, same.n) == (12, 12)
    assert present(same.percent).value == pytest.approx(1.0)
    assert present(same.kappa).value == pytest.approx(1.0)
    assert present(opposite.percent).value == pytest.approx(1 / 3)
    assert present(opposite.kappa).value == pytest.approx(0.0)


def test_only_comparisons_that_both_rated_count() -> None:
    rows = [*ratings("human:Ann", MIXED), *ratings("a", MIXED[:6])]
    (pair,) = agreement_with(rows, "human:Ann", SETTINGS, seed=0)
    assert pair.n == 6
    other_sample = [*ratings("human:Ann", MIXED), *ratings("a", MIXED, sample=1)]
    assert [p.n for p in agreement_with(other_sample, "human:Ann", SETTINGS, seed=0)] in ([], [0])


def test_a_voter_alone_agrees_with_nobody() -> None:
    assert agreement_with(ratings("human:Ann", MIXED), "human:Ann", SETTINGS, seed=0) == ()


def test_the_order_of_rows_and_the_names_of_others_change_nothing() -> None:
    rows = [*ratings("human:Ann", MIXED), *ratings("a", [0.0, 1.0, 0.5] * 4)]
    (pair,) = agreement_with(rows, "human:Ann", SETTINGS, seed=0)
    (turned,) = agreement_with(rows[::-1], "human:Ann", SETTINGS, seed=0)
    assert turned == pair
    more = [*rows, *ratings("z", MIXED)]
    assert agreement_with(more, "human:Ann", SETTINGS, seed=0)[0] == pair
