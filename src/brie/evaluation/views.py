"""Comparisons as people read them: both answers and all that was said of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints
from brie.evaluation.columns import chosen
from brie.evaluation.gather import gather, is_answered, is_cast, is_same
from brie.evaluation.margins import counting_judges, with_joint
from brie.evaluation.rows import EvaluationData, VerdictRow, headline_judges
from brie.evaluation.verdict_blocks import SAME, verdict_blocks
from brie.evaluation.work import Work, answer_keys
from brie.judge.interface import Task
from brie.records import Manifest, Status
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.comparisons import Comparisons, Outline, VerdictBlock
from brie.store import Store


def comparison_views(facts: EvaluationData) -> Comparisons:
    """Every comparison with both answers and all verdicts, for people to read.

    Where the rows have no texts, they are read from the store, which must be open as long.
    """
    return _Stored(facts)


class _Stored(Comparisons):
    """Comparisons of an evaluation: its columns rank them, and a view is made of what is read."""

    def __init__(self, facts: EvaluationData) -> None:
        self._facts, columns = facts, facts.columns
        rows = np.concatenate([chosen(columns.is_of(kind)) for kind in ("main", "vote")])
        _, first, number = np.unique(columns.comparison[rows], return_index=True, return_inverse=True)
        place = np.argsort(np.argsort(first))
        self._comparison = place[number]
        """Number of each row's comparison: they stand in the order of their first rows."""
        by_comparison = np.argsort(self._comparison, kind="stable")
        self._rows = rows
        self._sorted = rows[by_comparison]
        self._ends = np.cumsum(np.bincount(self._comparison, minlength=len(first)))
        self._first = rows[np.sort(first)]

    def __len__(self) -> int:
        return len(self._first)

    def outline(self, judges: Collection[str] | None = None) -> Outline:
        facts, first = self._facts, self._facts.columns.take(self._first)
        names = facts.manifest.plan.order
        length, empty = self._lengths()
        apart, flips = self._between(judges)
        return Outline(
            prompts=[names[at] for at in first.prompt.tolist()],
            sample=first.sample,
            score=self._scores(),
            spread=apart,
            flips=flips,
            length=length[first.pair],
            empty=empty[first.pair],
        )

    def criteria(self) -> list[str]:
        named = self._facts.columns.named
        return sorted(name for name, of_row in named.items() if of_row[self._rows].any())

    def read(self, at: Iterable[int]) -> Iterator[ComparisonView]:
        numbers = iter(at)
        while some := list(islice(numbers, _TOGETHER)):
            groups = [self._group(number) for number in some]
            yield from (_view(self._facts, rows, self._counting) for rows in self._with_texts(groups))

    def blocks(self) -> Iterator[VerdictBlock]:
        return verdict_blocks(self._facts, self._rows, _judged)

    @cached_property
    def _counting(self) -> frozenset[str]:
        return frozenset(counting_judges(self._facts))

    def _group(self, number: int) -> list[VerdictRow]:
        start = int(self._ends[number - 1]) if number else 0
        return [self._facts.facts[at] for at in self._sorted[start : self._ends[number]].tolist()]

    def _with_texts(self, groups: Sequence[list[VerdictRow]]) -> Iterable[list[VerdictRow]]:
        """Rows with what judges wrote."""
        source = self._facts.source
        if source is None:
            return groups
        kept = source.kept(row.task.key for rows in groups for row in rows if row.verdict)
        return ([replace(row, verdict=kept.get(row.task.key)) for row in rows] for rows in groups)

    def _scores(self) -> Floats:
        """Mean score of the judges that count; NaN where a verdict of theirs cannot be used."""
        columns = self._facts.columns
        by_them = columns.is_by(self._counting)[self._rows]
        at, score = self._comparison[by_them], columns.score[self._rows][by_them]
        return _means(at, score, len(self))

    def _between(self, judges: Collection[str] | None) -> tuple[Floats, Floats]:
        """Distance between the judges' means, and the share of judges that changed with the order."""
        columns, size = self._facts.columns, len(self)
        score, judge = columns.score[self._rows], columns.judge[self._rows]
        used = ~np.isnan(score)
        if judges is not None:
            used &= columns.is_by(judges)[self._rows]
        pairs, of_pair = np.unique(
            self._comparison[used] * len(columns.names) + judge[used], return_inverse=True
        )
        of_judge = pairs // max(len(columns.names), 1)
        mean = _means(of_pair, score[used], len(pairs))
        highest, lowest = np.full(size, -np.inf), np.full(size, np.inf)
        np.maximum.at(highest, of_judge, mean)
        np.minimum.at(lowest, of_judge, mean)
        count = np.bincount(of_judge, minlength=size)
        chose = [np.bincount(of_pair[score[used] == side], minlength=len(pairs)) > 0 for side in (0, 1)]
        both = np.bincount(of_judge[chose[0] & chose[1]], minlength=size)
        heard = count > 0
        apart: Floats = np.subtract(highest, lowest, out=np.zeros(size), where=heard)
        return apart, np.divide(both, count, out=np.full(size, np.nan), where=heard)

    def _lengths(self) -> tuple[Ints, Bools]:
        """Characters of both answers of each pair, and whether one is empty."""
        answers, pairs = self._facts.completions, self._facts.columns.pairs
        texts = {key: answer.text for key, answer in answers.items()}
        there = [(texts.get(candidate, ""), texts.get(baseline, "")) for candidate, baseline in pairs]
        length = np.array([len(one) + len(other) for one, other in there], np.int64)
        empty = np.array([not one.strip() or not other.strip() for one, other in there], np.bool_)
        return length, empty


