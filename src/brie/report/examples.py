"""Which comparisons are on the page: those that teach most first, then every loss, then as many as fit.

A win or a loss is clear where the judges agree on it and it is one by much (`margin`): four answers that
are all a hair nearer to a reference are unanimous, and teach nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter
from typing import Literal

import numpy as np

from brie.analyse.arrays import Floats
from brie.judge.providers.rules import rule_margin
from brie.records import Status
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.clean import SHOWN
from brie.report.comparisons import Comparisons, Outline, comparisons_of
from brie.report.judged import DIVIDED, counted, is_empty, spread

Outcome = Literal["won", "tied", "lost", "open"]
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
    at: int = -1
    """Its number among all comparisons."""


def instructive(
    comparisons: Comparisons | Sequence[ComparisonView],
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
    every = comparisons_of(comparisons)
    outline = every.outline(judges)
    taken: list[Example] = []
    for kind, why, rank in _KINDS:
        best = _by_rank(outline, rank(outline))
        if kind in _NARROWED:
            best = _clearest(every, best[:_WEIGHED], judges)
        fresh = _unused(outline, best, taken, per_kind)
        taken += [
            _named(Example(kind, why, view, at), judges)
            for at, view in zip(fresh, every.read(fresh), strict=True)
        ]
    return taken


def readable(
    comparisons: Comparisons | Sequence[ComparisonView],
    judges: Collection[str] | None = None,
    *,
    beside: Collection[int] = (),
    most: int = MOST,
    letters: int = LETTERS,
) -> list[ComparisonView]:
    """The comparisons beside `instructive` that a page has room for, losses first, in a fixed order.

    Args:
        comparisons: all of them, in any order.
        judges: those who count.
        beside: numbers of those that are on the page already.
        most: how many.
        letters: characters of prompts and answers, each as far as a page shows it.
    """
    every = comparisons_of(comparisons)
    kept: list[ComparisonView] = []
    order = (at for at in _reading_order(every.outline(judges)) if at not in beside)
    for view in every.read(islice(order, most)):
        letters -= sum(
            min(SHOWN, len(text))
            for text in (view.messages[-1].content, view.candidate_text, view.baseline_text)
        )
        if letters < 0:
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


def _reading_order(outline: Outline) -> list[int]:
    """Losses, the clearest first; then what divides the judges; then the rest."""
    score, opened = outline.score, np.isnan(outline.score)
    place = np.where(opened, 2, np.where(score < 0.5, 0, 1))
    divided = (outline.spread >= DIVIDED) | (outline.flips > 0)
    return outline.in_order(place, ~divided, np.where(opened, 0.0, score))


def _by_rank(outline: Outline, rank: Floats) -> list[int]:
    """Those of a rank above zero, the highest first; among equals, answers of usual length."""
    scored = ~np.isnan(outline.score)
    usual = float(np.median(outline.length[scored])) if scored.any() else 0.0
    ranked = scored & (rank > 0)
    order = outline.in_order(~ranked, -rank, outline.empty, np.abs(outline.length - usual))
    return order[: int(ranked.sum())]


def _clearest(every: Comparisons, best: Sequence[int], judges: Collection[str] | None) -> list[int]:
    """Those of one rank by much before those by little; an unknown margin is in the middle."""
    views = dict(zip(best, every.read(best), strict=True))

    def by_little(at: int) -> tuple[float, bool]:
        view, shown = views[at], counted(views[at], judges)
        size = margin(shown)
        middling = abs((view.score or 0.0) - 0.5) - 0.5 * spread(shown)
        return -middling - (0.5 if size is None else size), is_empty(view)

    return sorted(best, key=by_little)


def _named(example: Example, judges: Collection[str] | None) -> Example:
    """The example under the name it deserves."""
    size = margin(counted(example.view, judges)) if example.kind in _NARROWED else None
    if size is None or size >= NARROW:
        return example
    kind, why = _NARROWED[example.kind]
    return replace(example, kind=kind, why=why)


def _win(outline: Outline) -> Floats:
    return (outline.score - 0.5) - 0.5 * outline.spread


def _loss(outline: Outline) -> Floats:
    return (0.5 - outline.score) - 0.5 * outline.spread


_KINDS: tuple[tuple[str, str, Callable[[Outline], Floats]], ...] = (
    ("Clear win", "All chose the candidate, or nearly, and by much", _win),
    ("Clear loss", "All chose the baseline, or nearly, and by much", _loss),
    ("Disagreement", "The panel is as far apart here as anywhere", attrgetter("spread")),
    ("Flipped by order", "The winner changed when the two answers were exchanged", attrgetter("flips")),
)

_NARROWED = {
    "Clear win": ("Narrow win", "None was won by much: this one by as much as any"),
    "Clear loss": ("Narrow loss", "None was lost by much: this one by as much as any"),
}


def _unused(outline: Outline, ranked: Sequence[int], taken: Sequence[Example], count: int) -> list[int]:
    seen = {example.at for example in taken}
    prompts = {example.view.prompt_id for example in taken}
    fresh: list[int] = []
    for again in (False, True):
        for at in ranked:
            if len(fresh) >= count:
                return fresh
            if at not in seen and (again or outline.prompts[at] not in prompts):
                fresh.append(at)
                seen.add(at)
                prompts.add(outline.prompts[at])
    return fresh
