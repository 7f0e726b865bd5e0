"""Benchmarks as an analysis has them, for tests of what is shown and asked of them."""

from __future__ import annotations

from brie.records.benchmarks import TaskNumbers, Tasks, TaskVerdict
from brie.records.estimates import Estimate


def estimate(value: float, low: float | None, high: float | None) -> Estimate:
    """An interval as the document has it."""
    return Estimate(value=value, low=low, high=high, level=0.95, n=200, method="paired-t-plus-one")


def task(
    value: float, low: float | None, high: float | None, *, higher_is_better: bool = True
) -> TaskNumbers:
    """A task whose difference is so much, with the verdict that follows."""
    verdict: TaskVerdict = "undecided"
    if low is not None and high is not None and (low > 0 or high < 0):
        verdict = "better" if (low > 0) == higher_is_better else "worse"
    return TaskNumbers(
        metric="acc", filter="none", higher_is_better=higher_is_better, output="multiple_choice",
        chat=False, fewshot=0, documents=200, candidate=estimate(0.5 + value, 0.4, 0.6),
        baseline=estimate(0.5, 0.4, 0.6), difference=estimate(value, low, high), p_adjusted=0.01,
        verdict=verdict,
    )  # fmt: skip


def tasks(**by_task: TaskNumbers) -> Tasks:
    """All of them."""
    return Tasks(program="0.4.13", level=0.95, by_task=by_task)
