"""What benchmarks say beside the win rate: in the sentence, the opening, the screen and the table."""

from __future__ import annotations

import pytest

from brie.records.analysis import Analysis
from brie.records.benchmarks import TaskNumbers
from brie.report.benchmarks import benchmarks, tasks_clause
from brie.report.opening import opening
from brie.report.sentence import verdict_sentence
from brie.report.terminal import summarise
from tests.present import present
from tests.report.sample import analysis
from tests.report.tasks import task, tasks

WORSE, BETTER = task(-0.03, -0.05, -0.01), task(0.06, 0.02, 0.1)
EVEN = task(0.004, -0.02, 0.028)


def with_tasks(**by_task: TaskNumbers) -> Analysis:
    return analysis().model_copy(update={"tasks": tasks(**by_task)})


@pytest.mark.parametrize(
    ("by_task", "said"),
    [
        ({"arithmetic": WORSE}, "`arithmetic` 3 points worse (1 to 5)"),
        ({"facts": BETTER, "arithmetic": WORSE},
         "`arithmetic` 3 points worse (1 to 5); `facts` 6 points better (2 to 10)"),
        ({"a": EVEN}, "`a`: no difference is shown (−2.0 to +2.8)"),
        ({"a": EVEN, "b": EVEN}, "no difference is shown on 2 tasks"),
        ({"a": EVEN, "b": EVEN, "c": WORSE},
         "`c` 3 points worse (1 to 5); no difference is shown on 2 other tasks"),
        ({"few": task(-0.5, None, None)}, "`few`: no difference is shown"),
        ({"loss": task(0.03, 0.01, 0.05, higher_is_better=False)}, "`loss` 3 points worse (1 to 5)"),
        ({"x": WORSE.model_copy(update={"verdict": None})}, "1 task without numbers"),
    ],
)  # fmt: skip
def test_tasks_that_differ_are_named_the_worse_ones_first(
    by_task: dict[str, TaskNumbers], said: str
) -> None:
    assert tasks_clause(with_tasks(**by_task)) == said


def test_the_difference_stands_beside_the_win_rate_wherever_that_is_shown() -> None:
    shown = with_tasks(arithmetic=WORSE)
    assert "On benchmarks: `arithmetic` 3 points worse (1 to 5)." in verdict_sentence(shown)
    assert "On benchmarks: `arithmetic` 3 points worse (1 to 5)." in opening(shown).remarks
    screen = summarise(shown, colour=False)
    assert "Tasks     arithmetic 3 points worse (1 to 5)" in screen.splitlines()
    assert "Benchmarks" not in screen
    assert "Benchmarks" in summarise(shown, colour=False, full=True)


def test_without_tasks_nothing_is_said_of_them() -> None:
    assert (tasks_clause(analysis()), benchmarks(analysis())) == ("", None)
    assert "benchmarks" not in verdict_sentence(analysis())


def test_the_table_names_metric_filter_and_direction() -> None:
    strict = WORSE.model_copy(update={"filter": "strict-match", "chat": True, "fewshot": 5})
    lower = task(0.03, 0.01, 0.05, higher_is_better=False)
    section = present(benchmarks(with_tasks(gsm8k=strict, loss=lower)))
    (grid,) = section.grids
    assert grid.rows[0][:3] == ("gsm8k (chat, 5-shot)", "acc, strict-match", "200")
    assert grid.rows[1][1] == "acc ↓"
    assert "intervals of all differences hold together" in section.sentences[0]
