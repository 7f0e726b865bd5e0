"""Bringing an index up to date by what has come since: rows of the store are only ever added."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from brie.evaluation.views import views_of
from brie.judge.interface import Task
from brie.records import PanelJudge
from brie.records.analysis import ComparisonView
from brie.store import Store
from brie.web.cells import Cells, cells_of
from brie.web.columns import ColumnsChange, write_votes
from brie.web.index import explained, put
from brie.web.index_state import State
from brie.web.opened import Opened
from brie.web.planned_keys import PlannedKeys

_ALL = 2**31
_STRANGERS = 1
"""Voters whose votes came from elsewhere, that are looked at while somebody waits."""
_PATIENCE = 10
"""Seconds that are waited for another viewer that writes the same index."""
_TOGETHER = 200
"""Comparisons that are written together: nobody who reads waits longer than that takes."""


@dataclass
class News:
    """What an index does not hold yet."""

    verdicts: int = 0
    """How many verdicts and votes on its comparisons."""
    places: set[int] = field(default_factory=set)
    """Of the comparisons they are on."""
    looked_at: int = 0
    more: bool = False
    """There was more than was to be looked at."""
    counting: bool = False
    """A judge's controls may have changed whether it counts: no score holds."""
    unknown: int = 0
    """Voters for whom everything they are asked had to be worked out."""

    def take(self, store: Store, judge: PanelJudge, *, after: int, until: int, most: int) -> list[str]:
        """Keys of a judge's or voter's attempts in a span, as many as may still be looked at."""
        left = most - self.looked_at
        keys = store.added(judge.digest, judge.rubric_digest, after=after, until=until, most=left + 1)
        self.looked_at += len(keys)
        self.more = self.more or len(keys) > left
        return keys[:left]

    def note(self, places: Iterable[Sequence[int]]) -> None:
        """What verdicts are on: several comparisons where they ask the same, none where it is none."""
        for some in places:
            self.verdicts += bool(some)
            self.places.update(some)


def news(path: Path, state: State, opened: Opened, store: Store, newest: int, most: int = _ALL) -> News:
    """What has come since an index was made.

    Args:
        path: the index.
        state: of the index.
        opened: the evaluation, read after `newest`.
        store: where verdicts are.
        newest: number of the last verdict attempt that is looked at.
        most: verdicts that are looked at.
    """
    found = News()
    with explained(path), closing(_opened(path, "ro")) as db:
        planned: PlannedKeys | None = None
        for judge in opened.work.panel_judges:
            keys = found.take(store, judge, after=state.newest, until=newest, most=most)
            if keys:
                planned = planned or PlannedKeys.read(db)
                found.counting = found.counting or judge.margins is not None
                found.note(planned.among(keys))
    for voter in opened.votes.of(opened.manifest):
        after = state.newest if voter.voter.digest in state.voters else 0
        keys = found.take(store, voter.voter, after=after, until=newest, most=most)
        if keys:
            found.unknown += not opened.votes.are_known(voter, keys)
            if most < _ALL and found.unknown > _STRANGERS:
                found.more = True
                break
            found.note([opened.place(*pair)] for pair in opened.votes.pairs(voter, keys))
    return found


def update(path: Path, opened: Opened, store: Store, newest: int, places: Collection[int]) -> None:
    """Read some comparisons anew, and note that the index holds everything up to a verdict attempt.

    Args:
        path: the index.
        opened: the evaluation, read after `newest`.
        store: where answers and verdicts are read.
        newest: number of the last verdict attempt that was looked at.
        places: of the comparisons that something was said of.

    Raises:
        StoreError: the index cannot be written.
    """
    with explained(path), closing(_opened(path, "rw")) as db:
        state = State.within(db)
        if state is None:
            raise sqlite3.DatabaseError("it is of another form")
        ordered = sorted(places)
        for start in range(0, len(ordered), _TOGETHER):
            tasks = _tasks(opened, ordered[start : start + _TOGETHER])
            views = views_of(opened.work, opened.manifest, store, tasks, counting=state.counting)
            with _transaction(db):
                _put(db, opened, views, state.counting)
        with _transaction(db):
            now = State.within(db) or state
            if now.newest <= newest:  # else another viewer was faster
                State.of(opened, newest, state.counting, made=now.made, took=now.took).write(db)


def _tasks(opened: Opened, places: Iterable[int]) -> list[Task]:
    """Everything that may have been said of some comparisons."""
    plan = opened.manifest.plan
    samples: dict[str, list[int]] = {}
    for place in places:
        number, sample = divmod(place, plan.samples)
        samples.setdefault(plan.suite.prompts[number].id, []).append(sample)
    return [task for prompt, some in samples.items() for task in opened.tasks(prompt, some)]


def _put(
    db: sqlite3.Connection, opened: Opened, views: Iterable[ComparisonView], counting: Collection[str]
) -> None:
    judges = [judge.judge.id for judge in opened.work.panel_judges]
    changes: dict[int, Cells] = {}
    for view in views:
        place = opened.place(view.prompt_id, view.sample)
        changes[place] = cells_of(view, counting)
        put(db, place, view, changes[place])
        write_votes(db, place, changes[place], judges)
    ColumnsChange(db).write(changes)


def _opened(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={how}"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
