"""Comparisons ready to be printed: texts cleaned, clipped and compared, verdicts in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from brie.blinding import first_letter, first_side
from brie.digest import text_digest
from brie.number_format import percent, plural
from brie.records import Message
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.clean import clip, one_line
from brie.report.comparisons import Comparisons
from brie.report.diff import WordDiff, word_diff
from brie.report.examples import Example, Outcome, instructive, outcome, readable
from brie.report.judged import DIVIDED, counted, flipped, ordered_verdicts, spread
from brie.report.panel import Panel

OUTCOMES: dict[Outcome, tuple[str, str]] = {
    "lost": ("Lost", "the candidate lost"),
    "tied": ("Tied", "neither won"),
    "won": ("Won", "the candidate won"),
    "open": ("Not counted", "a verdict is missing or cannot be used"),
}
"""What became of a comparison -> its heading, and that in words; in the order of the page."""


@dataclass(frozen=True)
class JudgeRemark:
    """One verdict on an example, in words."""

    shown: str
    choice: str
    winner: str
    """`candidate`, `baseline`, `tie` or "" for style and marks."""
    scores: tuple[tuple[str, str, str], ...]
    """Criterion, candidate's score, baseline's score."""
    reason: str


@dataclass(frozen=True)
class JudgeSaid:
    """All that one judge said of an example; equal verdicts of both orders are one entry."""

    judge: str
    said: tuple[JudgeRemark, ...]


@dataclass(frozen=True)
class ShownExample:
    """An example ready to print: texts cleaned and clipped."""

    first: bool
    """The first of its kind; the others are folded away."""
    anchor: str
    """Its address on the page."""
    outcome: Outcome
    divided: bool
    """The judges disagree, or one changed its winner with the order."""
    category: str
    source: str
    kind: str
    why: str
    title: str
    prompt: str
    context: tuple[Message, ...]
    reference: str
    answers: WordDiff
    candidate_remark: str
    baseline_remark: str
    score: str
    judges: tuple[JudgeSaid, ...]
    beside: tuple[JudgeSaid, ...]
    """Instruments and judges added later: folded away."""


@dataclass(frozen=True)
class Shelf:
    """Comparisons under one heading."""

    id: str
    title: str
    examples: list[ShownExample]


@dataclass(frozen=True)
class Shelves:
    """All comparisons of a page, each on one shelf."""

    best: list[ShownExample] = field(default_factory=list)
    """Those that teach most."""
    rest: list[Shelf] = field(default_factory=list)
    """The others, by what became of them."""
    total: int = 0
    """Comparisons of the evaluation; a page holds them as far as there is room."""
    categories: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def every(self) -> list[ShownExample]:
        """In the order of the page."""
        return [*self.best, *(example for shelf in self.rest for example in shelf.examples)]

    def count(self, outcome: Outcome) -> int:
        """How many on the page came out so."""
        return sum(example.outcome == outcome for example in self.every)


def shelves(comparisons: Comparisons | Sequence[ComparisonView], panel: Panel) -> Shelves:
    """What a page shows of an evaluation's comparisons."""
    chosen, kinds = instructive(comparisons, panel.judges), set[str]()
    best = []
    for example in chosen:
        best.append(show(example, panel, first=example.kind not in kinds))
        kinds.add(example.kind)
    views = readable(comparisons, panel.judges, beside={example.at for example in chosen})
    others = [show(_plain(view), panel, first=False) for view in views]
    rest = [
        Shelf(name, title, [example for example in others if example.outcome == name])
        for name, (title, _) in OUTCOMES.items()
    ]
    every = [*best, *(example for shelf in rest for example in shelf.examples)]
    return Shelves(
        best,
        [shelf for shelf in rest if shelf.examples],
        len(comparisons),
        sorted({example.category for example in every}),
        sorted({example.source for example in every}),
    )


