"""Filtering, sorting and paging comparisons: a form's fields in, rows out."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from math import isnan
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from brie.errors import StoreError
from brie.store.database import Row, Value
from brie.web.columns import Columns, Marks, Places, read_columns
from brie.web.index_state import State

PAGE = 25
WINNERS = ("candidate", "tie", "baseline")
SHOWS = {
    "disagree": "judges disagree",
    "flipped": "flipped by order",
    "unusable": "with a failed verdict",
}
"""Name -> words."""
SORTS = {
    "suite": "suite order",
    "won": "best for the candidate",
    "lost": "best for the baseline",
    "spread": "most disagreement",
}
"""Name -> words."""
_ROW = (
    "SELECT id, prompt, sample, category, source, start, score, spread, flips, unusable FROM comparison"
)


@dataclass(frozen=True)
class Filter:
    """What a reader asked to see; empty strings ask for everything."""

    category: str = ""
    source: str = ""
    judge: str = ""
    winner: str = ""
    show: str = ""
    sort: str = "suite"
    q: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """A filter from a query string; values outside the closed sets ask for everything."""
        names = {f.name for f in fields(cls)} - {"page"}
        given = {name: value[:200] for name, value in query.items() if name in names}
        page = query.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1
        wanted = cls(**given, page=max(1, number))
        return replace(
            wanted,
            winner=wanted.winner if wanted.winner in WINNERS else "",
            show=wanted.show if wanted.show in SHOWS else "",
            sort=wanted.sort if wanted.sort in SORTS else "suite",
        )

    def query(self, **changes: object) -> str:
        """The filter as a query string, defaults left out."""
        values = {**{f.name: getattr(self, f.name) for f in fields(self)}, **changes}
        defaults = {f.name: f.default for f in fields(self)}
        return urlencode({k: v for k, v in values.items() if v != defaults.get(k)})


@dataclass(frozen=True)
class Found:
    """One comparison in a list."""

    id: int
    prompt: str
    sample: int
    category: str
    source: str
    start: str
    score: float | None
    spread: float
    flips: int
    unusable: int


@dataclass(frozen=True)
class Results:
    """A page of comparisons, and how many there are."""

    rows: list[Found]
    total: int
    pages: int
    page: int
    first: int
    """Place of the first row among all, from 0."""


class Comparisons:
    """The index of one evaluation, opened for reading."""

    def __init__(self, path: Path) -> None:
        """
        Args:
            path: the index.

        Raises:
            StoreError: it cannot be read.
        """
        state = State.read(path)
        if state is None:
            raise StoreError(f"the viewer's index {path.name} is gone; load the page again.")
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self._held = state

    @property
    def counting(self) -> tuple[str, ...]:
        """Judges whose mean is a comparison's score."""
        return self._held.counting

    def search(self, wanted: Filter) -> Results:
        """The page of comparisons a filter asks for; the last page where it asks for more."""
        ids = self._ids(wanted)
        pages = max(1, -(-len(ids) // PAGE))
        page = min(wanted.page, pages)
        first = (page - 1) * PAGE
        return Results(
            self._found(ids[first : first + PAGE], wanted.judge), len(ids), pages, page, first
        )

    def total(self, wanted: Filter) -> int:
        """How many comparisons a filter leaves."""
        return len(self._ids(wanted))

    def neighbours(self, wanted: Filter, position: int) -> tuple[int | None, int | None]:
        """Numbers of the comparisons before and after a place of a filter's list, from 0."""
        ids = self._ids(wanted)
        before, after = position - 1, position + 1
        return (
            int(ids[before]) if 0 <= before < len(ids) else None,
            int(ids[after]) if after < len(ids) else None,
        )

    def _ids(self, wanted: Filter) -> Places:
        return _ordered(self._uri, self._held, replace(wanted, page=1))

    @property
    def _columns(self) -> Columns:
        return _columns(self._uri, self._held)

    def _found(self, ids: Places, judge: str) -> list[Found]:
        """The rows of some comparisons, in their order, with the score of the chosen judge."""
        numbers = [int(number) for number in ids]
        query = f"{_ROW} WHERE id IN ({','.join('?' * len(numbers))})"
        by_number = {row[0]: Found(*row) for row in self._rows(query, tuple(numbers))}
        rows = [by_number[number] for number in numbers]
        scored = self._columns.scored(judge) if judge else None
        if scored is None:
            return rows
        scores = [float(scored.score[number - 1]) for number in numbers]
        return [
            replace(row, score=None if isnan(score) else score)
            for row, score in zip(rows, scores, strict=True)
        ]

    def get(self, number: int) -> Found | None:
        """A comparison by its number."""
        rows = self._rows(f"{_ROW} WHERE id = ?", (number,))
        return Found(*rows[0]) if rows else None

    def choices(self) -> dict[str, list[str]]:
        """What the form offers: categories, sources and judges, at most 500 each."""
        columns = self._columns
        return {
            "category": sorted(columns.categories[:500]),
            "source": sorted(columns.sources[:500]),
            "judge": sorted(columns.judges)[:500],
        }

    def _rows(self, query: str, values: tuple[Value, ...] = ()) -> list[Row]:
        return _read(self._uri, query, values)


@lru_cache(maxsize=2)
def _columns(uri: str, held: State) -> Columns:
    """The arrays of an index; `held`: what it holds, so that they are read anew where that is more."""
    with closing(_connect(uri)) as db:
        return read_columns(db)


@lru_cache(maxsize=16)
def _ordered(uri: str, held: State, wanted: Filter) -> Places:
    """Numbers of all comparisons of a filter, in its order; kept for the pages that follow."""
    columns = _columns(uri, held)
    chosen = _chosen(columns, wanted)
    if wanted.q.strip():
        chosen &= _with_words(uri, wanted.q, len(columns))
    order = _order(columns, wanted)
    places = np.flatnonzero(chosen) if order is None else order[chosen[order]]
    return places.astype(np.int32) + np.int32(1)


def _chosen(columns: Columns, wanted: Filter) -> Marks:
    """Which comparisons a filter leaves, words aside."""
    scored = columns.scored(wanted.judge)
    if scored is None:
        return np.zeros(len(columns), np.bool_)
    chosen = scored.planned.copy()
    for value, names, codes in (
        (wanted.category, columns.categories, columns.category),
        (wanted.source, columns.sources, columns.source),
    ):
        if value:
            chosen &= codes == (names.index(value) if value in names else -1)
    if wanted.winner:
        sides = {
            "candidate": scored.score > 0.5,
            "tie": scored.score == 0.5,
            "baseline": scored.score < 0.5,
        }
        chosen &= sides[wanted.winner]
    shows = {"disagree": columns.spread >= 0.5, "flipped": scored.flipped, "unusable": scored.unusable}
    return chosen & shows[wanted.show] if wanted.show else chosen


def _order(columns: Columns, wanted: Filter) -> Places | None:
    """Places in the order asked for; None: as they are."""
    scored = columns.scored(wanted.judge)
    if wanted.sort == "spread":
        return columns.most_spread
    if scored is None or wanted.sort == "suite":
        return None
    return scored.won if wanted.sort == "won" else scored.lost


def _with_words(uri: str, text: str, total: int) -> Marks:
    """Which comparisons hold the words of a search."""
    marks, words = np.zeros(total, np.bool_), _match(text)
    if words:
        # One text of all numbers: a row each would take several times as long.
        query = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"
        ((numbers,),) = _read(uri, query, (words,))
        if numbers:
            marks[np.fromstring(numbers, np.int64, sep=",") - 1] = True
    return marks


def _read(uri: str, query: str, values: tuple[Value, ...]) -> list[Row]:
    with closing(_connect(uri)) as db:
        return db.execute(query, values).fetchall()


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=10)


_WORD = re.compile(r"[^\W_\u19b0-\u19c9\u1cf2\u1cf3]+")
"""One word of the index, which parts words at `_`, and at signs that Unicode made letters later."""


def _match(text: str) -> str:
    """Every word, the last as a beginning, as a full-text query: no operator of the reader's."""
    words = _WORD.findall(text)[:12]
    quoted = [f'"{word}"' for word in words]
    return " AND ".join([*quoted[:-1], quoted[-1] + "*"]) if quoted else ""
