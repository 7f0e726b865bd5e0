"""SQLite underneath the store: schema, migrations, transactions, and errors in plain words."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from pydantic import ValidationError

from brie import versions
from brie.errors import DamagedRow, StoreError

R = TypeVar("R")
_CHUNK = 500
"""Keys in one SQL statement."""
Value: TypeAlias = str | int | float | bytes | None
"""What SQLite takes."""
Row: TypeAlias = tuple[Any, ...]
"""What SQLite answers: the columns' types are those of the schema, which only the query knows."""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE completions (
    key TEXT PRIMARY KEY, pin TEXT NOT NULL, prompt TEXT NOT NULL, sample INTEGER NOT NULL,
    body TEXT NOT NULL, created TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, attempt INTEGER NOT NULL, judge TEXT NOT NULL,
    rubric TEXT NOT NULL, presentation TEXT NOT NULL, repeat INTEGER NOT NULL,
    status TEXT NOT NULL, body TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (key, attempt)) STRICT;
CREATE INDEX verdicts_judge ON verdicts (judge, rubric);
CREATE TABLE claims (
    key TEXT PRIMARY KEY, owner TEXT NOT NULL, usd REAL NOT NULL, expires REAL NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, evaluation TEXT NOT NULL, judge TEXT NOT NULL, key TEXT NOT NULL,
    usd REAL NOT NULL, body TEXT NOT NULL, created TEXT NOT NULL) STRICT;
CREATE INDEX calls_evaluation ON calls (evaluation);
CREATE TABLE batches (
    id TEXT PRIMARY KEY, evaluation TEXT NOT NULL, judge TEXT NOT NULL, state TEXT NOT NULL,
    body TEXT NOT NULL, created TEXT NOT NULL) STRICT;
CREATE TABLE looks (
    id INTEGER PRIMARY KEY, suite TEXT NOT NULL, evaluation TEXT NOT NULL, rows TEXT NOT NULL,
    created TEXT NOT NULL, UNIQUE (suite, rows)) STRICT;
