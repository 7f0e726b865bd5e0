"""Do the stored verdicts follow from what was said? Replies are read again, and rules computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np

from brie.analyse.arrays import Ints
from brie.ci.findings import Finding
from brie.evaluation.columns import Rows, chosen
from brie.evaluation.rows import EvaluationData
from brie.evaluation.votes import voters
from brie.evaluation.work import answer_keys, input_of
from brie.judge.interface import Task
from brie.judge.recheck import Answer, recheck
from brie.number_format import plural
from brie.progress import Advance, Screen, Silent
from brie.records import PanelJudge, VerdictLite
from brie.store import Store

_TOGETHER = 1_000
"""Rows whose texts are read together."""
_MANY = 20_000
"""Verdicts from which a bar is shown."""
_NAMED = 3
"""Verdicts that are named one by one."""


def verdicts_follow(data: EvaluationData, screen: Screen) -> Iterator[Finding]:
    """Whether every stored verdict is the one its reply states, or its rule gives, as read today.

    Args:
        data: the evaluation's rows.
        screen: progress.
    """
    answers: Counter[Answer] = Counter()
    differing: list[str] = []
    with _shown(screen, int(data.columns.heard.sum())) as advance:
        for number, (task, answer) in enumerate(_answers(data), 1):
            answers[answer] += 1
            if answer == "differs" and len(differing) < _NAMED:
                differing.append(f"{task.judge} on {task.prompt}")
            if not number % _TOGETHER:
                advance(_TOGETHER)
    if answers["differs"]:
        more = ", …" if answers["differs"] > len(differing) else ""
        yield Finding(
            f"{plural(answers['differs'], 'verdict')} not as the stored reply or the rule says: "
            f"{', '.join(differing)}{more}",
            False,
        )
    elif answers["agrees"]:
        yield Finding(
            f"{plural(answers['agrees'], 'verdict')} read again from replies, or computed again by "
            "rules: the same",
            True,
        )
    if answers["unknown"]:
        yield Finding(
            f"{plural(answers['unknown'], 'verdict')} not read again: only the ends of a long reply "
            "were kept, or it is of an older format",
            True,
        )


def _shown(screen: Screen, total: int) -> AbstractContextManager[Advance]:
    """A bar over verdicts; none where there are few."""
    return (screen if total >= _MANY else Silent()).bar("reading replies", total, "verdicts")


def _answers(data: EvaluationData) -> Iterator[tuple[Task, Answer]]:
    everyone = (*data.work.panel_judges, *voters(data.manifest))
    judges: dict[str, PanelJudge] = {seat.judge.id: seat for seat in everyone}
    texts = {key: completion.text for key, completion in data.completions.items()}
    for task, verdict in _with_texts(data):
        if all(key in texts for key in answer_keys(task)):
            shown = input_of(data.work, task, texts)
            yield task, recheck(verdict, judges[task.judge], shown)


def _with_texts(data: EvaluationData) -> Iterator[tuple[Task, VerdictLite]]:
    """What was planned and has a verdict, with all of it; texts that rows lack come from the store."""
    if data.source is None:
        yield from ((row.task, row.verdict) for row in data.facts if row.verdict is not None)
        return
    rows = chosen(data.columns.heard)
    numbers = _numbers(data, data.source, rows)
    for start in range(0, len(rows), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        verdicts = data.source.attempts_at(numbers[some].tolist())
        for at, number in zip(rows[some].tolist(), numbers[some].tolist(), strict=True):
            yield data.task(at), verdicts[number]


def _numbers(data: EvaluationData, source: Store, rows: Rows) -> Ints:
    """Numbers of the attempts that count for some rows."""
    keys = data.keys(rows)
    of_key = source.numbers_of(keys)
    return np.fromiter((of_key[key] for key in keys), np.int64, len(keys))
