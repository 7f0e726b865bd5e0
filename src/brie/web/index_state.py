"""What an index was made of: by it a viewer tells whether it is whole, and what has come since."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from brie.digest import digest
from brie.evaluation.plan import added_judges
from brie.evaluation.rows import headline_judges
from brie.evaluation.votes import voters
from brie.records import Manifest
from brie.web.opened import Opened

FORMAT = 4
SCHEMA = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"


@dataclass(frozen=True)
class State:
    """How far an index has come."""

    plan: str
    """Its format and the seal: an index of another plan cannot be read."""
    panel: str
    """Of its judges, and which of them count: where they change, it is made anew."""
    newest: int
    """Number of the newest verdict attempt that is in it."""
    chain: str
    """Digest of the newest link of the manifest's chain."""
    voters: tuple[str, ...]
    """Digests of those whose votes are in it."""
    counting: tuple[str, ...]
    """Judges whose mean is a comparison's score."""
    made: float
    """When all of it was made, in seconds since 1970."""
    took: float
    """Seconds that took."""

    @classmethod
    def of(
        cls, opened: Opened, newest: int, counting: Collection[str], *, made: float, took: float
    ) -> State:
        """Of an index that holds everything up to a verdict attempt."""
        manifest = opened.manifest
        return cls(
            plan=_plan(manifest), panel=_panel(manifest), newest=newest, chain=_chain(manifest),
            voters=tuple(voter.digest for voter in voters(manifest)),
            counting=tuple(sorted(counting)), made=made, took=took,
        )  # fmt: skip

    @classmethod
    def read(cls, path: Path) -> State | None:
        """That of an index; None where there is none that can be read."""
        if not path.is_file():
            return None
        # What a process that was killed had begun to write is undone by whoever may write.
        how = "rw" if journal_of(path).exists() else "ro"
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode={how}", uri=True)) as db:
                return cls.within(db)
        except sqlite3.Error:
            return None

    @classmethod
    def within(cls, db: sqlite3.Connection) -> State | None:
        """That of an index that is open; None where it is of a form that is not known."""
        row = db.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        try:
            return _STATE.validate_json(row[0]) if row else None
        except ValidationError:
            return None

    def write(self, db: sqlite3.Connection) -> None:
        """Into an index."""
        db.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (_STATE.dump_json(self).decode(),))

    def is_of(self, manifest: Manifest) -> bool:
        """Whether the index is of this plan, though more may have been said meanwhile."""
        return self.plan == _plan(manifest)

    def can_go_on(self, manifest: Manifest, newest: int) -> bool:
        """Whether it can be brought up to date: its judges are the same, and the store is not an older
        copy, put back."""
        return self.is_of(manifest) and self.panel == _panel(manifest) and self.newest <= newest

    def holds(self, manifest: Manifest, newest: int) -> bool:
        """Whether everything is in it."""
        there = (self.newest, self.chain) == (newest, _chain(manifest))
        return there and self.can_go_on(manifest, newest)


_STATE = TypeAdapter(State)


def journal_of(path: Path) -> Path:
    """Where SQLite keeps what it needs to undo a change to an index."""
    return path.with_name(f"{path.name}-journal")


def _plan(manifest: Manifest) -> str:
    return f"{FORMAT} {manifest.seal}"


def _panel(manifest: Manifest) -> str:
    added = [judge.digest for judge in added_judges(manifest)]
    return digest({"added": added, "counted": headline_judges(manifest)})


def _chain(manifest: Manifest) -> str:
    return manifest.amendments[-1].digest if manifest.amendments else ""
