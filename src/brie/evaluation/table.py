"""From rows of verdicts to the table the analysis computes on: numbers and codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import Floats, Ints, group_mean, present, ranked
from brie.analyse.table import PromptLengths, VerdictTable
from brie.evaluation.columns import Columns, Rows
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.pin import ANSWERS
from brie.records import Completion, Message


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
    compared, of_files = _Compared.of(facts, pairs), _of_files(facts)
    long, width = compared.long(of_files=of_files), max(len(pairs), 1)
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


_ITEM = re.compile(r"\n\s*(?:[-*•]|\d+[.)])(?=\s)")
_HEADING = re.compile(r"\n(?:#{1,6}(?=\s)|\*\*[^*]+\*\*(?=\s*$))", re.MULTILINE)
"""Both begin with the break before their line: it is looked for several times as fast as `^`."""
FEATURES: dict[str, Callable[[str], float]] = {
    "lists": lambda text: float(len(_ITEM.findall(f"\n{text}"))),
    "headings": lambda text: float(len(_HEADING.findall(f"\n{text}"))),
    "questions": lambda text: float(text.count("?")),
    "distinct words": lambda text: _distinct(text.casefold().split()),
}
"""Countable things of an answer's text that judges may reward."""


def _distinct(words: Sequence[str]) -> float:
    return len(set(words)) / len(words) if words else 0.0


@dataclass(frozen=True)
class _Compared:
    """Pairs of answers, and the different answers that they are made of."""

    answers: list[Completion | None]
    """Each once; None where it is not there."""
    candidate: Ints
    """One entry a pair: the place of its answer among them."""
    baseline: Ints

    @classmethod
    def of(cls, facts: EvaluationData, pairs: Sequence[tuple[str, str]]) -> _Compared:
        number: dict[str, int] = {}
        places = [number.setdefault(key, len(number)) for pair in pairs for key in pair]
        sides = np.array(places, np.int64).reshape(-1, 2)
        return cls([facts.completions.get(key) for key in number], sides[:, 0], sides[:, 1])

    def difference(self, each: Floats) -> Floats:
        """Candidate minus baseline, one entry a pair.

        Args:
            each: a measure of every answer; NaN where it is not there.
        """
        return each[self.candidate] - each[self.baseline]

    def features(self) -> dict[str, Floats]:
        """Each feature, candidate minus baseline, one entry a pair."""
        nan = float("nan")
        texts = [None if answer is None else answer.text for answer in self.answers]
        return {
            name: self.difference(np.array([nan if t is None else count(t) for t in texts], np.float64))
            for name, count in FEATURES.items()
        }

    def long(self, *, of_files: bool) -> Floats:
        """Length of every answer: in tokens, or in characters where a side is a file."""
        nan = float("nan")
        if of_files:
            lengths = [nan if answer is None else len(answer.text) for answer in self.answers]
        else:
            lengths = [nan if answer is None else answer.tokens for answer in self.answers]
        return np.array(lengths, np.float64)

    def mean_of_baselines(self, prompt: Ints, pair: Ints, each: Floats, *, prompts: int) -> Floats:
        """Mean over the baseline's different answers to a prompt that are there, one entry a prompt.

        Args:
            prompt: which prompt is compared in which pair: the prompt's place.
            pair: the pair's.
            each: a measure of every answer; NaN where it is not there.
            prompts: how many there are.
        """
        width = max(len(self.answers), 1)
        prompt, answer = np.divmod(present(prompt * width + self.baseline[pair]), width)
        there = ~np.isnan(each[answer])
        return group_mean(prompt[there], each[answer[there]], prompts)


def _asked(messages: Sequence[Message]) -> int:
    """Characters of all turns."""
    return sum(len(turn.content) for turn in messages)


def _of_files(facts: EvaluationData) -> bool:
    """Whether a side's answers came from a file, which says nothing of tokens."""
    plan = facts.manifest.plan
    return ANSWERS in (plan.candidate.kind, plan.baseline.kind)
