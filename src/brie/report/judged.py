"""What the judges of a comparison say together."""

from __future__ import annotations

from collections.abc import Collection

from brie.records import SCORE, Status
from brie.records.analysis import ComparisonView, JudgedView

DIVIDED = 0.5
"""Distance of the judges' mean scores from which they are said to disagree."""


def counted(view: ComparisonView, judges: Collection[str] | None) -> ComparisonView:
    """A comparison with the verdicts of some judges only; all of them for None."""
    if judges is None:
        return view
    return view.model_copy(update={"verdicts": tuple(v for v in view.verdicts if v.judge in judges)})


def judge_scores(view: ComparisonView) -> dict[str, list[float]]:
    """Judge -> its usable scores for the candidate, one an order."""
    scores: dict[str, list[float]] = {}
    for verdict in view.verdicts:
        if verdict.status is Status.OK and verdict.winner is not None:
            scores.setdefault(verdict.judge, []).append(SCORE[verdict.winner])
    return scores


def flipped(view: ComparisonView) -> list[str]:
    """Judges whose winner changed from one side to the other with the order."""
    return sorted(judge for judge, scores in judge_scores(view).items() if {0.0, 1.0} <= set(scores))


def spread(view: ComparisonView) -> float:
    """Distance between the judges' mean scores: 0 agreed, 1 opposite."""
    means = [sum(scores) / len(scores) for scores in judge_scores(view).values()]
    return max(means) - min(means) if means else 0.0


def ordered_verdicts(view: ComparisonView) -> list[JudgedView]:
    """Verdicts judge by judge, candidate-first before baseline-first."""
    return sorted(view.verdicts, key=lambda v: (v.judge, v.order != "candidate_first"))


def is_empty(view: ComparisonView) -> bool:
    """Whether an answer is."""
    return not view.candidate_text.strip() or not view.baseline_text.strip()
