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
    answers = facts.answers
    places = answers.places(keys)
    places = places[places >= 0]
    if not len(places):
        return {}
    rows = [answers.rows[at] for at in places.tolist()]
    measures = [row.measures for row in rows]
    names = sorted(set[str]().union(*measures))
    plan, made = facts.manifest.plan, dict[str, float]()
    file_pins = [pin.digest for pin in (plan.candidate, plan.baseline) if pin.kind == ANSWERS]
    if rows[0].pin not in file_pins:  # a file says neither
        made["tokens"] = fmean(answers.tokens[places].tolist())
        made["seconds"] = fmean([row.seconds for row in rows])
    return {
        "answers": float(len(rows)),
        "truncated": fmean(answers.truncated[places].tolist()),
        "empty": fmean(answers.empty[places].tolist()),
        **made,
        **{name: fmean([each.get(name, 0.0) for each in measures]) for name in names},
    }
