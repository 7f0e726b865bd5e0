"""Benchmarks of both sides, as sentences and a table that page, Markdown and terminal print."""

from __future__ import annotations

from collections.abc import Iterator

from brie.number_format import (
    difference,
    p_value,
    percent,
    plural,
    points,
    signed,
    signed_span,
    span,
)
from brie.records.analysis import Analysis
from brie.records.benchmarks import TaskNumbers, Tasks
from brie.records.estimates import Estimate
from brie.report.accuracy import Grid, RightAndWrong
from brie.report.clean import one_line

_WORSE_FIRST = {"worse": 0, "better": 1, "undecided": 2}
_SHOWN = {
    "worse": "the candidate is worse",
    "better": "the candidate is better",
    "undecided": "no difference is shown",
}
_NAMED = 3
"""Tasks that the headline names."""


def benchmarks(analysis: Analysis) -> RightAndWrong | None:
    """The section of a report; None where no task was run."""
    tasks = analysis.tasks
    if tasks is None:
        return None
    return RightAndWrong(tuple(_sentences(tasks, analysis)), (_table(tasks),))


def tasks_clause(analysis: Analysis) -> str:
    """What the tasks say, to stand behind the win rate: "arithmetic 3 points worse (1 to 5)".

    Tasks that are shown to differ are named, the worse ones first; "" where none was run.
    """
    tasks = analysis.tasks
    if tasks is None:
        return ""
    shown = [
        (name, numbers)
        for name, numbers in tasks.by_task.items()
        if numbers.verdict in ("worse", "better")
    ]
    shown.sort(key=lambda pair: (_WORSE_FIRST[pair[1].verdict or "undecided"], -_size(pair[1])))
    parts = [_clause(name, numbers) for name, numbers in shown[:_NAMED]]
    if len(shown) > _NAMED:
        parts.append(f"{plural(len(shown) - _NAMED, 'more task differs', 'more tasks differ')}")
    undecided = [(n, t) for n, t in tasks.by_task.items() if t.verdict == "undecided"]
    if len(undecided) == 1:
        parts.append(_clause(*undecided[0]))
    elif undecided:
        parts.append(f"no difference is shown on {len(undecided)} {'other ' if shown else ''}tasks")
    lacking = sum(numbers.verdict is None for numbers in tasks.by_task.values())
    if lacking:
        parts.append(f"{plural(lacking, 'task')} without numbers")
    return "; ".join(parts)


def _size(numbers: TaskNumbers) -> float:
    return abs(numbers.difference.value) if numbers.difference else 0.0


def _clause(name: str, numbers: TaskNumbers) -> str:
    """One task: by how much the candidate is worse or better, with the interval."""
    told = f"`{one_line(name, 60).replace('`', '')}`"
    drop = numbers.drop
    if drop is None or numbers.verdict == "undecided":
        gap = numbers.difference
        ends = "" if gap is None or gap.low is None or gap.high is None else _ends(gap)
        return f"{told}: no difference is shown{f' ({ends})' if ends else ''}"
    value, low, high = drop
    if numbers.verdict == "better":
        value, low, high = -value, -high, -low
    return f"{told} {difference(value)} {numbers.verdict} ({span(low, high, ' to ')})"


def _ends(gap: Estimate) -> str:
    return signed_span(gap.low or 0.0, gap.high or 0.0)


def _sentences(tasks: Tasks, analysis: Analysis) -> Iterator[str]:
    several = len(tasks.by_task) > 1
    program = f"lm-eval {one_line(tasks.program, 40)}"
    hold = f"; the {percent(tasks.level)} intervals of all differences hold together" if several else ""
    did = f"Both models did {plural(len(tasks.by_task), 'task')} of {program}"
    yield f"{did}, compared document by document{hold}."
    for name, numbers in tasks.by_task.items():
        if numbers.verdict is None:
            why = analysis.notes.get(f"tasks.{name}", "results are missing")
            yield f"{one_line(name, 80)}: no numbers, {one_line(why, 200)}."
            continue
        yield (
            f"{one_line(name, 80)}: {_SHOWN[numbers.verdict]}. The candidate does better on "
            f"{plural(numbers.candidate_better, 'document')}, the baseline on "
            f"{numbers.baseline_better:,}, of {numbers.documents:,}."
        )
    chats = {numbers.chat for numbers in tasks.by_task.values()}
    words = {True: "as conversations, in each side's chat template", False: "as plain text"}
    if len(chats) == 1:
        yield f"Documents were asked {words[next(iter(chats))]}."


def _table(tasks: Tasks) -> Grid:
    rows = tuple(_row(name, numbers) for name, numbers in tasks.by_task.items())
    remark = ""
    if any(numbers.parts for numbers in tasks.by_task.values()):
        remark = "A group is the mean over the documents of all its tasks, each counted once."
    if any(not numbers.higher_is_better for numbers in tasks.by_task.values()):
        remark += " A metric marked ↓ is better where it is lower."
    head = ("Task", "Metric", "Documents", "Candidate", "Baseline", "Difference", "p")
    return Grid("Tasks, 0 to 100", head, rows, remark.strip())


def _row(name: str, numbers: TaskNumbers) -> tuple[str, ...]:
    filtered = "" if numbers.filter == "none" else f", {numbers.filter}"
    metric = one_line(f"{numbers.metric}{filtered}", 40) + ("" if numbers.higher_is_better else " ↓")
    shots = f", {numbers.fewshot}-shot" if numbers.fewshot else ""
    how = "chat" if numbers.chat else "text"
    gap = numbers.difference
    ends = "" if gap is None or gap.low is None or gap.high is None else f" ({_ends(gap)})"
    return (
        one_line(f"{name} ({how}{shots})", 60),
        metric,
        f"{numbers.documents:,}" + (f" of {numbers.of:,}" if numbers.of else ""),
        points(numbers.candidate.value) if numbers.candidate else "–",
        points(numbers.baseline.value) if numbers.baseline else "–",
        f"{signed(gap.value)}{ends}" if gap else "–",
        p_value(numbers.p_adjusted) if numbers.p_adjusted is not None else "–",
    )
