"""Looks: how often verdicts on some prompts had been analysed before (docs/checks.md).

A look is a set of verdicts that was read. It is found again by the keys of the verdicts behind its
headline, and is related to every look at one of its prompts, whatever the suite was called then.
Prompts are kept once a set, so that a look costs one line, and counting them one query.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from brie.digest import digest
from brie.provenance import now
from brie.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one analysis read."""

    suite: str
    """Digest of the suite."""
    evaluation: str
    """Its id, `eval-NAME-xxxxxxxx`."""
    rows: str
    """Digest of every row of the evaluation: what stores before schema 3 know a look by."""
    headline: str
    """Digest of the keys of the verdicts behind the headline."""
    read: str
    """Digest of those, and of the keys of judges added since."""
    prompts: tuple[str, ...] = ()
    """What each prompt asks, as a short digest; the same under every suite's name."""
    part: str = ""
    """What it is a part of, such as one curve over checkpoints: all parts are one look."""
    sequential: bool = False
    """Its own evaluation may be looked at as often as wanted: the sealed rule allows for that."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A look as the store has it."""

    id: int
    suite: str
    evaluation: str
    rows: str
    part: str
    headline: str
    """"" where a store before schema 3 kept it."""

    @property
    def group(self) -> str:
        """What is counted once."""
        return self.part or self.rows


_COLUMNS = "SELECT id, suite, evaluation, rows, part, headline FROM looks"


class LookBook(Database):
    """The looks of a store."""

    def look(self, look: Look) -> int:
        """Record that an analysis of these verdicts was shown; returns the suite's looks so far."""
        kept = self._mine(look)
        if kept is None or kept.headline:  # one of an earlier store stays as it was counted
            with self._writing():
                self.add_look(look, now())
        return self.looks(look.suite)

    def look_number(self, look: Look) -> tuple[int, int]:
        """Which look at its prompts this is, and how many earlier ones were on another version of the
        suite, or on one of another name; the same for ever, however many looks follow.
        """
        mine = self._mine(look)
        related = self._named(look) if mine and not mine.headline else self._related(look)
        before = {
            kept.group: kept.suite
            for kept in related
            if (mine is None or kept.id < mine.id) and not _takes_nothing(kept, look)
        }
        return len(before) + 1, sum(suite != look.suite for suite in before.values())

    def looks(self, suite: str) -> int:
        """How many looks at a suite there were."""
        return self.looks_by_suite(suite).get(suite, 0)

    def looks_by_suite(self, suite: str | None = None) -> dict[str, int]:
        """Digest of a suite -> looks at it, of all suites or of one."""
        where, values = ("", ()) if suite is None else (" WHERE suite = ?", (suite,))
        counted = "COUNT(DISTINCT CASE part WHEN '' THEN rows ELSE part END)"
        return dict(self._read(f"SELECT suite, {counted} FROM looks{where} GROUP BY suite", values))

    def looks_without_prompts(self) -> dict[int, str]:
        """Looks of a store before schema 3 whose prompts were not noted yet -> their evaluation."""
        return dict(self._read("SELECT id, evaluation FROM looks WHERE headline = '' AND prompts = ''"))

    def note_prompts(self, prompts_of: dict[int, tuple[str, ...]]) -> None:
        """Note what looks of an earlier store were at; nothing, where that is not known any more."""
        with self._writing():
            for number, prompts in prompts_of.items():
                name = self._keep_prompts(prompts)
                self._db.execute("UPDATE looks SET prompts = ? WHERE id = ?", (name, number))

    def add_look(self, look: Look, created: str) -> None:
        """Count a look that is not counted yet, inside a transaction."""
        self._db.execute(
            "INSERT OR IGNORE INTO looks (suite, evaluation, rows, created, headline, part, prompts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (look.suite, look.evaluation, look.read, created, look.headline, look.part,
             self._keep_prompts(look.prompts) if look.prompts else ""),
        )  # fmt: skip

    def _keep_prompts(self, prompts: tuple[str, ...]) -> str:
        """A set of prompts, kept once; returns its name."""
        name = digest(sorted(prompts))
        self._db.executemany(
            "INSERT OR IGNORE INTO looked_at (prompt, prompts) VALUES (?, ?)",
            [(prompt, name) for prompt in prompts],
        )
        return name

    def _mine(self, look: Look) -> _Kept | None:
        """The first look at these verdicts, or at the whole that they are a part of."""
        kept = (
            self._first("headline = ? ORDER BY id", look.headline)
            or self._first("headline = '' AND suite = ? AND rows = ?", look.suite, look.rows)
            or self._first("headline = '' AND evaluation = ? ORDER BY id DESC", look.evaluation)
        )
        part = kept.part if kept else look.part
        return (self._first("part = ? ORDER BY id", part) if part else None) or kept

    def _first(self, where: str, *values: str) -> _Kept | None:
        rows = self._read(f"{_COLUMNS} WHERE {where} LIMIT 1", values)
        return _Kept(*rows[0]) if rows else None

    def _related(self, look: Look) -> Iterator[_Kept]:
        sets = self._select("SELECT DISTINCT prompts FROM looked_at WHERE prompt IN ({})", look.prompts)
        for row in self._select(f"{_COLUMNS} WHERE prompts IN ({{}})", [name for (name,) in sets]):
            yield _Kept(*row)
        yield from self._named(look)

    def _named(self, look: Look) -> Iterator[_Kept]:
        """Looks at the suite, and at its other versions, which share the name in evaluations' ids."""
        name = look.evaluation.rpartition("-")[0]
        for row in self._read(f"{_COLUMNS} WHERE suite = ?", (look.suite,)):
            yield _Kept(*row)
        ids = (f"{name}-", f"{name}.")  # "." follows "-"
        for row in self._read(f"{_COLUMNS} WHERE evaluation >= ? AND evaluation < ?", ids):
            kept = _Kept(*row)
            if kept.evaluation.rpartition("-")[0] == name:
                yield kept


def _takes_nothing(kept: _Kept, look: Look) -> bool:
    """Whether an earlier look takes nothing from this one."""
    if kept.part and kept.part == look.part:
        return True
    return look.sequential and kept.evaluation == look.evaluation
