"""From rows of verdicts to the table the analysis computes on: numbers and codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from brie.analyse.arrays import Floats, Ints, group_mean, present, ranked
from brie.analyse.table import PromptLengths, VerdictTable
from brie.evaluation.columns import Columns, Rows
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.pin import ANSWERS
from brie.records import Completion


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
        length_difference=_length(facts, pairs)[of_row],
        features={name: each[of_row] for name, each in _features(facts, pairs).items()},
        criteria=used.criteria,
        criteria_order=used.criteria_order if facts.manifest.plan.criteria_orders > 1 else None,
        identical_as_ties=facts.identical_as_ties,
        joint=used.joint if used.joint is not None and used.joint.joint.any() else None,
        lengths=_lengths(facts, names, pairs, present(prompt * max(len(pairs), 1) + of_row)),
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


Pairs = Sequence[tuple[str, str]]


def _features(facts: EvaluationData, pairs: Pairs) -> dict[str, Floats]:
    """Each feature, candidate minus baseline, one entry a pair of answers."""
    texts = {key: facts.completions[key].text for key in _answered(facts, pairs)}
    return {
        name: _differences(pairs, {key: count(text) for key, text in texts.items()})
        for name, count in FEATURES.items()
    }


def _length(facts: EvaluationData, pairs: Pairs) -> Floats:
    """Candidate minus baseline, one entry a pair: in tokens, or in characters where a side is a file."""
    of_files = _of_files(facts)
    answers = {key: facts.completions[key] for key in _answered(facts, pairs)}
    return _differences(pairs, {key: _long(a, of_files=of_files) for key, a in answers.items()})


def _of_files(facts: EvaluationData) -> bool:
    """Whether a side's answers came from a file, which says nothing of tokens."""
    plan = facts.manifest.plan
    return ANSWERS in (plan.candidate.kind, plan.baseline.kind)


def _long(answer: Completion, *, of_files: bool) -> float:
    return float(len(answer.text) if of_files else answer.tokens)


def _lengths(facts: EvaluationData, names: Sequence[str], pairs: Pairs, compared: Ints) -> PromptLengths:
    """How long each prompt is, and the baseline's answers to it.

    Args:
        facts: where prompts and answers are looked up.
        names: the prompts.
        pairs: the pairs of answers.
        compared: place of a prompt times the number of pairs, plus the place of one of its pairs.
    """
    of_files = _of_files(facts)
    number: dict[str, int] = {}
    answer = np.array([number.setdefault(baseline, len(number)) for _, baseline in pairs], np.int64)
    made = [facts.completions.get(key) for key in number]
    long = np.array([np.nan if a is None else _long(a, of_files=of_files) for a in made], np.float64)
    width = max(len(number), 1)
    prompt, pair = np.divmod(compared, max(len(pairs), 1))
    prompt, of_prompt = np.divmod(np.unique(prompt * width + answer[pair]), width)
    there = ~np.isnan(long[of_prompt])
    means = group_mean(prompt[there], long[of_prompt[there]], len(names))
    asked = [sum(len(turn.content) for turn in facts.work.messages[name]) for name in names]
    return PromptLengths(
        prompt=np.array(asked, np.float64),
        answer=means,
        unit="characters" if of_files else "tokens",
    )


def _answered(facts: EvaluationData, pairs: Pairs) -> set[str]:
    return {key for pair in pairs for key in pair if key in facts.completions}


def _differences(pairs: Pairs, measured: Mapping[str, float]) -> Floats:
    """NaN where an answer is not there."""
    nothing = float("nan")
    each = [measured.get(a, nothing) - measured.get(b, nothing) for a, b in pairs]
    return np.array(each, dtype=np.float64)
