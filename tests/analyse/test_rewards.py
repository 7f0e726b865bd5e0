"""What a judge rewards: planted tastes are measured."""

from __future__ import annotations

import numpy as np

from brie.analyse.rewards import rewards
from brie.analyse.table import VerdictTable
from brie.records.estimates import Rewards
from tests.analyse.tables import names, one_verdict_each


def likes_lists(prompts: int = 400) -> VerdictTable:
    rng = np.random.default_rng(1)
    lists, length = rng.normal(size=prompts), rng.normal(size=prompts)
    score = (rng.random(prompts) < 0.5 + 0.2 * np.tanh(lists)).astype(float)
    depth = 2 * score - 1 + rng.normal(size=prompts)
    depth[:50] = np.nan
    return one_verdict_each(
        score, prompts=names("p", prompts), position=np.where(np.arange(prompts) % 2, 1, -1),
        label=1, length_difference=length, features={"lists": lists, "headings": np.zeros(prompts)},
        criteria={"depth": depth},
    )  # fmt: skip


def test_a_taste_for_lists_is_told_from_length() -> None:
    found = rewards(likes_lists(), 0)
    assert isinstance(found, Rewards)
    assert found.text["lists"].low > 0
    assert found.text["length"].low < 0 < found.text["length"].high
    assert "headings" not in found.text
    assert not found.text["lists"].alone


def test_a_judges_own_scores_are_fitted_where_it_gave_them() -> None:
    found = rewards(likes_lists(), 0)
    assert isinstance(found, Rewards)
    assert found.criteria["depth"].low > 0
    assert found.prompts == 400


def test_differences_that_cannot_be_told_apart_are_fitted_alone() -> None:
    rng = np.random.default_rng(2)
    lists = rng.normal(size=60)
    table = one_verdict_each(
        rng.integers(0, 2, 60).astype(float), features={"lists": lists, "bullets": 3 * lists}
    )
    found = rewards(table, 0)
    assert isinstance(found, Rewards)
    assert found.text["lists"].alone
    assert found.text["bullets"].alone


def test_reasons_instead_of_numbers() -> None:
    assert rewards(one_verdict_each([1.0] * 5), 0) == "fewer than 8 prompts"
    found = rewards(one_verdict_each([1.0] * 20), 0)
    assert isinstance(found, str)
    assert "measured" in found


def test_winners_with_the_lower_scores_are_counted() -> None:
    nan = float("nan")
    table = one_verdict_each(
        [1.0, 1.0, 0.0, 0.0, 0.5, 1.0, 1.0],
        criteria={"depth": [2, -3, 1, -1, -4, nan, 0], "clarity": [-1, 1, nan, 0, 0, nan, 0]},
    )
    everything = np.ones(7, dtype=bool)
    # The second and the third; the tie names no winner, the sixth has no scores, the last equal ones.
    assert table.contradictions(everything) == (2, 5)
    assert table.contradictions(~everything) == (0, 0)
    assert one_verdict_each([1.0, 0.0]).contradictions(np.ones(2, dtype=bool)) == (0, 0)
