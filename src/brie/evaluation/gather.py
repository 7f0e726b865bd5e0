"""From a sealed plan and the store to rows: one a planned verdict, with what is known of it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from brie.analyse.compare import rates_by_prompt
from brie.analyse.sequential import sequence
from brie.evaluation.benchmarks import stored_results
from brie.evaluation.margins import with_joint
from brie.evaluation.planned_rows import PlannedRows
from brie.evaluation.rows import (
    EvaluationData,
    RowsDigest,
    VerdictRow,
    headline_judges,
    stopped_judges,
)
from brie.evaluation.soundness import refuse_unsound
from brie.evaluation.table import table
from brie.evaluation.votes import votes_by_prompt
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import CompletionLite, Manifest, Status, VerdictLite
from brie.store import Store


def gather(manifest: Manifest, store: Store, *, texts: bool = True) -> EvaluationData:
    """Read what the store knows of an evaluation's plan, up to where it stopped.

    Args:
        manifest: the evaluation.
        store: where its rows are.
        texts: keep what judges wrote. Without it a million verdicts fit into memory, and their texts are
            read again where they are shown, as long as the store is open; an evaluation that may stop
            early is small and keeps them.

    Raises:
        SealBroken: the plan is not the one that was sealed; no number is computed on it.
        DamagedRow: a row of it cannot be read.
    """
    refuse_unsound(manifest)
    with without_collection(), store.snapshot():
        tasks = stored_results(manifest.plan, store)
        data = replace(nothing_yet(manifest), newest=store.newest(), tasks=tasks)
        if manifest.plan.stopping is None and not texts:
            return _without_texts(data, store)
        for block in data.work.blocks():
            data = extended(data, store, block)
            if manifest.plan.stopping is not None and (_is_unfinished(data) or _has_decided(data)):
                break
        return with_votes(data, store)


def _without_texts(before: EvaluationData, store: Store) -> EvaluationData:
    """All rows of a plan, with their digest instead of their texts."""
    work = before.work
    completions = store.answers(sorted(work.texts_needed()))
    planned = replace(before, completions=completions, prompts=work.plan.order, source=store)
    voted = with_votes(planned, store)
    texts = {key: row.text for key, row in completions.items()}
    rows = PlannedRows(work.planned(), work.planned().identical(texts), voted.facts)
    counted = RowsDigest(completions, before.tasks)
    rows.read(store, counted)
    judges = work.panel_judges
    facts = with_joint(rows, judges) if any(seat.margins for seat in judges) else rows
    return replace(voted, facts=facts, read_digest=counted.digest())


def _rows(
    tasks: Sequence[Task],
    completions: Mapping[str, CompletionLite],
    verdicts: Mapping[str, VerdictLite],
    work: Work,
) -> list[VerdictRow]:
    same: dict[int, bool] = {}
    rows = []
    for task in tasks:
        shown = id(task.presentation)
        if shown not in same:
            same[shown] = is_same(task, completions)
        rows.append(VerdictRow(task, same[shown], verdicts.get(task.key)))
    return with_joint(rows, work.panel_judges)


def nothing_yet(manifest: Manifest) -> EvaluationData:
    """An evaluation's rows before any of them was read."""
    return EvaluationData(manifest, Work.of(manifest), {}, (), ())


def with_votes(data: EvaluationData, store: Store) -> EvaluationData:
    """The rows with the votes that people cast on the prompts that were reached; a withdrawn one is
    none."""
    cast = votes_by_prompt(data.manifest, data.work)
    tasks = [task for prompt in data.prompts for task in cast.get(prompt, ())]
    verdicts = store.kept(task.key for task in tasks)
    votes = [
        VerdictRow(task, False, verdicts[task.key])
        for task in tasks
        if is_cast(verdicts.get(task.key)) and is_answered(task, data.completions)
    ]
    voted = Counter(task.judge for task in tasks if task.key in verdicts)
    return replace(data, facts=(*data.facts, *votes), voted=voted) if voted else data


def is_cast(vote: VerdictLite | None) -> bool:
    """Whether a vote stands; a withdrawn one does not."""
    return vote is not None and vote.status is Status.OK


def is_answered(task: Task, completions: Mapping[str, CompletionLite]) -> bool:
    """Whether both answers of a planned verdict are there."""
    return task.presentation.candidate in completions and task.presentation.baseline in completions


@contextmanager
def without_collection() -> Iterator[None]:
    """Millions of objects and no cycles: looking for some again and again would take half the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def extended(before: EvaluationData, store: Store, prompts: Sequence[str]) -> EvaluationData:
    """The rows with those of the next prompts."""
    work = before.work
    completions = store.answers(work.texts_needed(prompts))
    tasks = work.tasks(prompts)
    verdicts = store.kept(task.key for task in tasks)
    facts = _rows(tasks, completions, verdicts, work)
    return replace(
        before,
        completions={**before.completions, **completions},
        facts=(*before.facts, *facts),
        prompts=(*before.prompts, *prompts),
    )


def _is_unfinished(facts: EvaluationData) -> bool:
    """Whether verdicts of a judge that counts are missing; stopped and added judges hold nothing up."""
    sealed = {s.judge.id for s in facts.manifest.plan.seats}
    waited_for = sealed - set(stopped_judges(facts.manifest))
    columns = facts.columns
    return bool((columns.is_of("main") & columns.missing & columns.is_by(waited_for)).any())


def is_decided(facts: EvaluationData) -> bool:
    """Whether the sealed rule ends the evaluation: every verdict is in and the e-process decided."""
    return facts.manifest.plan.stopping is not None and not _is_unfinished(facts) and _has_decided(facts)


def _has_decided(facts: EvaluationData) -> bool:
    """Whether the e-process over the prompts so far has decided."""
    stopping = facts.manifest.plan.stopping
    if stopping is None:
        return False
    judges = headline_judges(facts.manifest)
    rates = rates_by_prompt(table(facts, facts.of("main"), judges))
    means = [rates[name] for name in facts.prompts if name in rates]
    return bool(means) and sequence(np.array(means), stopping.alpha).decided


def is_same(task: Task, completions: Mapping[str, CompletionLite]) -> bool:
    """Whether both answers are there, and byte-identical."""
    candidate = completions.get(task.presentation.candidate)
    baseline = completions.get(task.presentation.baseline)
    return candidate is not None and baseline is not None and candidate.text == baseline.text
