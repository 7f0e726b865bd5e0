"""From rows of verdicts to the table the analysis computes on: numbers and codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Floats, Ints, group_mean, present, ranked
from brie.analyse.table import PromptLengths, VerdictTable
from brie.evaluation.answers import Answers
from brie.evaluation.columns import Columns, Rows
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.pin import ANSWERS
from brie.records import Message


def table(
    facts: EvaluationData,
    rows: Sequence[VerdictRow] | Rows,
    judges: Sequence[str],
    *,
    votes: bool = False,
) -> VerdictTable:
    """The analysis table of some facts.

    Args:
        facts: where prompts and completions are looked up.
        rows: one a planned verdict; or the numbers of such rows among `facts.facts`.
        judges: the judges to include.
        votes: the rows are votes of people, who see each comparison once.
    """
    if isinstance(rows, np.ndarray):
        columns, taken = facts.columns, rows
    else:
        columns, taken = Columns.of(rows, facts.places), np.arange(len(rows))
    used = columns.take(taken[columns.is_by(judges)[taken]])
    reached, prompt = ranked(used.prompt)
    names = [facts.manifest.plan.order[place] for place in reached.tolist()]
    code = np.array([judges.index(name) if name in judges else -1 for name in used.names], np.int64)
    prompts = facts.work.prompts
    kept, of_row = ranked(used.pair)
    pairs = [used.pairs[at] for at in kept.tolist()]
    compared, of_files = _Compared.of(facts.answers, pairs), _of_files(facts)
    long = facts.answers.characters if of_files else facts.answers.tokens
    width = max(len(pairs), 1)
    shown = np.divmod(present(prompt * width + of_row), width)
    half = used.joint.half if used.joint is not None else np.zeros(len(used.score), np.bool_)
    return VerdictTable.build(
        prompts=names,
        judges=list(judges),
        prompt=prompt,
        judge=code[used.judge],
        score=np.where(half, 0.5, used.score),
        both_orders=facts.manifest.plan.positions == "both" and not votes,
        category=[prompts[name].category for name in names],
        source=[prompts[name].source for name in names],
        sample=used.sample,
        position=used.position,
        label=used.label,
        status=used.status,
        repeat=used.repeat,
        identical=used.identical,
        length_difference=compared.difference(long)[of_row],
        features={name: each[of_row] for name, each in compared.features().items()},
        criteria=used.criteria,
        criteria_order=used.criteria_order if facts.manifest.plan.criteria_orders > 1 else None,
        identical_as_ties=facts.identical_as_ties,
        joint=used.joint if used.joint is not None and used.joint.joint.any() else None,
        lengths=PromptLengths(
            prompt=np.array([_asked(facts.work.messages[name]) for name in names], np.float64),
            answer=compared.mean_of_baselines(*shown, long, prompts=len(names)),
            unit="characters" if of_files else "tokens",
        ),
    )


@dataclass(frozen=True)
class _Compared:
    """Pairs of answers, by their places among those of the evaluation (`Answers.places`)."""

    answers: Answers
    candidate: Ints
    """One entry a pair."""
    baseline: Ints

    @classmethod
    def of(cls, answers: Answers, pairs: Sequence[tuple[str, str]]) -> _Compared:
        sides = answers.places(key for pair in pairs for key in pair).reshape(-1, 2)
        return cls(answers, sides[:, 0], sides[:, 1])

    def difference(self, each: Floats) -> Floats:
        """Candidate minus baseline, one entry a pair.

        Args:
            each: a measure of every answer.
        """
        return each[self.candidate] - each[self.baseline]

    def features(self) -> dict[str, Floats]:
        """Each feature, candidate minus baseline, one entry a pair."""
        return {name: self.difference(each) for name, each in self.answers.features.items()}

    def mean_of_baselines(self, prompt: Ints, pair: Ints, each: Floats, *, prompts: int) -> Floats:
        """Mean over the baseline's different answers to a prompt that are there, one entry a prompt.

        Args:
            prompt: which prompt is compared in which pair: the prompt's place.
            pair: the pair's.
            each: a measure of every answer.
            prompts: how many there are.
        """
        width = len(each)
        answer = self.baseline[pair] % width
        prompt, answer = np.divmod(present(prompt * width + answer), width)
        there = ~np.isnan(each[answer])
        return group_mean(prompt[there], each[answer[there]], prompts)


def _asked(messages: Sequence[Message]) -> int:
    """Characters of all turns."""
    return sum(len(turn.content) for turn in messages)


def _of_files(facts: EvaluationData) -> bool:
    """Whether a side's answers came from a file, which says nothing of tokens."""
    plan = facts.manifest.plan
    return ANSWERS in (plan.candidate.kind, plan.baseline.kind)
