"""From rows of verdicts to the table the analysis computes on: numbers and codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

import numpy as np

from brie.analyse.arrays import Floats, Ints
from brie.analyse.joint import JointRows
from brie.analyse.table import PromptLengths, StatusCode, VerdictTable
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.pin import ANSWERS
from brie.records import SCORE, Completion
from brie.records.base import CRITERIA_ORDERS


def table(
    facts: EvaluationData, rows: Sequence[VerdictRow], judges: Sequence[str], *, votes: bool = False
) -> VerdictTable:
    """The analysis table of some facts.

    Args:
        facts: where prompts and completions are looked up.
        rows: one a planned verdict.
        judges: the judges to include.
        votes: the rows are votes of people, who see each comparison once.
    """
    wanted = set(judges)
    used = [fact for fact in rows if fact.task.judge in wanted]
    reached = {fact.task.prompt for fact in used}
    names = [name for name in facts.manifest.plan.order if name in reached]
    prompt_code = {name: code for code, name in enumerate(names)}
    judge_code = {name: code for code, name in enumerate(judges)}
    prompts = facts.work.prompts
    pairs, of_row = _pairs(used)
    return VerdictTable.build(
        prompts=names,
        judges=list(judges),
        prompt=[prompt_code[f.task.prompt] for f in used],
        judge=[judge_code[f.task.judge] for f in used],
        score=[0.5 if _is_half(f) else f.score for f in used],
        both_orders=facts.manifest.plan.positions == "both" and not votes,
        category=[prompts[name].category for name in names],
        source=[prompts[name].source for name in names],
        sample=[f.task.sample for f in used],
        position=[f.task.presentation.position for f in used],
        label=[f.task.presentation.label for f in used],
        status=[f.status for f in used],
        repeat=[f.task.repeat for f in used],
        identical=[f.identical for f in used],
        length_difference=_length(facts, pairs, of_row),
        features=_features(facts, pairs, of_row),
        criteria=_criteria(used),
        criteria_order=_criteria_order(facts, used),
        identical_as_ties=facts.identical_as_ties,
        joint=_joint(used),
        lengths=_lengths(facts, names, used, pairs, of_row),
    )


def _is_half(row: VerdictRow) -> bool:
    """Whether a number has no other presentation's to go with it."""
    return row.joint is not None and row.joint.winner is None and row.status is StatusCode.OK


def _joint(rows: Sequence[VerdictRow]) -> JointRows | None:
    """Which rows share one outcome; None where none does."""
    if not any(row.joint for row in rows):
        return None
    alone = [SCORE[row.alone] if row.alone else float("nan") for row in rows]
    return JointRows(
        joint=np.array([row.joint is not None for row in rows], np.bool_),
        half=np.array([_is_half(row) for row in rows], np.bool_),
        further=np.array([row.joint is not None and not row.joint.counted for row in rows], np.bool_),
        alone=np.array(alone, np.float64),
    )


FEATURES: dict[str, Callable[[str], float]] = {
    "lists": lambda text: float(len(re.findall(r"^\s*(?:[-*•]|\d+[.)])\s", text, re.MULTILINE))),
    "headings": lambda text: float(len(re.findall(r"^#{1,6}\s|^\*\*[^*]+\*\*\s*$", text, re.MULTILINE))),
    "questions": lambda text: float(text.count("?")),
    "distinct words": lambda text: _distinct(text.casefold().split()),
}
"""Countable things of an answer's text that judges may reward."""


def _distinct(words: Sequence[str]) -> float:
    return len(set(words)) / len(words) if words else 0.0


def _pairs(rows: Sequence[VerdictRow]) -> tuple[list[tuple[str, str]], Ints]:
    """The distinct pairs of answers, and for every row which of them it is about."""
    code: dict[tuple[str, str], int] = {}
    codes = np.fromiter(
        (code.setdefault((f.task.presentation.candidate, f.task.presentation.baseline), len(code))
         for f in rows),
        np.int64,
        len(rows),
    )  # fmt: skip
    return list(code), codes