def _means(group: Ints, values: Floats, size: int) -> Floats:
    """Mean of each group's values; NaN for an empty one."""
    count = np.bincount(group, minlength=size)
    total = np.bincount(group, weights=values, minlength=size)
    means: Floats = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    return means


_TOGETHER = 200
"""Comparisons whose texts are read together."""


def counting_in(manifest: Manifest, store: Store) -> frozenset[str]:
    """Judges whose scores make a comparison's, for `views_of`."""
    seats = [seat for seat in manifest.plan.seats if not seat.instrument]
    if any(seat.margins for seat in seats):
        return frozenset(counting_judges(gather(manifest, store)))
    return frozenset(headline_judges(manifest))


def prompt_views(work: Work, manifest: Manifest, store: Store, prompt: str) -> list[ComparisonView]:
    """The comparisons of one prompt as judges see them, read alone (`views_of`)."""
    return views_of(work, manifest, store, work.tasks_of(prompt))


def views_of(
    work: Work,
    manifest: Manifest,
    store: Store,
    tasks: Sequence[Task],
    *,
    counting: Collection[str] | None = None,
) -> list[ComparisonView]:
    """The comparisons that planned verdicts and possible votes are about, in the order of the first on
    each; those whose answers are not there yet are left out.

    Args:
        work: the plan's work, made once for many calls.
        manifest: the evaluation.
        store: where answers and verdicts are kept.
        tasks: all of each comparison that are to be read.
        counting: `counting_in`, made once for many calls.
    """
    completions = store.answers({key for task in tasks for key in answer_keys(task)})
    verdicts = store.kept(task.key for task in tasks)
    rows: dict[tuple[str, int], list[VerdictRow]] = {}
    for task in tasks:
        there = task.kind != "vote" or is_cast(verdicts.get(task.key))
        if there and is_answered(task, completions):
            fact = VerdictRow(task, is_same(task, completions), verdicts.get(task.key))
            rows.setdefault((task.prompt, task.sample), []).append(fact)
    joined = [with_joint(group, work.panel_judges) for group in rows.values()]
    every = tuple(f for group in joined for f in group)
    facts = EvaluationData(
        manifest, work, completions, every, tuple(dict.fromkeys(prompt for prompt, _ in rows))
    )
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
        reason=SAME if fact.identical else (verdict.reason if verdict else ""),
        scores={criterion: dict(shown.by_side(by_letter)) for criterion, by_letter in scores.items()},
        margin=verdict.margin if verdict else None,
    )
