"""Filtering, sorting and paging comparisons: a form's fields in, rows out."""

from __future__ import annotations

import re
import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode

from brie.store.database import Row, Value

PAGE = 25
WINNERS = {"candidate": "{} > 0.5", "tie": "{} = 0.5", "baseline": "{} < 0.5"}
SHOWS: dict[str, tuple[str, str, str]] = {
    "disagree": ("judges disagree", "c.spread >= 0.5", "c.spread >= 0.5"),
    "flipped": ("flipped by order", "c.flips > 0", "j.flipped = 1"),
    "unusable": ("with a failed verdict", "c.unusable > 0", "j.unusable > 0"),
}
"""Name -> words, condition over all judges, condition where one judge is chosen."""
SORTS: dict[str, tuple[str, str]] = {
    "suite": ("suite order", "c.id"),
    "won": ("best for the candidate", "{score} IS NULL, {score} DESC, c.id"),
    "lost": ("best for the baseline", "{score} IS NULL, {score}, c.id"),
    "spread": ("most disagreement", "c.spread DESC, c.id"),
}
_COLUMNS = (
    "c.id, c.prompt, c.sample, c.category, c.source, c.start, {score}, c.spread, c.flips, c.unusable"
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
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self._changed = path.stat().st_mtime_ns

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
            ids[before] if 0 <= before < len(ids) else None,
            ids[after] if after < len(ids) else None,
        )

    def _ids(self, wanted: Filter) -> array[int]:
        return _ordered(self._uri, self._changed, replace(wanted, page=1))

    def _found(self, ids: Sequence[int], judge: str) -> list[Found]:
        """The rows of some comparisons, in their order, with the score of the chosen judge."""
        marks = ",".join("?" * len(ids))
        columns = _COLUMNS.format(score="j.score" if judge else "c.score")
        join = "JOIN judged j ON j.comparison = c.id AND j.judge = ?" if judge else ""
        values = ([judge] if judge else []) + list(ids)
        query = f"SELECT {columns} FROM comparison c {join} WHERE c.id IN ({marks})"
        by_number = {row[0]: Found(*row) for row in self._rows(query, tuple(values))}
        return [by_number[number] for number in ids]

    def get(self, number: int) -> Found | None:
        """A comparison by its number."""
        columns = _COLUMNS.format(score="c.score")
        rows = self._rows(f"SELECT {columns} FROM comparison c WHERE c.id = ?", (number,))
        return Found(*rows[0]) if rows else None

    def choices(self) -> dict[str, list[str]]:
        """What the form offers: categories, sources and judges, at most 500 each."""
        return {
            "category": self._names("SELECT DISTINCT category FROM comparison"),
            "source": self._names("SELECT DISTINCT source FROM comparison"),
            "judge": self._names("SELECT DISTINCT judge FROM judged"),
        }

    def _names(self, query: str) -> list[str]:
        return sorted(row[0] for row in self._rows(query + " LIMIT 500"))

    def _rows(self, query: str, values: tuple[Value, ...] = ()) -> list[Row]:
        return _read(self._uri, query, values)


@lru_cache(maxsize=16)
def _ordered(uri: str, changed: int, wanted: Filter) -> array[int]:
    """Numbers of all comparisons of a filter, in its order; kept for the pages that follow.

    `changed`: when the index was written, so that a new index is read anew.
    """
    where, values, score = _where(wanted)
    order = SORTS[wanted.sort][1].format(score=score)
    return array("q", (row[0] for row in _read(uri, f"SELECT c.id {where} ORDER BY {order}", values)))


def _read(uri: str, query: str, values: tuple[Value, ...]) -> list[Row]:
    with closing(sqlite3.connect(uri, uri=True, timeout=10)) as db:
        return db.execute(query, values).fetchall()


def _where(wanted: Filter) -> tuple[str, tuple[str, ...], str]:
    """FROM and WHERE of a filter, its values, and the expression of its score.

    Only closed sets reach the text of a query; what a reader typed is always a bound value.
    """
    score = "j.score" if wanted.judge else "c.score"
    tables, conditions, values = "FROM comparison c", ["1"], []
    if wanted.judge:
        tables += " JOIN judged j ON j.comparison = c.id AND j.judge = ?"
        values.append(wanted.judge)
    for name in ("category", "source"):
        if getattr(wanted, name):
            conditions.append(f"c.{name} = ?")
            values.append(getattr(wanted, name))
    if wanted.winner:
        conditions.append(WINNERS[wanted.winner].format(score))
    if wanted.show:
        conditions.append(SHOWS[wanted.show][2 if wanted.judge else 1])
    words = _match(wanted.q)
    if words:
        conditions.append("c.id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(words)
    elif wanted.q.strip():
        conditions.append("0")
    return f"{tables} WHERE {' AND '.join(conditions)}", tuple(values), score


def _match(text: str) -> str:
    """Every word, the last as a beginning, as a full-text query: no operator of the reader's."""
    words = re.findall(r"\w+", text)[:12]
    quoted = [f'"{word}"' for word in words]
    return " AND ".join([*quoted[:-1], quoted[-1] + "*"]) if quoted else ""
