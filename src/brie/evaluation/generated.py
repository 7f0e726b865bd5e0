"""What the answers of each side are like."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from brie.evaluation.columns import chosen
from brie.evaluation.rows import EvaluationData
from brie.pin import ANSWERS


def generation(facts: EvaluationData) -> dict[str, dict[str, float]]:
    """Shares of a side's answers, and their mean tokens, seconds and measures."""
    columns = facts.columns
    first = columns.first_of_comparisons(chosen(columns.is_of("main")))
    pairs = [columns.pairs[at] for at in columns.pair[first].tolist()]
    return {
        "candidate": _measures(facts, [candidate for candidate, _ in pairs]),
        "baseline": _measures(facts, [baseline for _, baseline in pairs]),
    }


def _measures(facts: EvaluationData, keys: Sequence[str]) -> dict[str, float]:
    there = facts.completions
    answers = [answer for key in keys if (answer := there.get(key)) is not None]
    if not answers:
        return {}
    measures = [a.measures for a in answers]
    names = sorted(set[str]().union(*measures))
    plan, made = facts.manifest.plan, dict[str, float]()
    file_pins = [pin.digest for pin in (plan.candidate, plan.baseline) if pin.kind == ANSWERS]
    if answers[0].pin not in file_pins:  # a file says neither
        made["tokens"] = fmean([a.tokens for a in answers])
        made["seconds"] = fmean([a.seconds for a in answers])
    return {
        "answers": float(len(answers)),
        "truncated": fmean([a.finish_reason != "stop" for a in answers]),
        "empty": fmean([not a.text or a.text.isspace() for a in answers]),
        **made,
        **{name: fmean([each.get(name, 0.0) for each in measures]) for name in names},
    }
