"""Do the stored verdicts follow from what was said? Replies are read again, and rules computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from brie.ci.findings import Finding
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.evaluation.votes import voters
from brie.evaluation.work import input_of
from brie.judge.recheck import Answer, recheck
from brie.number_format import plural
from brie.records import PanelJudge, VerdictLite

_TOGETHER = 1_000
"""Rows whose texts are read together."""
_NAMED = 3
"""Verdicts that are named one by one."""


def verdicts_follow(data: EvaluationData) -> Iterator[Finding]:
    """Whether every stored verdict is the one its reply states, or its rule gives, as read today."""
    answers: Counter[Answer] = Counter()
    differing: list[str] = []
    for row, answer in _answers(data):
        answers[answer] += 1
        if answer == "differs" and len(differing) < _NAMED:
            differing.append(f"{row.task.judge} on {row.task.prompt}")
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


def _answers(data: EvaluationData) -> Iterator[tuple[VerdictRow, Answer]]:
    everyone = (*data.work.panel_judges, *voters(data.manifest))
    judges: dict[str, PanelJudge] = {seat.judge.id: seat for seat in everyone}
    texts = {key: completion.text for key, completion in data.completions.items()}
    for row, verdict in _with_texts(data):
        keys = (row.task.presentation.candidate, row.task.presentation.baseline)
        if all(key in texts for key in keys):
            shown = input_of(data.work, row.task, texts)
            yield row, recheck(verdict, judges[row.task.judge], shown)


def _with_texts(data: EvaluationData) -> Iterator[tuple[VerdictRow, VerdictLite]]:
    """Rows with their verdicts, whose texts are read from the store where the rows have none."""
    for start in range(0, len(data.facts), _TOGETHER):
        some = [row for row in data.facts[start : start + _TOGETHER] if row.verdict is not None]
        kept = data.source.kept(row.task.key for row in some) if data.source else {}
        for row in some:
            if verdict := kept.get(row.task.key, row.verdict):
                yield row, verdict
