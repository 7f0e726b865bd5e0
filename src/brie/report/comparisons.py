"""Comparisons that are ranked by what is known without a text, and read only where they are shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints
from brie.records import Margin
from brie.records.analysis import ComparisonView, JudgedView
from brie.report.judged import counted, flipped, is_empty, judge_scores, ordered_verdicts, spread

Pair = tuple[float | None, float | None]
"""The candidate's score and the baseline's; None where a judge gave none."""


@dataclass(frozen=True)
class Outline:
    """Comparisons as columns, one entry each."""

    prompts: Sequence[str]
    """Ids."""
    sample: Ints
    score: Floats
    """0 to 1 for the candidate; NaN where it is not counted."""
    spread: Floats
    """Distance between the judges' mean scores, 0 to 1."""
    flips: Floats
    """Share of the judges whose winner changed with the order; NaN where none has a usable verdict."""
    length: Ints
    """Characters of both answers."""
    empty: Bools
    """An answer is empty."""

    @cached_property
    def prompt(self) -> Ints:
        """Place of each one's prompt among the sorted ids."""
        places = {name: place for place, name in enumerate(sorted(set(self.prompts)))}
        return np.fromiter((places[name] for name in self.prompts), np.int64, len(self.prompts))

    def in_order(self, *keys: Floats | Ints | Bools) -> list[int]:
        """Numbers of comparisons, sorted by these columns, then by prompt and sample."""
        return [int(at) for at in np.lexsort((self.sample, self.prompt, *reversed(keys)))]


class Compared(NamedTuple):
    """What a comparison is of, as a table lists it."""

    prompt_id: str
    category: str
    source: str
    sample: int
    candidate_text: str
    baseline_text: str
    candidate_finish: str
    baseline_finish: str

    @classmethod
    def of(cls, view: ComparisonView) -> Compared:
        """The same of a whole comparison."""
        return cls(
            view.prompt_id, view.category, view.source, view.sample, view.candidate_text,
            view.baseline_text, view.candidate_finish, view.baseline_finish,
        )  # fmt: skip


@dataclass(frozen=True)
class VerdictBlock:
    """Verdicts as columns, one entry each, in the order of a table: prompts, samples, judges, and the
    candidate first before the baseline first."""

    compared: Sequence[Compared]
    comparison: Sequence[int]
    """Place among `compared`."""
    said: Sequence[JudgedView]
    """Judge, order, letter, status and winner. Verdicts that are equal in these may share one, so
    nothing else is read of it."""
    reason: Sequence[str]
    margin: Sequence[Margin | None]
    scores: Mapping[str, tuple[Sequence[Pair], Ints]]
    """Criterion -> pairs of scores, and for each verdict the place of its own."""


class Comparisons(ABC):
    """Comparisons that are read one by one; all of them at once may not fit into memory."""

    @abstractmethod
    def __len__(self) -> int:
        """How many."""

    @abstractmethod
    def outline(self, judges: Collection[str] | None = None) -> Outline:
        """What ranks them.

        Args:
            judges: those whose verdicts make `spread` and `flips`; None for all.
        """

    @abstractmethod
    def criteria(self) -> list[str]:
        """Criteria that any judge scored, sorted."""

    @abstractmethod
    def read(self, at: Iterable[int]) -> Iterator[ComparisonView]:
        """Some of them by their numbers, in that order."""

    @abstractmethod
    def blocks(self) -> Iterator[VerdictBlock]:
        """All verdicts, a few thousand at a time."""

    def __iter__(self) -> Iterator[ComparisonView]:
        """All of them in their order."""
        return self.read(range(len(self)))


class _Listed(Comparisons):
    """Comparisons that are in memory already."""

    def __init__(self, views: Sequence[ComparisonView]) -> None:
        self._views = views

    def __len__(self) -> int:
        return len(self._views)

    def outline(self, judges: Collection[str] | None = None) -> Outline:
        views, heard = self._views, [counted(view, judges) for view in self._views]
        return Outline(
            prompts=[view.prompt_id for view in views],
            sample=np.array([view.sample for view in views], np.int64),
            score=np.array([np.nan if v.score is None else v.score for v in views], np.float64),
            spread=np.array([spread(view) for view in heard], np.float64),
            flips=np.array([_flips(view) for view in heard], np.float64),
            length=np.array([len(v.candidate_text) + len(v.baseline_text) for v in views], np.int64),
            empty=np.array([is_empty(view) for view in views], np.bool_),
        )

    def criteria(self) -> list[str]:
        return sorted({name for view in self._views for v in view.verdicts for name in v.scores})

    def read(self, at: Iterable[int]) -> Iterator[ComparisonView]:
        return (self._views[number] for number in at)

    def blocks(self) -> Iterator[VerdictBlock]:
        order, names = self.outline().in_order(), self.criteria()
        for start in range(0, len(order), _TOGETHER):
            yield _block([self._views[at] for at in order[start : start + _TOGETHER]], names)


_TOGETHER = 200
"""Comparisons whose verdicts are listed together."""


def _block(views: Sequence[ComparisonView], criteria: Iterable[str]) -> VerdictBlock:
    heard = [(at, verdict) for at, view in enumerate(views) for verdict in ordered_verdicts(view)]
    said = [verdict for _, verdict in heard]
    return VerdictBlock(
        compared=[Compared.of(view) for view in views],
        comparison=[at for at, _ in heard],
        said=said,
        reason=[verdict.reason for verdict in said],
        margin=[verdict.margin for verdict in said],
        scores={name: ([_pair(each, name) for each in said], np.arange(len(said))) for name in criteria},
    )


def _pair(verdict: JudgedView, criterion: str) -> Pair:
    given = verdict.scores.get(criterion, {})
    return given.get("candidate"), given.get("baseline")


def comparisons_of(views: Comparisons | Sequence[ComparisonView]) -> Comparisons:
    """Views as comparisons to be ranked and read."""
    return views if isinstance(views, Comparisons) else _Listed(views)


def _flips(view: ComparisonView) -> float:
    judges = judge_scores(view)
    return len(flipped(view)) / len(judges) if judges else float("nan")
