"""The CSV of all verdicts."""

from __future__ import annotations

import csv
import io
import random

import pytest

from brie.report.clean import is_clean
from brie.report.table import COLUMNS, verdict_table
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_view


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_verdict_is_one_row() -> None:
    views = sample.comparisons(5, 2)
    table = rows(verdict_table(views))
    assert len(table) == sum(len(view.verdicts) for view in views)
    assert set(COLUMNS) <= set(table[0])


def test_a_failed_verdict_has_a_status_and_no_score() -> None:
    table = rows(verdict_table(sample.comparisons(40)))
    failed = [row for row in table if row["status"] != "ok"]
    assert failed
    assert all(row["winner"] == "" and row["score"] == "" for row in failed)


def test_scores_have_a_column_a_side() -> None:
    table = rows(verdict_table(sample.comparisons(2)))
    judged = next(row for row in table if row["judge"] == "claude-opus")
    assert (judged["clarity (candidate)"], judged["clarity (baseline)"]) == ("4", "3")
    assert next(row for row in table if row["judge"] == "reference")["clarity (candidate)"] == ""


def test_the_order_of_the_input_does_not_matter() -> None:
    views = sample.comparisons(6)
    shuffled = random.Random(0).sample(views, len(views))
    assert verdict_table(views) == verdict_table(shuffled)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_is_one_harmless_cell(name: str) -> None:
    text = verdict_table([hostile_view(HOSTILE[name])])
    table = rows(text)
    assert len(table) == 6
    assert is_clean(text.replace("\r\n", "\n"))
    for row in table:
        for value in row.values():
            assert not value.lstrip(" ").startswith(("=", "+", "-", "@", "\t"))


def test_a_margin_stands_beside_the_reason_and_with_the_choice() -> None:
    (view,) = sample.comparisons(1, 1)
    verdicts = tuple(
        verdict.model_copy(update={"margin": "slightly" if number == 0 else None})
        for number, verdict in enumerate(view.verdicts)
    )
    table = rows(verdict_table([view.model_copy(update={"verdicts": verdicts})]))
    assert sorted(row["margin"] for row in table) == sorted(["slightly", *[""] * (len(verdicts) - 1)])
