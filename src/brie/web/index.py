"""An index of an evaluation's comparisons, so that any page of a million verdicts is a small query.

A derived SQLite file beside the store (`runs/.viewer/EVAL.sqlite`): deleting it loses nothing.
Texts stay in the store; the index keeps what pages filter and sort by.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from brie.errors import StoreError
from brie.evaluation.views import counting_in, views_of
from brie.judge.interface import Task
from brie.project import Project
from brie.records.analysis import ComparisonView
from brie.report.clean import without_paths
from brie.store import Store
from brie.web import columns, index_state, planned_keys
from brie.web.cells import Cells, cells_of
from brie.web.columns import ColumnsBuilder, storable, write_votes
from brie.web.index_state import State, journal_of
from brie.web.opened import Opened
from brie.web.planned_keys import PlannedKeys

_SCHEMA = f"""
CREATE TABLE comparison (
    id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, sample INTEGER NOT NULL, category TEXT NOT NULL,
    source TEXT NOT NULL, start TEXT NOT NULL, score REAL, spread REAL NOT NULL,
    flips INTEGER NOT NULL, unusable INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, prefix='1 2');
{index_state.SCHEMA}
{columns.SCHEMA}
{planned_keys.SCHEMA}
"""
_GIVEN_UP = 86_400.0
"""Seconds after which an index that is not whole belongs to nobody."""
_WORDS = 4_000
"""Characters of each text that the search knows."""
_TOGETHER = 20
"""Prompts that are read together."""


def index_path(project: Project, evaluation: str) -> Path:
    """Where an evaluation's index lies: beside the store, or in the temporary folder if that
    cannot be written."""
    if os.access(project.runs, os.W_OK):
        return project.runs / ".viewer" / f"{evaluation}.sqlite"
    return Path(tempfile.gettempdir()) / f"brie-viewer-{os.getuid()}" / f"{evaluation}.sqlite"


def build_index(
    path: Path,
    opened: Opened,
    store: Store,
    newest: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Write the index of an evaluation, whole or not at all.

    Args:
        path: where; it is replaced when the new one is complete.
        opened: the evaluation, read after `newest`.
        store: where answers and verdicts are read.
        newest: number of the store's newest verdict attempt; what comes later may be missing.
        progress: called with prompts done and prompts in all.
        clock: seconds.

    Raises:
        StoreError: the index cannot be written (full disk, no full-text search in this SQLite).
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    start = clock()
    try:
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _clear(path)
            partial.unlink(missing_ok=True)
            with closing(sqlite3.connect(partial)) as db:
                db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
                counting = counting_in(opened.manifest, store)
                _fill(db, opened, store, counting, progress)
                State.of(opened, newest, counting, made=clock(), took=clock() - start).write(db)
                db.commit()
            # What a process that was killed had written into the old one is not of the new one.
            journal_of(path).unlink(missing_ok=True)
            partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What SQLite and the system say of an index that is written, in one sentence."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the viewer's index {path.name} cannot be written: {without_paths(str(error))}."
        ) from error


def put(db: sqlite3.Connection, place: int, view: ComparisonView, cells: Cells) -> None:
    """Write what a list shows of a comparison, and its words where it was not there before; texts of
    answers never change."""
    last = view.messages[-1].content
    short = (view.prompt_id, view.category, view.source, last[:300])
    prompt, category, source, start = map(storable, short)
    number = place + 1
    before = db.execute("DELETE FROM comparison WHERE id = ?", (number,)).rowcount
    db.execute(
        "INSERT INTO comparison VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, prompt, view.sample, category, source, start, cells.all.score, cells.spread,
            cells.flips, cells.unusable,
        ),
    )  # fmt: skip
    if not before:
        texts = (view.prompt_id, last, view.candidate_text, view.baseline_text)
        text = storable(" ".join(text[:_WORDS] for text in texts))
        db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text))


def _clear(path: Path) -> None:
    """Remove what processes that were killed long ago had written of an index."""
    for left in path.parent.glob(f".{path.name}.*.partial"):
        with suppress(OSError):
            if left.stat().st_mtime < time.time() - _GIVEN_UP:
                left.unlink()


def _fill(
    db: sqlite3.Connection,
    opened: Opened,
    store: Store,
    counting: frozenset[str],
    progress: Callable[[int, int], None],
) -> None:
    """Prompts in the suite's order: that is how a reader expects to find them."""
    prompts = [prompt.id for prompt in opened.manifest.plan.suite.prompts]
    judges = [judge.judge.id for judge in opened.work.panel_judges]
    arrays, keys = ColumnsBuilder(opened.manifest.plan, judges), list[tuple[str, int]]()
    for start in range(0, len(prompts), _TOGETHER):
        progress(start, len(prompts))
        tasks = [task for prompt in prompts[start : start + _TOGETHER] for task in opened.tasks(prompt)]
        keys += _planned(opened, tasks)
        for view in views_of(opened.work, opened.manifest, store, tasks, counting=counting):
            place, cells = opened.place(view.prompt_id, view.sample), cells_of(view, counting)
            arrays.put(place, cells)
            put(db, place, view, cells)
            write_votes(db, place, cells, judges)
    arrays.write(db)
    PlannedKeys.of(keys).write(db)


def _planned(opened: Opened, tasks: list[Task]) -> list[tuple[str, int]]:
    return [(task.key, opened.place(task.prompt, task.sample)) for task in tasks if task.kind != "vote"]
