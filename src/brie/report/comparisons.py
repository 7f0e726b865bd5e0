"""Comparisons that are ranked by what is known without a text, and read only where they are shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints
from brie.records.analysis import ComparisonView
from brie.report.judged import counted, flipped, is_empty, judge_scores, spread


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


def comparisons_of(views: Comparisons | Sequence[ComparisonView]) -> Comparisons:
    """Views as comparisons to be ranked and read."""
    return views if isinstance(views, Comparisons) else _Listed(views)


def _flips(view: ComparisonView) -> float:
    judges = judge_scores(view)
    return len(flipped(view)) / len(judges) if judges else float("nan")
