"""How far benchmarks may fall: what `brie gate --max-task-drop` asks beside the win rate."""

from __future__ import annotations

from brie.errors import UsageError
from brie.number_format import difference, listed, signed_span
from brie.records.analysis import Analysis
from brie.records.benchmarks import TaskNumbers


def within_drop(analysis: Analysis, most: float) -> tuple[bool | None, str]:
    """Whether every task is shown to have fallen by less than so much, with the reason.

    The interval of a task's difference decides; those of all tasks hold together. A task is within
    where all of it is less than `most`, and beyond where all of it is more; touching it is neither.

    Args:
        analysis: the evaluation's numbers.
        most: of the metric's scale, which runs from 0 to 1.

    Raises:
        UsageError: the evaluation has no tasks.
    """
    if analysis.tasks is None:
        raise UsageError(
            "--max-task-drop asks about benchmarks, and this evaluation has none; add them: "
            "brie eval --tasks NAME|FILE"
        )
    answers = {name: _answer(task, most) for name, task in analysis.tasks.by_task.items()}
    allowed = difference(most)
    for met in (False, None):
        told = [f"{name} {said}" for name, (answer, said) in answers.items() if answer is met]
        if told:
            verb = "fell by more than" if met is False else "is not shown to have fallen by less than"
            return met, f"a task {verb} {allowed}: {listed(told)}"
    within = [f"{name} {said}" for name, (_, said) in answers.items()]
    return True, f"no task fell by {allowed}: {listed(within)}"


def _answer(task: TaskNumbers, most: float) -> tuple[bool | None, str]:
    drop, gap = task.drop, task.difference
    if drop is None or gap is None or gap.low is None or gap.high is None:
        return None, "(no interval)"
    _, low, high = drop
    said = f"({signed_span(gap.low, gap.high)} points)"
    if high < most - 1e-12:
        return True, said
    return (False if low > most + 1e-12 else None), said
