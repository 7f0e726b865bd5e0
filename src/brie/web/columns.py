"""What lists of comparisons are filtered and sorted by: one array a quantity, in memory.

A list of a million verdicts is chosen from in milliseconds this way, whatever is asked for together. The
arrays are made with the index, lie in it as they are in memory, and are read once. Every comparison of
the plan has its place in them, whether its answers are there or not, so that what comes later is written
where it belongs.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brie.records import Plan
from brie.web.cells import Cell, Cells

Floats = NDArray[np.float64]
Places = NDArray[np.int32]
"""Of comparisons, from 0 in the suite's order: all samples of a prompt before the next."""
Marks = NDArray[np.bool_]
SCHEMA = """
CREATE TABLE columns (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE vote (
    place INTEGER NOT NULL, judge TEXT NOT NULL, score REAL, unusable INTEGER NOT NULL,
    PRIMARY KEY (place, judge)) WITHOUT ROWID;
CREATE INDEX vote_judge ON vote (judge);
"""
"""Where they lie. People vote on little of a large plan: what they say has rows instead of arrays."""
_SCORED = {"score": np.float64, "flipped": np.bool_, "unusable": np.bool_, "planned": np.bool_}
"""The arrays of one judge, and of all together, and what they hold."""
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
    """It was to be judged, and its answers are there."""

    @cached_property
    def won(self) -> Places:
        """Best for the candidate first, those without a score last."""
        return np.argsort(-self.score, kind="stable").astype(np.int32)

    @cached_property
    def lost(self) -> Places:
        """Best for the baseline first, those without a score last."""
        return np.argsort(self.score, kind="stable").astype(np.int32)


@dataclass(frozen=True)
class Votes:
    """What one voter said, of the comparisons voted on."""

    place: Places
    score: Floats
    unusable: Marks

    def among(self, total: int) -> Scored:
        """With nothing of all others."""
        score, voted = np.full(total, _ABSENT), np.zeros(total, np.bool_)
        unusable = voted.copy()
        score[self.place], voted[self.place], unusable[self.place] = self.score, True, self.unusable
        return Scored(score, np.zeros(total, np.bool_), unusable, voted)


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
    by_voter: dict[str, Votes]

    @cached_property
    def most_spread(self) -> Places:
        """Most disagreement first."""
        return np.argsort(-self.spread, kind="stable").astype(np.int32)

    @property
    def judges(self) -> list[str]:
        """Everybody who said something."""
        return [*self.by_judge, *self.by_voter]

    def __len__(self) -> int:
        return len(self.spread)

    def scored(self, judge: str) -> Scored | None:
        """What one judge or voter said; `""`: the judges together; None: there is no such judge."""
        if judge in self.by_voter:
            return self.by_voter[judge].among(len(self))
        return self.by_judge.get(judge) if judge else self.all


class ColumnsBuilder:
    """Gathers the arrays of a plan, comparison by comparison."""

    def __init__(self, plan: Plan, judges: Sequence[str]) -> None:
        prompts = plan.suite.prompts
        self._names = {"judges": list(dict.fromkeys(map(storable, judges)))}
        self._arrays: dict[str, NDArray[np.generic]] = {}
        for name in ("category", "source"):
            values = [storable(getattr(prompt, name)) for prompt in prompts]
            numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
            self._names[name] = list(numbers)
            codes = np.array([numbers[value] for value in values], np.int32)
            self._arrays[name] = np.repeat(codes, plan.samples)
        total = len(prompts) * plan.samples
        self._arrays["spread"] = np.zeros(total)
        for number in range(len(self._names["judges"]) + 1):
            for name, kind in _SCORED.items():
                start = _ABSENT if name == "score" else 0
                self._arrays[f"{number} {name}"] = np.full(total, start, kind)
        self._numbers = _numbers(self._names["judges"])

    def put(self, place: int, cells: Cells) -> None:
        """What was said of the comparison at a place."""
        for name, value in _values(cells, self._numbers):
            self._arrays[name][place] = value

    def write(self, db: sqlite3.Connection) -> None:
        """Into an index."""
        rows = [(name, array.tobytes()) for name, array in self._arrays.items()]
        rows.append(("names", json.dumps(self._names).encode()))
        db.executemany("INSERT INTO columns (name, data) VALUES (?, ?)", rows)


class ColumnsChange:
    """Writes what was said of some comparisons into the arrays of an index, where they lie."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._ids: dict[str, int] = dict(db.execute("SELECT name, id FROM columns").fetchall())
        self._numbers = _numbers(_names(db)["judges"])

    def write(self, changes: Mapping[int, Cells]) -> None:
        """Of the comparisons at these places."""
        values: dict[str, list[tuple[int, float]]] = {}
        for place, cells in changes.items():
            for name, value in _values(cells, self._numbers):
                values.setdefault(name, []).append((place, value))
        for name, changed in values.items():
            kind = np.dtype(_SCORED.get(name.partition(" ")[2], np.float64))
            with self._db.blobopen("columns", "data", self._ids[name]) as blob:
                for place, value in changed:
                    blob.seek(place * kind.itemsize)
                    blob.write(np.array(value, kind).tobytes())


def write_votes(db: sqlite3.Connection, place: int, cells: Cells, judges: Iterable[str]) -> None:
    """Everything that people, who are no judges of the plan, say of a comparison."""
    planned = set(judges)
    db.execute("DELETE FROM vote WHERE place = ?", (place,))
    db.executemany(
        "INSERT INTO vote VALUES (?, ?, ?, ?)",
        [
            (place, storable(judge), cell.score, cell.unusable)
            for judge, cell in cells.by_judge.items()
            if judge not in planned
        ],
    )


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
        {judge: scored(number) for judge, number in _numbers(names["judges"]).items()},
        _read_votes(db),
    )  # fmt: skip


def _read_votes(db: sqlite3.Connection) -> dict[str, Votes]:
    rows: dict[str, list[tuple[int, float, bool]]] = {}
    for judge, *said in db.execute(
        "SELECT judge, place, score, unusable FROM vote ORDER BY judge, place"
    ):
        rows.setdefault(judge, []).append((said[0], _ABSENT if said[1] is None else said[1], said[2]))
    by_voter = {}
    for judge, votes in rows.items():
        place, score, unusable = zip(*votes, strict=True)
        by_voter[judge] = Votes(
            np.array(place, np.int32), np.array(score, np.float64), np.array(unusable, np.bool_)
        )
    return by_voter


def _names(db: sqlite3.Connection) -> dict[str, list[str]]:
    ((data,),) = db.execute("SELECT data FROM columns WHERE name = 'names'").fetchall()
    names: dict[str, list[str]] = json.loads(data)
    return names


def _numbers(judges: Sequence[str]) -> dict[str, int]:
    """Judge -> the number its arrays are named by; 0 is for all together."""
    return {judge: number for number, judge in enumerate(judges, 1)}


def _values(cells: Cells, numbers: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    """Name of an array -> what is written into it; people have none."""
    yield "spread", cells.spread
    yield from _of_cell(0, cells.all)
    for judge, cell in cells.by_judge.items():
        number = numbers.get(storable(judge))
        if number is not None:
            yield from _of_cell(number, cell)


def _of_cell(number: int, cell: Cell) -> Iterator[tuple[str, float]]:
    yield f"{number} score", _ABSENT if cell.score is None else cell.score
    yield f"{number} flipped", cell.flipped
    yield f"{number} unusable", cell.unusable
    yield f"{number} planned", True