def _features(
    facts: EvaluationData, pairs: Sequence[tuple[str, str]], of_row: Ints
) -> dict[str, Floats]:
    """Each feature, candidate minus baseline, one entry a row."""
    wanted = {key for pair in pairs for key in pair}
    counted = {
        key: {name: count(row.text) for name, count in FEATURES.items()}
        for key, row in facts.completions.items()
        if key in wanted
    }
    return {name: _differences(pairs, of_row, counted, name) for name in FEATURES}


def _length(facts: EvaluationData, pairs: Sequence[tuple[str, str]], of_row: Ints) -> Floats:
    """Candidate minus baseline, one entry a row: in tokens, or in characters where a side is a file."""
    of_files = _of_files(facts)
    lengths = {key: {"length": _long(row, of_files=of_files)} for key, row in facts.completions.items()}
    return _differences(pairs, of_row, lengths, "length")


def _of_files(facts: EvaluationData) -> bool:
    """Whether a side's answers came from a file, which says nothing of tokens."""
    plan = facts.manifest.plan
    return ANSWERS in (plan.candidate.kind, plan.baseline.kind)


def _long(answer: Completion, *, of_files: bool) -> float:
    return float(len(answer.text) if of_files else answer.tokens)


def _lengths(
    facts: EvaluationData,
    names: Sequence[str],
    rows: Sequence[VerdictRow],
    pairs: Sequence[tuple[str, str]],
    of_row: Ints,
) -> PromptLengths:
    """How long each prompt is, and the baseline's answers to it."""
    of_files = _of_files(facts)
    answers: dict[str, set[str]] = {name: set() for name in names}
    code = {name: number for number, name in enumerate(names)}
    prompt = np.fromiter((code[row.task.prompt] for row in rows), np.int64, len(rows))
    for place in np.unique(prompt * max(len(pairs), 1) + of_row, return_index=True)[1].tolist():
        answers[rows[place].task.prompt].add(pairs[of_row[place]][1])
    means = []
    for name in names:
        made = [facts.completions[key] for key in sorted(answers[name]) if key in facts.completions]
        means.append(fmean(_long(a, of_files=of_files) for a in made) if made else float("nan"))
    asked = [sum(len(turn.content) for turn in facts.work.messages[name]) for name in names]
    return PromptLengths(
        prompt=np.array(asked, np.float64),
        answer=np.array(means, np.float64),
        unit="characters" if of_files else "tokens",
    )


def _differences(
    pairs: Sequence[tuple[str, str]],
    of_row: Ints,
    measured: Mapping[str, Mapping[str, float]],
    name: str,
) -> Floats:
    """NaN where an answer is not there."""
    nothing = {name: float("nan")}
    each = [measured.get(a, nothing)[name] - measured.get(b, nothing)[name] for a, b in pairs]
    return np.array(each, dtype=np.float64)[of_row]


def _criteria(rows: Iterable[VerdictRow]) -> dict[str, Floats]:
    """Criterion scores, candidate minus baseline, NaN where a judge gave none."""
    listed = list(rows)
    names = sorted({name for f in listed if f.verdict for name in f.verdict.scores})
    return {
        name: np.fromiter((_criterion(f, name) for f in listed), np.float64, len(listed))
        for name in names
    }


def _criteria_order(facts: EvaluationData, rows: Sequence[VerdictRow]) -> list[int] | None:
    """In which order the criteria were read, one entry a row; None where that never varied."""
    if facts.manifest.plan.criteria_orders < 2:
        return None
    return [CRITERIA_ORDERS.index(row.task.presentation.criteria) for row in rows]


def _criterion(fact: VerdictRow, name: str) -> float:
    letters = fact.verdict.scores.get(name, {}) if fact.verdict else {}
    sides = fact.task.presentation.by_side(letters)
    return sides["candidate"] - sides["baseline"] if len(sides) == 2 else float("nan")
