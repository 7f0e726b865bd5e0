"""`brie gate --max-task-drop`: how far benchmarks may fall, beside the win rate."""

from __future__ import annotations

import pytest

from brie.ci.gate import gate
from brie.errors import UsageError
from brie.records.analysis import Analysis
from brie.records.benchmarks import TaskNumbers
from tests.ci.test_gate import found
from tests.report.tasks import task, tasks


def better_with(**by_task: TaskNumbers) -> Analysis:
    return found("better", (0.55, 0.7), tasks=tasks(**by_task))


@pytest.mark.parametrize(
    ("numbers", "met"),
    [
        (task(-0.01, -0.04, 0.02), True),
        (task(-0.02, -0.05, 0.01), None),
        (task(-0.06, -0.1, -0.02), None),
        (task(-0.1, -0.14, -0.06), False),
        (task(0.1, 0.06, 0.14, higher_is_better=False), False),
        (task(-0.5, None, None), None),
    ],
)
def test_every_task_has_to_be_shown_to_have_fallen_by_less(
    numbers: TaskNumbers, met: bool | None
) -> None:
    even = task(0.0, -0.02, 0.02)
    answer = gate(better_with(sums=numbers, even=even), "better", max_task_drop=0.05)
    assert answer.met is met
    assert "sums" in answer.sentence


def test_a_fall_changes_nothing_where_nobody_asks() -> None:
    fell = better_with(sums=task(-0.5, -0.6, -0.4))
    assert gate(fell, "better").met is True
    assert gate(fell, "better", max_task_drop=0.05).exit_code == 4


def test_the_win_rate_has_to_meet_its_requirement_too() -> None:
    kept = tasks(sums=task(0.0, -0.02, 0.02))
    assert gate(found("worse", (0.3, 0.4), tasks=kept), "better", max_task_drop=0.05).met is False
    assert gate(found("undecided", (0.4, 0.6), tasks=kept), "better", max_task_drop=0.05).met is None


def test_without_tasks_the_question_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="brie eval --tasks"):
        gate(found("better", (0.55, 0.7)), "better", max_task_drop=0.05)
