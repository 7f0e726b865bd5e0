"""The comparisons that teach most: clear wins and losses, disagreements, flips by order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import median

from brie.records import SCORE, Status
from brie.records.analysis import ComparisonView, JudgedView

PER_KIND = 2


@dataclass(frozen=True)
class Example:
    """A comparison and why it is shown."""

    kind: str
    why: str
    view: ComparisonView


def instructive(
    comparisons: Sequence[ComparisonView],
    judges: Collection[str] | None = None,
    per_kind: int = PER_KIND,
) -> list[Example]:
    """Up to `per_kind` comparisons of each kind, each comparison once, in a fixed order.

    Kinds: clear win and loss (extreme score, judges close together), biggest disagreement between
    judges, and verdicts that change when the sides are exchanged. Prompts that were not used yet
    go first, so that one prompt does not fill the page; among equals, answers of usual length.

    Args:
        comparisons: all of them, in any order.
        judges: those who count; instruments would always disagree and always flip.
        per_kind: how many of each kind at most.
    """
    scored = [(view, counted(view, judges)) for view in comparisons if view.score is not None]
    usual = median(_length(view) for view, _ in scored) if scored else 0.0
    taken: list[Example] = []
    for kind, why, rank in _KINDS:
        ranked = [(rank(scores), view) for view, scores in scored]
        best = sorted(
            ((value, view) for value, view in ranked if value is not None and value > 0),
            key=lambda pair: (
                -pair[0],
                _empty(pair[1]),
                abs(_length(pair[1]) - usual),
                pair[1].prompt_id,
                pair[1].sample,
            ),
        )
        taken += _unused([view for _, view in best], taken, kind, why, per_kind)
    return taken


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


def _win(view: ComparisonView) -> float | None:
    return None if view.score is None else (view.score - 0.5) - 0.5 * spread(view)


def _loss(view: ComparisonView) -> float | None:
    return None if view.score is None else (0.5 - view.score) - 0.5 * spread(view)


def _flip(view: ComparisonView) -> float | None:
    judges = judge_scores(view)
    return len(flipped(view)) / len(judges) if judges else None


_KINDS: tuple[tuple[str, str, Callable[[ComparisonView], float | None]], ...] = (
    ("Clear win", "The whole panel chose the candidate, or nearly", _win),
    ("Clear loss", "The whole panel chose the baseline, or nearly", _loss),
    ("Disagreement", "The panel is as far apart here as anywhere", spread),
    ("Flipped by order", "The winner changed when the two answers were exchanged", _flip),
)


def _unused(
    ranked: Sequence[ComparisonView], taken: Sequence[Example], kind: str, why: str, count: int
) -> list[Example]:
    seen = {id(example.view) for example in taken}
    prompts = {example.view.prompt_id for example in taken}
    fresh: list[Example] = []
    for again in (False, True):
        for view in ranked:
            known = id(view) in seen or (not again and view.prompt_id in prompts)
            if len(fresh) < count and not known:
                fresh.append(Example(kind, why, view))
                seen.add(id(view))
                prompts.add(view.prompt_id)
    return fresh


def _length(view: ComparisonView) -> int:
    return len(view.candidate_text) + len(view.baseline_text)


def _empty(view: ComparisonView) -> bool:
    return not view.candidate_text.strip() or not view.baseline_text.strip()
