"""The record of what was analysed: each analysis is chained to the one before, in the whole store.

A link says which rows an evaluation's numbers were made from: their digest, the newest attempt among
them and how much had been added to the plan. Whoever deletes a look, or changes rows and analyses
again, breaks this chain or makes it another one; a published link shows which it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from brie.digest import digest
from brie.provenance import now
from brie.store.database import Database, Row

START = digest("the record of analyses begins here")
"""What the first link names as the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """One analysis, as the record has it."""

    evaluation: str
    seal: str
    rows: str
    """Digest of every row it was made from."""
    look: str
    """Digest of the verdicts' keys that were read, as `looks` has it; "" where nothing was seen."""
    newest: int
    """Number of the store's newest verdict attempt then."""
    links: int
    """How many additions the evaluation's chain had."""
    created: str = ""
    previous: str = ""
    digest: str = ""

    def linked(self) -> str:
        """The digest of this link."""
        return digest(
            [self.evaluation, self.seal, self.rows, self.look, self.newest, self.links, self.created,
             self.previous]
        )  # fmt: skip


_COLUMNS = "evaluation, seal, rows, look, newest, links, created, previous, digest"


class Record(Database):
    """The record of a store."""

    def note_analysis(self, made: Analysed) -> None:
        """Chain an analysis; the same rows of the same evaluation as last time are no other one."""
        with self._writing():
            last = self._analysed("evaluation = ? ORDER BY id DESC LIMIT 1", made.evaluation)
            if last and (last[0].rows, last[0].links) == (made.rows, made.links):
                return
            at, previous = now(), self.head()
            link = Analysed(
                evaluation=made.evaluation, seal=made.seal, rows=made.rows, look=made.look,
                newest=made.newest, links=made.links, created=at, previous=previous,
            )  # fmt: skip
            self._db.execute(
                f"INSERT INTO analyses ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (link.evaluation, link.seal, link.rows, link.look, link.newest, link.links, at, previous,
                 link.linked()),
            )  # fmt: skip

    def head(self) -> str:
        """The digest of the last link."""
        rows = self._read("SELECT digest FROM analyses ORDER BY id DESC LIMIT 1")
        return str(rows[0][0]) if rows else START

    def record(self) -> list[Analysed]:
        """Every link, oldest first."""
        return self._analysed("1 ORDER BY id")

    def analysed(self, evaluation: str, rows: str) -> Analysed | None:
        """The last analysis of an evaluation that was made from these rows."""
        links = self._analysed("evaluation = ? AND rows = ? ORDER BY id DESC LIMIT 1", evaluation, rows)
        return links[0] if links else None

    def has_look(self, read: str) -> bool:
        """Whether the look at these verdicts is still counted."""
        return bool(self._read("SELECT 1 FROM looks WHERE rows = ? LIMIT 1", (read,)))

    def _analysed(self, where: str, *values: str) -> list[Analysed]:
        return [
            _link(row) for row in self._read(f"SELECT {_COLUMNS} FROM analyses WHERE {where}", values)
        ]


def _link(row: Row) -> Analysed:
    evaluation, seal, rows, look, newest, links, created, previous, name = row
    return Analysed(
        evaluation=evaluation, seal=seal, rows=rows, look=look, newest=newest, links=links,
        created=created, previous=previous, digest=name,
    )  # fmt: skip


def broken_record(record: list[Analysed]) -> str:
    """What of the record does not hold; "" where all of it does."""
    previous = START
    for number, link in enumerate(record, 1):
        if link.previous != previous or link.digest != link.linked():
            return f"link {number} of the record of analyses ({link.evaluation}) was changed or moved"
        previous = link.digest
    return ""
