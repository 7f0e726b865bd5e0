"""Comparisons as people read them: both answers and all that was said of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from brie.evaluation.gather import gather, is_answered, is_cast, is_same
from brie.evaluation.margins import counting_judges, with_joint
from brie.evaluation.rows import EvaluationData, VerdictRow, headline_judges
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import Manifest, Status
from brie.records.analysis import (
    ComparisonView,
    JudgedView,
)
from brie.store import Store


def comparison_views(facts: EvaluationData) -> list[ComparisonView]:
    """Every comparison with both answers and all verdicts, for people to read.

    Where the rows have no texts, they are read from the store.
    """
    groups: dict[tuple[str, int], list[VerdictRow]] = {}
    for fact in (*facts.of("main"), *facts.of("vote")):
        groups.setdefault((fact.task.prompt, fact.task.sample), []).append(fact)
    counting = counting_judges(facts)
    return [_view(facts, rows, counting) for rows in _with_texts(list(groups.values()), facts.source)]


def _with_texts(groups: Sequence[list[VerdictRow]], source: Store | None) -> Iterator[list[VerdictRow]]:
    """Rows with what judges wrote, comparisons in the same order."""
    if source is None:
        yield from groups
        return
    for start in range(0, len(groups), _TOGETHER):
        some = groups[start : start + _TOGETHER]
        kept = source.kept(row.task.key for rows in some for row in rows if row.verdict)
        for rows in some:
            yield [replace(row, verdict=kept.get(row.task.key)) for row in rows]


_TOGETHER = 200
"""Comparisons whose texts are read together."""


def counting_in(manifest: Manifest, store: Store) -> frozenset[str]:
    """Judges whose scores make a comparison's, for `prompt_views`."""
    seats = [seat for seat in manifest.plan.seats if not seat.instrument]
    if any(seat.margins for seat in seats):
        return frozenset(counting_judges(gather(manifest, store)))
    return frozenset(headline_judges(manifest))


def prompt_views(
    work: Work,
    manifest: Manifest,
    store: Store,
    prompt: str,
    votes: Mapping[str, Sequence[Task]] | None = None,
    *,
    counting: Collection[str] | None = None,
) -> list[ComparisonView]:
    """The comparisons of one prompt, read alone; those whose answers are not there yet are left out.

    Args:
        work: the plan's work, made once for many calls.
        manifest: the evaluation.
        store: where answers and verdicts are kept.
        prompt: a prompt's id.
        votes: `votes_by_prompt`, where votes are to be read too.
        counting: `counting_in`, made once for many calls.
    """
    tasks = [*work.tasks_of(prompt), *(votes or {}).get(prompt, ())]
    keys = {key for t in tasks for key in (t.presentation.candidate, t.presentation.baseline)}
    completions = store.completions(keys)
    verdicts = store.kept(task.key for task in tasks)
    rows: dict[int, list[VerdictRow]] = {}
    for task in tasks:
        cast = task.kind != "vote" or is_cast(verdicts.get(task.key))
        if cast and is_answered(task, completions):
            fact = VerdictRow(task, is_same(task, completions), verdicts.get(task.key))
            rows.setdefault(task.sample, []).append(fact)
    joined = [with_joint(group, work.panel_judges) for group in rows.values()]
    every = tuple(f for group in joined for f in group)
    facts = EvaluationData(manifest, work, completions, every, (prompt,))
    scoring = counting_in(manifest, store) if counting is None else counting
    return [_view(facts, group, scoring) for group in joined]


def _view(
    facts: EvaluationData, rows: Sequence[VerdictRow], counting: Collection[str]
) -> ComparisonView:
    task = rows[0].task
    prompt = facts.work.prompts[task.prompt]
    candidate = facts.completions[task.presentation.candidate]
    baseline = facts.completions[task.presentation.baseline]
    scores = [f.score for f in rows if f.task.judge in counting]
    usable = scores and all(score == score for score in scores)
    return ComparisonView(
        prompt_id=prompt.id,
        category=prompt.category,
        source=prompt.source,
        sample=task.sample,
        messages=facts.work.messages[prompt.id],
        reference=prompt.reference,
        candidate_text=candidate.text,
        baseline_text=baseline.text,
        candidate_finish=candidate.finish_reason,
        baseline_finish=baseline.finish_reason,
        score=sum(scores) / len(scores) if usable else None,
        verdicts=tuple(_judged(fact) for fact in rows),
    )


def _judged(fact: VerdictRow) -> JudgedView:
    shown, verdict = fact.task.presentation, fact.verdict
    scores = verdict.scores if verdict else {}
    return JudgedView(
        judge=fact.task.judge,
        order=shown.order,
        candidate_letter=shown.candidate_letter,
        status=Status.OK if fact.identical else (verdict.status if verdict else Status.ERROR),
        winner=fact.winner,
        reason="the answers are identical" if fact.identical else (verdict.reason if verdict else ""),
        scores={criterion: dict(shown.by_side(by_letter)) for criterion, by_letter in scores.items()},
        margin=verdict.margin if verdict else None,
    )
