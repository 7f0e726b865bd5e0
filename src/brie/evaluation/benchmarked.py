"""What lm-eval's tasks say of the two sides: results by document, compared in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from brie.analyse.arrays import Floats
from brie.analyse.benchmarks import Compared, Scores, compare_tasks
from brie.analyse.win_rate import Settings
from brie.evaluation.benchmarks import SIDES, task_rows
from brie.evaluation.rows import EvaluationData
from brie.number_format import plural
from brie.records import Plan, TaskSpec
from brie.records.benchmarks import TaskNumbers, Tasks, TaskVerdict


def task_numbers(data: EvaluationData, settings: Settings) -> tuple[Tasks | None, dict[str, str]]:
    """Both sides of every task with their differences, and why something of it is missing.

    Args:
        data: plan and results.
        settings: of the intervals.
    """
    plan = data.manifest.plan
    if not plan.tasks:
        return None, {}
    shown = {name: list(specs) for name, specs in _shown(plan)}
    scores, notes = {}, dict[str, str]()
    for name, specs in shown.items():
        values = [_values(data, spec) for spec in specs]
        lacking = sum(lacks for _, _, lacks in values)
        joined = Scores(*(np.concatenate([part[at] for part in values]) for at in (0, 1)))
        why = _why_none(joined, lacking)
        if why:
            notes[f"tasks.{name}"] = why
        else:
            scores[name] = joined
    compared = compare_tasks(scores, settings, plan.seed) if scores else {}
    return Tasks(
        program=plan.tasks[0].program,
        level=settings.level,
        by_task={
            name: _numbers(specs, data, scores.get(name), compared.get(name))
            for name, specs in shown.items()
        },
    ), notes


def _shown(plan: Plan) -> Iterator[tuple[str, list[TaskSpec]]]:
    """What tasks are read as, and the tasks of each: a group's stand together."""
    names = dict.fromkeys(spec.shown_as for spec in plan.tasks)
    for name in names:
        yield name, [spec for spec in plan.tasks if spec.shown_as == name]


def _values(data: EvaluationData, spec: TaskSpec) -> tuple[Floats, Floats, int]:
    """The metric of every document with both results, on either side, and how many lack one."""
    plan = data.manifest.plan
    sides = [
        [
            row.measures.get(spec.measure) if (row := data.tasks.get(planned.key)) else None
            for planned in task_rows(plan, side, spec)
        ]
        for side in SIDES
    ]
    pairs = [(ours, theirs) for ours, theirs in zip(*sides, strict=True) if None not in (ours, theirs)]
    values = np.array(pairs, np.float64).reshape(-1, 2)
    return values[:, 0], values[:, 1], spec.documents - len(pairs)


def _why_none(scores: Scores, lacking: int) -> str:
    if lacking:
        return f"{plural(lacking, 'document')} without a result on both sides"
    values = np.concatenate([scores.candidate, scores.baseline])
    if values.min() < 0 or values.max() > 1:
        return "its metric is not between 0 and 1; name another: TASK#METRIC"
    return ""


def _numbers(
    specs: Sequence[TaskSpec],
    data: EvaluationData,
    scores: Scores | None,
    compared: Compared | None,
) -> TaskNumbers:
    first = specs[0]
    told = TaskNumbers(
        metric=first.metric,
        filter=first.filter,
        higher_is_better=first.higher_is_better,
        output=first.output,
        chat=first.chat,
        fewshot=first.fewshot,
        documents=sum(spec.documents for spec in specs),
        of=sum(spec.of or spec.documents for spec in specs) if any(spec.of for spec in specs) else 0,
        parts={spec.name: spec.documents for spec in specs} if first.group else {},
        missing=sum(_values(data, spec)[2] for spec in specs),
    )
    if scores is None or compared is None:
        return told
    gain = scores.gap if first.higher_is_better else -scores.gap
    numbers = told.model_copy(
        update={
            "candidate": compared.candidate,
            "baseline": compared.baseline,
            "difference": compared.difference,
            "p_adjusted": compared.p_adjusted,
            "candidate_better": int((gain > 0).sum()),
            "baseline_better": int((gain < 0).sum()),
        }
    )
    return numbers.model_copy(update={"verdict": _verdict(numbers)})


def _verdict(numbers: TaskNumbers) -> TaskVerdict:
    """What the interval of the difference says of the candidate."""
    if numbers.drop is None:
        return "undecided"
    _, least, most = numbers.drop
    return "worse" if least > 0 else "better" if most < 0 else "undecided"
