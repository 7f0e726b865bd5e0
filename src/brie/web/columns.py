"""What lists of comparisons are filtered and sorted by: one array a quantity, in memory.

A list of a million verdicts is chosen from in milliseconds this way, whatever is asked for together. The
arrays are made with the index, lie in it as they are in memory, and are read once.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count

import numpy as np
from numpy.typing import NDArray

from brie.records.analysis import ComparisonView
from brie.report.judged import flipped as flipped_of
from brie.report.judged import judge_scores

Floats = NDArray[np.float64]
Places = NDArray[np.int32]
"""Of comparisons, from 0 in the suite's order."""
Marks = NDArray[np.bool_]
SCHEMA = "CREATE TABLE columns (name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"
"""Where they lie."""
_ABSENT = float("nan")


def storable(value: str) -> str:
    """SQLite and pages cannot hold unpaired surrogates."""
    return value.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class Scored:
    """One score a comparison, of all judges together or of one."""

    score: Floats
    """1 is a win of the candidate; nan: there is none."""
    flipped: Marks
    unusable: Marks
    planned: Marks
    """It was to be judged."""

    @cached_property
    def won(self) -> Places:
        """Best for the candidate first, those without a score last."""
        return np.argsort(-self.score, kind="stable").astype(np.int32)

    @cached_property
    def lost(self) -> Places:
        """Best for the baseline first, those without a score last."""
        return np.argsort(self.score, kind="stable").astype(np.int32)


@dataclass(frozen=True)
class Columns:
    """An evaluation's."""

    categories: list[str]
    sources: list[str]
    category: NDArray[np.int32]
    """Places in `categories`."""
    source: NDArray[np.int32]
    spread: Floats
    all: Scored
    by_judge: dict[str, Scored]

    @cached_property
    def most_spread(self) -> Places:
        """Most disagreement first."""
        return np.argsort(-self.spread, kind="stable").astype(np.int32)

    def __len__(self) -> int:
        return len(self.spread)

    def scored(self, judge: str) -> Scored | None:
        """What one judge said; `""`: all together; None: there is no such judge."""
        return self.by_judge.get(judge) if judge else self.all


@dataclass
class _Gathered:
    """One judge's, while they are gathered."""

    score: array[float] = field(default_factory=lambda: array("d"))
    flipped: array[int] = field(default_factory=lambda: array("b"))
    unusable: array[int] = field(default_factory=lambda: array("b"))
    planned: array[int] = field(default_factory=lambda: array("b"))

    def add(self, place: int, score: float | None, *, flipped: bool, unusable: bool) -> None:
        """Note the comparison at a place; there is nothing at those that were passed over."""
        passed = place - len(self.score)
        if passed:
            self.score.extend([_ABSENT] * passed)
            for marks in (self.flipped, self.unusable, self.planned):
                marks.extend([0] * passed)
        self.score.append(_ABSENT if score is None else score)
        self.flipped.append(flipped)
        self.unusable.append(unusable)
        self.planned.append(1)


class ColumnsBuilder:
    """Gathers the arrays, comparison by comparison."""

    def __init__(self) -> None:
        self._places = count()
        self._names: dict[str, dict[str, int]] = {"category": {}, "source": {}}
        self._codes = {name: array("i") for name in self._names}
        self._spread = array("d")
        self._all, self._by_judge = _Gathered(), dict[str, _Gathered]()

    def add(self, view: ComparisonView, *, apart: float, flipped: bool, unusable: bool) -> None:
        """The next comparison in the suite's order.

        Args:
            view: the comparison.
            apart: how far apart the judges are that count.
            flipped: whether the order changed what one of them said.
            unusable: whether one of their verdicts cannot be used.
        """
        place = next(self._places)
        for name, value in (("category", view.category), ("source", view.source)):
            names = self._names[name]
            self._codes[name].append(names.setdefault(storable(value), len(names)))
        self._spread.append(apart)
        self._all.add(place, view.score, flipped=flipped, unusable=unusable)
        scores, flips = judge_scores(view), set(flipped_of(view))
        planned: dict[str, int] = {}
        for verdict in view.verdicts:
            planned[verdict.judge] = planned.get(verdict.judge, 0) + 1
        for judge, orders in planned.items():
            usable = scores.get(judge, [])
            whole = usable and len(usable) == orders
            self._by_judge.setdefault(storable(judge), _Gathered()).add(
                place, sum(usable) / len(usable) if whole else None,
                flipped=judge in flips, unusable=len(usable) < orders,
            )  # fmt: skip

    def write(self, db: sqlite3.Connection) -> None:
        """Into an index."""
        db.executemany("INSERT INTO columns VALUES (?, ?)", self._rows())

    def _rows(self) -> Iterable[tuple[str, bytes]]:
        judges = list(self._by_judge)
        names = {**{name: list(values) for name, values in self._names.items()}, "judges": judges}
        yield "names", json.dumps(names).encode()
        yield "spread", self._spread.tobytes()
        for name, codes in self._codes.items():
            yield name, codes.tobytes()
        for number, gathered in enumerate((self._all, *self._by_judge.values())):
            gathered.add(len(self._spread), None, flipped=False, unusable=False)
            for name in ("score", "flipped", "unusable", "planned"):
                yield f"{number} {name}", getattr(gathered, name)[:-1].tobytes()


def read_columns(db: sqlite3.Connection) -> Columns:
    """The arrays of an index."""
    data: dict[str, bytes] = dict(db.execute("SELECT name, data FROM columns").fetchall())
    names = json.loads(data["names"])

    def scored(number: int) -> Scored:
        marks = (
            np.frombuffer(data[f"{number} {name}"], np.bool_)
            for name in ("flipped", "unusable", "planned")
        )
        return Scored(np.frombuffer(data[f"{number} score"], np.float64), *marks)

    return Columns(
        names["category"], names["source"],
        np.frombuffer(data["category"], np.int32), np.frombuffer(data["source"], np.int32),
        np.frombuffer(data["spread"], np.float64), scored(0),
        {judge: scored(number) for number, judge in enumerate(names["judges"], 1)},
    )  # fmt: skip