def _plain(view: ComparisonView) -> Example:
    title, words = OUTCOMES[outcome(view)]
    return Example(title, words.capitalize(), view)


def anchor(view: ComparisonView) -> str:
    """The address of a comparison on the page."""
    return f"c-{slug(view.prompt_id, view.sample)}"


def slug(prompt: str, sample: int) -> str:
    """A comparison's prompt and sample as far as an address or a file's name can hold them."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", prompt)[:60]
    if name != prompt:
        name = f"{name}-{text_digest(prompt)[-8:]}"
    return f"{name}-{sample + 1}"


def show(example: Example, panel: Panel, *, first: bool = True) -> ShownExample:
    """An example with its texts cleaned, clipped and compared."""
    view = example.view
    candidate, cut_candidate = clip(view.candidate_text)
    baseline, cut_baseline = clip(view.baseline_text)
    prompt, cut_prompt = clip(view.messages[-1].content)
    remarks = judges_said(view)
    return ShownExample(
        first=first,
        anchor=anchor(view),
        outcome=outcome(view),
        divided=_is_divided(view, panel),
        category=one_line(view.category, 60),
        source=one_line(view.source, 60),
        kind=example.kind,
        why=example.why,
        title=f"{one_line(view.prompt_id)}, sample {view.sample + 1}",
        prompt=prompt + (f"\n[{cut_prompt}]" if cut_prompt else ""),
        context=tuple(Message(role=m.role, content=clip(m.content)[0]) for m in view.messages[:-1]),
        reference=clip(view.reference)[0] if view.reference else "",
        answers=word_diff(candidate, baseline),
        candidate_remark=_remark(view.candidate_text, view.candidate_finish, cut_candidate),
        baseline_remark=_remark(view.baseline_text, view.baseline_finish, cut_baseline),
        score=percent(view.score) if view.score is not None else "not counted",
        judges=tuple(remarks[name] for name in panel.judges if name in remarks),
        beside=tuple(heard for name, heard in remarks.items() if name not in panel.judges),
    )


def judges_said(view: ComparisonView, limit: int = 1_200) -> dict[str, JudgeSaid]:
    """Every judge's verdicts on a comparison, in words; reasons are cut after `limit` characters."""
    return {
        judge: JudgeSaid(one_line(judge), _merged([_said(verdict, limit) for verdict in verdicts]))
        for judge, verdicts in groupby(ordered_verdicts(view), key=lambda verdict: verdict.judge)
    }


def _is_divided(view: ComparisonView, panel: Panel) -> bool:
    shown = counted(view, panel.judges)
    return spread(shown) >= DIVIDED or bool(flipped(shown))


def _merged(remarks: list[JudgeRemark]) -> tuple[JudgeRemark, ...]:
    """One entry where a judge said the same in both orders."""
    if len(remarks) == 2 and replace(remarks[0], shown="") == replace(remarks[1], shown=""):
        return (replace(remarks[0], shown="in both orders"),)
    return tuple(remarks)


def _said(verdict: JudgedView, limit: int) -> JudgeRemark:
    letter = first_letter(verdict.order, verdict.candidate_letter)
    return JudgeRemark(
        shown=f"{first_side(verdict.order)} first, as {letter}",
        choice=", ".join(part for part in (verdict.winner or verdict.status, verdict.margin) if part),
        winner=verdict.winner or "",
        scores=tuple(
            (criterion, _score(by_side, "candidate"), _score(by_side, "baseline"))
            for criterion, by_side in verdict.scores.items()
        ),
        reason=clip(verdict.reason, limit)[0],
    )


def _score(by_side: dict[str, float], side: str) -> str:
    return f"{by_side[side]:g}" if side in by_side else "–"


def _remark(text: str, finish: str, cut: str) -> str:
    parts = [
        plural(len(text.split()), "word") if text.strip() else "empty answer",
        "cut off at the token limit" if finish == "length" else "",
        cut,
    ]
    return "; ".join(part for part in parts if part)