"""
"""Schema 1; what came later is in the migrations, so that old and new stores end up alike. Every table
and column is described in docs/architecture.md, which a test compares with a new store."""

_MIGRATIONS: dict[int, str] = {
    2: """
    ALTER TABLE claims ADD COLUMN evaluation TEXT NOT NULL DEFAULT '';
    ALTER TABLE claims ADD COLUMN judge TEXT NOT NULL DEFAULT '';
    CREATE INDEX calls_spent ON calls (evaluation, usd);
    """,
    3: """
    ALTER TABLE looks ADD COLUMN headline TEXT NOT NULL DEFAULT '';
    ALTER TABLE looks ADD COLUMN part TEXT NOT NULL DEFAULT '';
    ALTER TABLE looks ADD COLUMN prompts TEXT NOT NULL DEFAULT '';
    CREATE TABLE looked_at (
        prompt TEXT NOT NULL, prompts TEXT NOT NULL, PRIMARY KEY (prompt, prompts))
        STRICT, WITHOUT ROWID;
    CREATE INDEX looks_headline ON looks (headline);
    CREATE INDEX looks_part ON looks (part);
    CREATE INDEX looks_prompts ON looks (prompts);
    CREATE INDEX looks_evaluation ON looks (evaluation);
    """,
    4: """
    CREATE TABLE analyses (
        id INTEGER PRIMARY KEY, evaluation TEXT NOT NULL, seal TEXT NOT NULL, rows TEXT NOT NULL,
        look TEXT NOT NULL, newest INTEGER NOT NULL, links INTEGER NOT NULL, created TEXT NOT NULL,
        previous TEXT NOT NULL, digest TEXT NOT NULL) STRICT;
    CREATE INDEX analyses_evaluation ON analyses (evaluation);
    """,
}

_INDEX = "verdicts_not_ok"
_INDEXED = f"CREATE INDEX IF NOT EXISTS {_INDEX} ON verdicts (key, status) WHERE status != 'ok'"
"""Which attempts are not `ok`, without reading a verdict. It changes nothing that is stored, and a brie
that does not know it keeps it: so it is no other schema, and is made where it is missing."""


class Database:
    """An open SQLite file of brie's schema.

    Every method raises StoreError where SQLite fails (full disk, lock, damage).
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self.path = path
        self._file: tuple[int, int] | None = None
        """Which file it is, where it is written to."""
        self._rolled_back = 0
        """Transactions that were given up: what was read inside them may not have come about."""

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, create: bool = True, patience: float = 60
    ) -> Self:
        """Open the store, creating it where it may be written.

        Args:
            path: the file.
            read_only: it must be there, and stays as it is.
            create: False: it must be there, because what is done needs its rows.
            patience: seconds to wait for another program's lock.

        Raises:
            StoreError: missing, not writable, damaged, or of a newer schema.
        """
        if read_only and not path.is_file():
            raise StoreError(f"there is no store at {path} yet; `brie eval` creates it.")
        if not create and not path.is_file():
            raise StoreError(
                f"there is no store at {path}, where the rows of this project's evaluations were kept; "
                "put it back from a copy. Nothing was written."
            )
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            db = _reading(path, patience) if read_only else _connected(path, "mode=rwc", patience)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(explain(path, error)) from error
        store = cls(db, path)
        try:
            store._prepare(read_only)
            store._file = None if read_only else _identity(path)
            if read_only and store.version() < versions.STORE:
                store._read_newer()
        except BaseException:
            db.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; open transactions are rolled back."""
        self._db.close()

    def refuse_replaced(self) -> None:
        """Refuse to go on with a file that was deleted or replaced since it was opened.

        Raises:
            StoreError: what is written would be lost without a word.
        """
        if self._file is not None and _identity(self.path) != self._file:
            raise StoreError(
                f"{self.path} was deleted or replaced while brie was at work; what came since is lost. "
                "Put the store back where that was no wish of yours, then run the same command again."
            )

    def version(self) -> int:
        """The schema's version."""
        return int(self._read("PRAGMA user_version")[0][0])

    def _prepare(self, read_only: bool) -> None:
        version = self.version()
        if version > versions.STORE:
            raise StoreError(
                f"{self.path} was written by a newer brie (schema {version}, this one knows "
                f"{versions.STORE}); upgrade: pip install -U brie-eval"
            )
        if read_only:
            return
        self._read("PRAGMA journal_mode = WAL")
        self._read("PRAGMA synchronous = NORMAL")
        if version < versions.STORE:
            self._migrate(version)
        if not self._read("SELECT 1 FROM sqlite_master WHERE name = ?", (_INDEX,)):
            with self._writing():
                self._db.execute(_INDEXED)

    def _read_newer(self) -> None:
        """Go on with a copy in memory, brought to today's schema: who only reads changes no file."""
        copy = sqlite3.connect(":memory:", isolation_level=None)
        try:
            self._db.backup(copy)
        except sqlite3.Error as error:
            raise StoreError(explain(self.path, error)) from error
        self._db.close()
        self._db = copy
        self._bring_forward()

    def _migrate(self, version: int) -> None:
        """Bring the schema forward; a store that holds something is copied aside before."""
        if version:
            self._back_up(version)
        self._bring_forward()

    def _bring_forward(self) -> None:
        with self._writing():
            # Another process may have done it in the meantime.
            current = self.version()
            steps = ([_SCHEMA] if current == 0 else []) + [
                text for number, text in _MIGRATIONS.items() if number > current
            ]
            for statement in ";".join(steps).split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {versions.STORE}")

    def _back_up(self, version: int) -> None:
        copy = self.path.with_name(f"{self.path.name}.schema{version}.bak")
        if copy.exists():
            return
        try:
            with sqlite3.connect(copy) as target:
                self._db.backup(target)
            target.close()
        except sqlite3.Error as error:
            copy.unlink(missing_ok=True)
            raise StoreError(
                f"{self.path} must be brought to schema {versions.STORE}, and no copy can be kept: "
                f"{explain(copy, error)}"
            ) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one moment, whatever other processes write."""
        if self._db.in_transaction:
            yield
            return
        self._read("BEGIN")
        try:
            yield
        finally:
            self._read("COMMIT")

    def _select(self, query: str, keys: Iterable[str]) -> Iterator[Row]:
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            yield from self._read(query.format(",".join("?" * len(chunk))), chunk)

    def _read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(explain(self.path, error)) from error

    def _stream(self, query: str, values: Sequence[Value] = ()) -> Iterator[Row]:
        """Rows a few at a time, where all of them need not be in memory."""
        try:
            cursor = self._db.execute(query, values)
            while rows := cursor.fetchmany(_CHUNK):
                yield from rows
        except sqlite3.Error as error:
            raise StoreError(explain(self.path, error)) from error

    def _row(self, kind: str, key: str, body: str, read: Callable[[str, str], R]) -> R:
        """A row's record.

        Raises:
            DamagedRow: it is none; every row that can be read still can.
        """
        try:
            return read(key, body)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            why = f"{error.errors()[0]['msg']}" if isinstance(error, ValidationError) else str(error)
            raise DamagedRow(
                f"the {kind} {key} in {self.path} is damaged ({' '.join(why.split())[:120]}): "
                "what needs it cannot be computed. Put the store back from a copy; other evaluations "
                "are not touched."
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One write transaction: all of it, or nothing."""
        self.refuse_replaced()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._rolled_back += 1
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            self.refuse_replaced()
        except sqlite3.Error as error:
            self._rolled_back += 1
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StoreError(explain(self.path, error)) from error


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None where there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _connected(path: Path, how: str, patience: float) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)


def _reading(path: Path, patience: float) -> sqlite3.Connection:
    """A store for reading, also where nothing can be written.

    SQLite reads a WAL store through files beside it, and makes them where nobody has. Where it cannot,
    the file is read as it is, or, with what its log holds, from a copy in a folder of its own.
    """
    db = _connected(path, "mode=ro", patience)
    try:
        db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if os.access(path.parent, os.W_OK):
            raise
        return _unwritten(path, patience)
    return db


def _unwritten(path: Path, patience: float) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if not log.is_file() or not log.stat().st_size:
        return _connected(path, "mode=ro&immutable=1", patience)
    whole = sqlite3.connect(":memory:", isolation_level=None)
    with TemporaryDirectory(prefix="brie-store-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        with closing(sqlite3.connect(copy)) as opened:
            opened.backup(whole)
    return whole


def explain(path: Path, error: Exception) -> str:
    """One sentence for what SQLite or the system said, with what to do."""
    message = str(error)
    causes = {
        "readonly": f"{path} cannot be written; make {path.parent} writable.",
        "Permission denied": f"{path.parent} cannot be written; make it writable.",
        "Read-only file system": f"{path.parent} lies on a read-only disk.",
        "unable to open": f"{path} cannot be opened or created; check that {path.parent} is writable.",
        "full": f"the disk with {path.parent} is full; free space and run the same command again: "
        "nothing that was stored is lost.",
        "locked": f"{path} is locked by another program; close it and run the same command again.",
        "malformed": f"{path} is damaged; move it away and restore a copy.",
        "not a database": f"{path} is not a brie store; move it away.",
    }
    return next((text for word, text in causes.items() if word in message), f"{path}: {message}.")
