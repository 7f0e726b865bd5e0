"""An index of an evaluation's comparisons, so that any page of 100,000 is one small query.

A derived SQLite file beside the store (`runs/.viewer/EVAL.sqlite`): deleting it loses nothing.
Texts stay in the store; the index keeps what pages filter and sort by.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
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
from brie.report.examples import counted, flipped, judge_scores, spread
from brie.store import Store

FORMAT = 2
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE comparison (
    id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, sample INTEGER NOT NULL, category TEXT NOT NULL,
    source TEXT NOT NULL, start TEXT NOT NULL, score REAL, spread REAL NOT NULL,
    flips INTEGER NOT NULL, unusable INTEGER NOT NULL);
CREATE TABLE judged (
    judge TEXT NOT NULL, comparison INTEGER NOT NULL, score REAL, flipped INTEGER NOT NULL,
    unusable INTEGER NOT NULL, PRIMARY KEY (judge, comparison)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none);
"""
_INDEXES = """
CREATE INDEX comparison_category ON comparison (category, source);
CREATE INDEX comparison_score ON comparison (score);
CREATE INDEX comparison_spread ON comparison (spread);
CREATE INDEX comparison_flips ON comparison (flips);
CREATE INDEX comparison_unusable ON comparison (unusable);
"""
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
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT value FROM meta WHERE key = 'stamp'").fetchone()
    except sqlite3.Error:
        return False
    return row is not None and row[0] == wanted


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
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(partial)) as db:
            db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
            panel = counting_in(manifest, store)
            _fill(db, _views(work, manifest, store, progress, panel), panel)
            db.executescript(_INDEXES)
            db.execute("INSERT INTO meta VALUES ('stamp', ?)", (wanted,))
            db.execute("ANALYZE")
            db.commit()
        partial.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the viewer's index {path.name} cannot be written: {without_paths(str(error))}."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


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
    for number, view in enumerate(views, 1):
        counting = counted(view, panel)
        unusable = [v for v in counting.verdicts if v.status is not Status.OK]
        last = view.messages[-1].content
        db.execute(
            "INSERT INTO comparison VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number, _text(view.prompt_id), view.sample, _text(view.category), _text(view.source),
                _text(last[:300]), view.score, spread(counting), len(flipped(counting)), len(unusable),
            ),
        )  # fmt: skip
        db.executemany("INSERT INTO judged VALUES (?, ?, ?, ?, ?)", _judged(view, number))
        texts = (view.prompt_id, last, view.candidate_text, view.baseline_text)
        words = _text(" ".join(text[:_WORDS] for text in texts))
        db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, words))


def _judged(view: ComparisonView, number: int) -> Iterator[tuple[str, int, float | None, int, int]]:
    scores, flips = judge_scores(view), set(flipped(view))
    for judge in dict.fromkeys(v.judge for v in view.verdicts):
        usable = scores.get(judge, [])
        planned = sum(v.judge == judge for v in view.verdicts)
        complete = len(usable) == planned
        mean = sum(usable) / len(usable) if usable and complete else None
        yield _text(judge), number, mean, int(judge in flips), planned - len(usable)


def _text(value: str) -> str:
    """SQLite cannot hold unpaired surrogates."""
    return value.encode("utf-8", "replace").decode("utf-8")
