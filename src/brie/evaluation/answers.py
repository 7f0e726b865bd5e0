"""The answers of an evaluation as columns: each is looked at once, whoever asks what it is like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints
from brie.checks.wording import wording
from brie.records import CompletionLite

_ITEM = re.compile(r"\n\s*(?:[-*•]|\d+[.)])(?=\s)")
_HEADING = re.compile(r"\n(?:#{1,6}(?=\s)|\*\*[^*]+\*\*(?=\s*$))", re.MULTILINE)
"""Both begin with the break before their line: it is looked for several times as fast as `^`."""
FEATURES = ("lists", "headings", "questions", "distinct words")
"""Countable things of an answer's text that judges may reward."""


def counted(text: str) -> tuple[int, int, int]:
    """Items of lists, headings and question marks in a text."""
    lines = f"\n{text}"
    return len(_ITEM.findall(lines)), len(_HEADING.findall(lines)), text.count("?")


@dataclass(frozen=True)
class Answers:
    """One entry an answer. Columns of numbers have one more at their end, NaN, for what is not there."""

    place: Mapping[str, int]
    """Key -> place."""
    rows: Sequence[CompletionLite]

    @classmethod
    def of(cls, completions: Mapping[str, CompletionLite]) -> Answers:
        """Those of completions, by key."""
        return cls({key: at for at, key in enumerate(completions)}, list(completions.values()))

    def places(self, keys: Iterable[str]) -> Ints:
        """Where answers are; -1 for one that is not there, which is every column's last entry."""
        return np.array([self.place.get(key, -1) for key in keys], np.int64)

    @cached_property
    def texts(self) -> list[str]:
        """What they say."""
        return list(map(attrgetter("text"), self.rows))

    @cached_property
    def truncated(self) -> Bools:
        """Which were ended by the limit, or have no ending."""
        return np.array([row.finish_reason != "stop" for row in self.rows], np.bool_)

    @cached_property
    def empty(self) -> Bools:
        """Which say nothing."""
        return np.array([not text or text.isspace() for text in self.texts], np.bool_)

    @cached_property
    def tokens(self) -> Floats:
        """Their lengths in tokens."""
        return _column(map(attrgetter("tokens"), self.rows))

    @cached_property
    def characters(self) -> Floats:
        """Their lengths in characters."""
        return _column(map(len, self.texts))

    @property
    def features(self) -> Mapping[str, Floats]:
        """`FEATURES` by name."""
        return self._read[0]

    @property
    def told(self) -> Sequence[frozenset[str]]:
        """Groups of phrases that are in each (`wording`)."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, Floats], list[frozenset[str]]]:
        read = [(*counted(text), *wording(text)) for text in self.texts]
        *numbers, told = zip(*read, strict=True) if read else [()] * (len(FEATURES) + 1)
        return dict(zip(FEATURES, map(_column, numbers), strict=True)), list(told)


def _column(values: Iterable[float]) -> Floats:
    return np.array([*values, np.nan], np.float64)
