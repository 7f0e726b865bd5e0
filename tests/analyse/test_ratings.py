"""What judges are compared on: comparisons, or single rows where a file has several of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brie.analyse.cells import cells
from brie.analyse.ratings import ratings
from brie.analyse.table import VerdictTable
from tests.analyse.tables import coin, design, names

NAN = float("nan")


def imported(
    rows: list[tuple[int, int, float]], *, both_orders: bool = False, **columns: Any
) -> VerdictTable:
    """Rows of (prompt, judge, score) as an audit reads them."""
    prompt, judge, score = zip(*rows, strict=True)
    filled: dict[str, Any] = {
        "prompts": names("p", max(prompt) + 1), "judges": names("j", max(judge) + 1),
        "prompt": prompt, "judge": judge, "score": score, "both_orders": both_orders,
    }  # fmt: skip
    return VerdictTable.build(**{**filled, **columns})


def test_one_row_a_comparison_is_compared_as_it_is() -> None:
    found = ratings(cells(imported([(0, 0, 1.0), (0, 1, 0.0), (1, 0, 0.5), (1, 1, 0.5)])))
    assert found.unit == "comparison"
    assert found.score.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_two_rows_a_comparison_are_matched_row_by_row() -> None:
    rows = [(0, 0, 1.0), (0, 0, 0.0), (0, 1, 1.0), (0, 1, 0.5)]
    found = ratings(cells(imported(rows)))
    assert found.unit == "row"
    assert found.score.tolist() == [[1.0, 1.0], [0.0, 0.5]]
    assert found.prompt.tolist() == [0, 0]


def test_both_orders_of_one_comparison_are_one_item() -> None:
    table = design([coin(0.5), coin(0.5)], prompts=6)
    assert ratings(cells(table)).unit == "comparison"
    assert len(ratings(cells(table)).score) == 6
    by_row = ratings(cells(table), "row")
    assert len(by_row.score) == 12
    for item in range(12):
        own = (table.prompt == by_row.prompt[item]) & (table.judge == 0)
        assert by_row.score[item, 0] in table.score[own]


def test_rows_of_an_order_meet_those_of_the_same_order() -> None:
    position = [1, -1, -1, 1]
    rows = [(0, 0, 1.0), (0, 0, 0.0), (0, 1, 0.0), (0, 1, 1.0)]
    found = ratings(cells(imported(rows, both_orders=True, position=position)), "row")
    assert sorted(found.score.tolist()) == [[0.0, 0.0], [1.0, 1.0]]


def test_identical_answers_and_repeated_questions_are_no_items() -> None:
    rows = [(0, 0, 0.5), (1, 0, 1.0), (1, 0, 0.0), (2, 0, 1.0), (2, 0, 1.0)]
    table = imported(rows, identical=[True, False, False, False, False], repeat=[0, 0, 1, 0, 0])
    found = ratings(cells(table), "row")
    assert found.prompt.tolist() == [1, 2, 2]
    assert found.score[:, 0].tolist() == [1.0, 1.0, 1.0]


def test_an_unusable_row_takes_its_place_in_the_count() -> None:
    """The second row of one judge meets the second of the other, whatever became of the first."""
    rows = [(0, 0, NAN), (0, 0, 1.0), (0, 1, 0.0), (0, 1, 0.5)]
    found = ratings(cells(imported(rows, status=[1, 0, 0, 0])), "row")
    assert np.isnan(found.score[0, 0])
    assert found.score[0, 1] == 0.0
    assert found.score[1].tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("score", "category"), [(0.0, 0), (0.25, 0), (0.5, 1), (0.5 + 1e-14, 1), (0.75, 2), (1.0, 2)]
)
def test_a_score_is_taken_as_loss_tie_or_win(score: float, category: int) -> None:
    found = ratings(cells(imported([(0, 0, score), (0, 1, NAN)], status=[0, 1])))
    assert found.category[0, 0] == category
    assert np.isnan(found.category[0, 1])
