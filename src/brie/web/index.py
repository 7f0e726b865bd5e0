"""An index of an evaluation's comparisons, so that any page of a million verdicts is a small query.

A derived SQLite file beside the store (`runs/.viewer/EVAL.sqlite`): deleting it loses nothing.
Texts stay in the store; the index keeps what pages filter and sort by.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from brie.errors import StoreError
from brie.evaluation.views import counting_in, prompt_views
from brie.evaluation.votes import votes_by_prompt
from brie.evaluation.work import Work
from brie.project import Project
from brie.records import Manifest, Status
from brie.records.analysis import ComparisonView
from brie.report.clean import without_paths
from brie.report.judged import counted, flipped, spread
from brie.store import Store
from brie.web.columns import SCHEMA, ColumnsBuilder, storable

FORMAT = 3
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE comparison (
    id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, sample INTEGER NOT NULL, category TEXT NOT NULL,
    source TEXT NOT NULL, start TEXT NOT NULL, score REAL, spread REAL NOT NULL,
    flips INTEGER NOT NULL, unusable INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, prefix='1 2');
{SCHEMA}
"""
_GIVEN_UP = 86_400.0
"""Seconds after which an index that is not whole belongs to nobody."""
_WORDS = 4_000
"""Characters of each text that the search knows."""


def index_path(project: Project, evaluation: str) -> Path:
    """Where an evaluation's index lies: beside the store, or in the temporary folder if that
    cannot be written."""
    if os.access(project.runs, os.W_OK):
        return project.runs / ".viewer" / f"{evaluation}.sqlite"
    return Path(tempfile.gettempdir()) / f"brie-viewer-{os.getuid()}" / f"{evaluation}.sqlite"


def stamp(manifest: Manifest, store: Store) -> str:
    """Changes whenever the index would: with the plan, with any new verdict, with the format."""
    return f"{FORMAT} {manifest.seal} {store.newest()}"


def is_fresh(path: Path, wanted: str) -> bool:
    """True for a finished index with this stamp."""
    return _stamped(path) == wanted


def is_readable(path: Path) -> bool:
    """True for a finished index of this format, though verdicts may have come since."""
    return _stamped(path).startswith(f"{FORMAT} ")


def _stamped(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT value FROM meta WHERE key = 'stamp'").fetchone()
    except sqlite3.Error:
        return ""
    return str(row[0]) if row else ""


def build_index(
    path: Path,
    work: Work,
    manifest: Manifest,
    store: Store,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the index of an evaluation, whole or not at all.

    Args:
        path: where; it is replaced when the new one is complete.
        work: the plan's work.
        manifest: the evaluation.
        store: where answers and verdicts are read.
        progress: called with prompts done and prompts in all.

    Raises:
        StoreError: the index cannot be written (full disk, no full-text search in this SQLite).
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    wanted = stamp(manifest, store)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _clear(path)
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(partial)) as db:
            db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
            panel = counting_in(manifest, store)
            _fill(db, _views(work, manifest, store, progress, panel), panel)
            db.execute("INSERT INTO meta VALUES ('stamp', ?)", (wanted,))
            db.commit()
        partial.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the viewer's index {path.name} cannot be written: {without_paths(str(error))}."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Remove what processes that were killed long ago had written of an index."""
    for left in path.parent.glob(f".{path.name}.*.partial"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - _GIVEN_UP:
                left.unlink()


def _views(
    work: Work,
    manifest: Manifest,
    store: Store,
    progress: Callable[[int, int], None],
    panel: Collection[str],
) -> Iterator[ComparisonView]:
    """Prompts in the suite's order: that is how a reader expects to find them."""
    prompts, votes = manifest.plan.suite.prompts, votes_by_prompt(manifest, work)
    for done, prompt in enumerate(prompts):
        progress(done, len(prompts))
        yield from prompt_views(work, manifest, store, prompt.id, votes, counting=panel)


def _fill(db: sqlite3.Connection, views: Iterable[ComparisonView], panel: Collection[str]) -> None:
    columns = ColumnsBuilder()
    for number, view in enumerate(views, 1):
        counting = counted(view, panel)
        flips, apart = len(flipped(counting)), spread(counting)
        unusable = sum(verdict.status is not Status.OK for verdict in counting.verdicts)
        columns.add(view, apart=apart, flipped=flips > 0, unusable=unusable > 0)
        last = view.messages[-1].content
        short = (view.prompt_id, view.category, view.source, last[:300])
        prompt, category, source, start = map(storable, short)
        db.execute(
            "INSERT INTO comparison VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number, prompt, view.sample, category, source, start, view.score, apart, flips, unusable,
            ),
        )  # fmt: skip
        texts = (view.prompt_id, last, view.candidate_text, view.baseline_text)
        text = storable(" ".join(text[:_WORDS] for text in texts))
        db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text))
    columns.write(db)
