"""Which comparisons are on the page: those that teach most first, then every loss, then as many as fit.

A win or a loss is clear where the judges agree on it and it is one by much (`margin`): four answers that
are all a hair nearer to a reference are unanimous, and teach nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from brie.judge.providers.rules import rule_margin
from brie.records import SCORE, Status
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.clean import SHOWN

Outcome = Literal["won", "tied", "lost", "open"]
DIVIDED = 0.5
"""Distance of the judges' mean scores from which they are said to disagree."""

PER_KIND = 2
MOST, LETTERS = 200, 500_000
"""Comparisons on one page, and characters of their texts."""
NARROW = 0.1
"""Below this margin a win or a loss is called narrow."""
_READ = 4_000
"""Characters of an answer that a rule reads again to see by how much it won."""
_WEIGHED = 120
"""Candidates of a kind whose margin is looked at."""


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

    Kinds: clear win and loss (extreme score, judges close together, by much), biggest disagreement
    between judges, and verdicts that change when the sides are exchanged. Prompts that were not used yet
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
        ranked = [(value, view) for view, scores in scored if (value := rank(scores)) is not None]
        best = _by_rank([pair for pair in ranked if pair[0] > 0], usual)
        if kind in _NARROWED:
            best = _clearest(best[:_WEIGHED], judges)
        fresh = _unused(best, taken, kind, why, per_kind)
        taken += [_named(example, judges) for example in fresh]
    return taken


def readable(
    comparisons: Sequence[ComparisonView],
    judges: Collection[str] | None = None,
    *,
    most: int = MOST,
    letters: int = LETTERS,
) -> list[ComparisonView]:
    """The comparisons beside `instructive` that a page has room for, losses first, in a fixed order.

    Args:
        comparisons: all of them, in any order.
        judges: those who count.
        most: how many.
        letters: characters of prompts and answers, each as far as a page shows it.
    """
    kept: list[ComparisonView] = []
    for view in sorted(comparisons, key=lambda view: _reading_order(counted(view, judges))):
        letters -= sum(
            min(SHOWN, len(text))
            for text in (view.messages[-1].content, view.candidate_text, view.baseline_text)
        )
        if letters < 0 or len(kept) >= most:
            break
        kept.append(view)
    return kept


def margin(view: ComparisonView) -> float | None:
    """By how much the answers differ in the eyes of the judges, 0 to 1; None where nothing says it.

    Of a model or a person: how much better it called the winner, or how far its own scores lie apart. Of
    a rule: the difference of its two values, as a share of the larger.
    """
    known = [value for verdict in view.verdicts if (value := _margin_of(view, verdict)) is not None]
    return sum(known) / len(known) if known else None


def outcome(view: ComparisonView) -> Outcome:
    """What became of a comparison."""
    if view.score is None:
        return "open"
    return "won" if view.score > 0.5 else "lost" if view.score < 0.5 else "tied"


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


def _margin_of(view: ComparisonView, verdict: JudgedView) -> float | None:
    if verdict.status is not Status.OK or verdict.winner is None:
        return None
    if verdict.winner == "tie":
        return 0.0
    if verdict.margin is not None:
        return 1.0 if verdict.margin == "much" else 0.25
    apart = [
        sides["candidate"] - sides["baseline"]
        for sides in verdict.scores.values()
        if {"candidate", "baseline"} <= set(sides)
    ]
    if apart:
        return min(1.0, abs(sum(apart) / len(apart)) / 4)
    texts = view.candidate_text[:_READ], view.baseline_text[:_READ]
    return rule_margin(verdict.judge, texts, view.reference)


def _reading_order(view: ComparisonView) -> tuple[int, int, float, str, int]:
    """Losses, the clearest first; then what divides the judges; then the rest."""
    place = {"lost": 0, "tied": 1, "won": 1, "open": 2}[outcome(view)]
    divided = spread(view) >= DIVIDED or bool(flipped(view))
    return place, int(not divided), view.score or 0.0, view.prompt_id, view.sample


def _by_rank(ranked: Sequence[tuple[float, ComparisonView]], usual: float) -> list[ComparisonView]:
    ordered = sorted(
        ranked,
        key=lambda pair: (
            -pair[0],
            _empty(pair[1]),
            abs(_length(pair[1]) - usual),
            pair[1].prompt_id,
            pair[1].sample,
        ),
    )
    return [view for _, view in ordered]


def _clearest(best: Sequence[ComparisonView], judges: Collection[str] | None) -> list[ComparisonView]:
    """Those of one rank by much before those by little; an unknown margin is in the middle."""

    def by_little(view: ComparisonView) -> tuple[float, bool]:
        shown = counted(view, judges)
        size = margin(shown)
        middling = abs((view.score or 0.0) - 0.5) - 0.5 * spread(shown)
        return -middling - (0.5 if size is None else size), _empty(view)

    return sorted(best, key=by_little)


def _named(example: Example, judges: Collection[str] | None) -> Example:
    """The example under the name it deserves."""
    size = margin(counted(example.view, judges)) if example.kind in _NARROWED else None
    if size is None or size >= NARROW:
        return example
    kind, why = _NARROWED[example.kind]
    return replace(example, kind=kind, why=why)


def _win(view: ComparisonView) -> float | None:
    return None if view.score is None else (view.score - 0.5) - 0.5 * spread(view)


def _loss(view: ComparisonView) -> float | None:
    return None if view.score is None else (0.5 - view.score) - 0.5 * spread(view)


def _flip(view: ComparisonView) -> float | None:
    judges = judge_scores(view)
    return len(flipped(view)) / len(judges) if judges else None


_KINDS: tuple[tuple[str, str, Callable[[ComparisonView], float | None]], ...] = (
    ("Clear win", "All chose the candidate, or nearly, and by much", _win),
    ("Clear loss", "All chose the baseline, or nearly, and by much", _loss),
    ("Disagreement", "The panel is as far apart here as anywhere", spread),
    ("Flipped by order", "The winner changed when the two answers were exchanged", _flip),
)

_NARROWED = {
    "Clear win": ("Narrow win", "None was won by much: this one by as much as any"),
    "Clear loss": ("Narrow loss", "None was lost by much: this one by as much as any"),
}


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
