"""Comparisons as people read them: both answers and all that was said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brie.evaluation.gather import is_answered, is_cast, is_same
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import Manifest, Status
from brie.records.analysis import (
    ComparisonView,
    JudgedView,
)
from brie.store import Store


def comparison_views(facts: EvaluationData) -> list[ComparisonView]:
    """Every comparison with both answers and all verdicts, for people to read."""
    groups: dict[tuple[str, int], list[VerdictRow]] = {}
    for fact in (*facts.of("main"), *facts.of("vote")):
        groups.setdefault((fact.task.prompt, fact.task.sample), []).append(fact)
    return [_view(facts, rows) for rows in groups.values()]


def prompt_views(
    work: Work,
    manifest: Manifest,
    store: Store,
    prompt: str,
    votes: Mapping[str, Sequence[Task]] | None = None,
) -> list[ComparisonView]:
    """The comparisons of one prompt, read alone; those whose answers are not there yet are left out.

    Args:
        work: the plan's work, made once for many calls.
        manifest: the evaluation.
        store: where answers and verdicts are kept.
        prompt: a prompt's id.
        votes: `votes_by_prompt`, where votes are to be read too.
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
    every = tuple(f for group in rows.values() for f in group)
    facts = EvaluationData(manifest, work, completions, every, (prompt,))
    return [_view(facts, group) for group in rows.values()]


def _view(facts: EvaluationData, rows: Sequence[VerdictRow]) -> ComparisonView:
    task = rows[0].task
    prompt = facts.work.prompts[task.prompt]
    candidate = facts.completions[task.presentation.candidate]
    baseline = facts.completions[task.presentation.baseline]
    counting = {s.judge.id for s in facts.manifest.plan.seats if not s.instrument}
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
