"""Indexes that keep up with their store: little is read at once, much in the background and seldom.

What takes a while is done again at the earliest when ten times that has passed: a viewer that is open
while judges are at work costs a tenth of a processor, and says that its list is not up to date.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from brie.errors import BrieError, StoreError, UsageError
from brie.number_format import plural
from brie.project import Project
from brie.records import Manifest
from brie.report.clean import without_paths
from brie.store import Store
from brie.web.index import build_index, index_path
from brie.web.index_state import State
from brie.web.index_update import news, update
from brie.web.opened import Opened
from brie.web.search import Comparisons

_SMALL = 3_000
"""Planned verdicts that are indexed while the reader waits: well under a second."""
_AT_ONCE = 500
"""Planned verdicts that are read anew while the reader waits: some hundredths of a second."""
_PAUSE = 10
"""Times what it took, before something is done in the background again."""


@dataclass
class Progress:
    """An index in the making, or one that is brought up to date."""

    done: int = 0
    total: int = 0
    verdicts: int = 0
    """How many newer ones are being read; 0: not known yet."""
    error: str = ""
    finished: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Listing:
    """An index that can be read."""

    comparisons: Comparisons
    behind: str = ""
    """What is said of verdicts that it does not hold yet; "" where it holds all."""


@dataclass(frozen=True)
class _Asked:
    """An evaluation as it was when its index was asked for."""

    evaluation: str
    path: Path
    held: State | None
    """What its index holds; None where there is none of this plan."""
    opened: Opened
    store: Store
    newest: int


class Indexes:
    """A project's. Safe to use from several threads."""

    def __init__(
        self,
        project: Project,
        opened: Callable[[str], Opened],
        store: Callable[[], Store],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Args:
            project: where they lie.
            opened: gives an evaluation as it stands.
            store: opens the store for reading.
            clock: seconds since 1970.
        """
        self._project, self._opened, self._store, self._clock = project, opened, store, clock
        self._running: dict[str, Progress] = {}
        self._rested: dict[str, float] = {}
        """Evaluation -> when something may be done in the background again."""
        self._locks: dict[str, threading.Lock] = {}

    def of(self, evaluation: str) -> Listing | Progress:
        """The index of an evaluation, brought up to date where that is quick, or how far it has come.

        Raises:
            StoreError, InputError: store or manifest cannot be read.
            UsageError: there is no index, and none can be made.
        """
        with self._store() as store, self._locks.setdefault(evaluation, threading.Lock()):
            asked = self._asked(evaluation, store)
            running = self._under_way(evaluation)
            if asked.held is not None:
                return self._listing(asked, asked.held, running)
            if running is not None and running.error:
                raise UsageError(running.error)
            if running is None and _planned(asked.opened.manifest) <= _SMALL:
                self._build(asked)
                return Listing(Comparisons(asked.path))
            return running or self._start(asked)

    def _asked(self, evaluation: str, store: Store) -> _Asked:
        path = index_path(self._project, evaluation)
        state = State.read(path)
        newest = store.newest()  # after it: what the index holds is in the store
        opened = self._opened(evaluation)  # after that: whoever had voted by then is in it
        held = state if state is not None and state.is_of(opened.manifest) else None
        return _Asked(evaluation, path, held, opened, store, newest)

    def _listing(self, asked: _Asked, held: State, running: Progress | None) -> Listing:
        if held.holds(asked.opened.manifest, asked.newest):
            return Listing(Comparisons(asked.path))
        try:
            if running is None and self._clock() >= self._rested.get(asked.evaluation, 0.0):
                if self._at_once(asked, held):
                    return Listing(Comparisons(asked.path))
                running = self._start(asked)
            behind = self._behind(asked.evaluation, running)
        except StoreError as error:
            behind = _cannot(str(error))
        return Listing(Comparisons(asked.path), behind)

    def _at_once(self, asked: _Asked, held: State) -> bool:
        """Bring an index up to date; False, and nothing is done, where that may take a while."""
        manifest = asked.opened.manifest
        if not held.can_go_on(manifest, asked.newest):
            return False
        found = news(asked.path, held, asked.opened, asked.store, asked.newest, _AT_ONCE)
        again = len(found.places) * _of_each(manifest)
        if found.more or found.counting or again > _AT_ONCE:
            return False
        update(asked.path, asked.opened, asked.store, asked.newest, found.places)
        return True

    def _under_way(self, evaluation: str) -> Progress | None:
        """What is being done, or was and failed: that is told once, and then tried again."""
        running = self._running.get(evaluation)
        if running is None or not running.finished.is_set():
            return running
        del self._running[evaluation]
        return running if running.error else None

    def _behind(self, evaluation: str, running: Progress | None) -> str:
        if running is not None and running.error:
            return _cannot(running.error)
        if running is not None:
            many = f": {plural(running.verdicts, 'newer verdict')}" if running.verdicts else ""
            return f"This list is being brought up to date{many}."
        left = self._rested.get(evaluation, 0.0) - self._clock()
        minutes = plural(max(1, ceil(left / 60)), "minute")
        return f"This list is not up to date; load it again in {minutes}."

    # --- in the background -------------------------------------------------------------------

    def _start(self, asked: _Asked) -> Progress:
        progress = self._running[asked.evaluation] = Progress()
        given = (asked.evaluation, progress)
        threading.Thread(target=self._work, args=given, daemon=True).start()
        return progress

    def _work(self, evaluation: str, progress: Progress) -> None:
        start = self._clock()
        try:
            with self._store() as store:
                self._bring(self._asked(evaluation, store), progress)
        except BrieError as error:
            progress.error = str(error)
        finally:
            ended = self._clock()
            rested = ended + _PAUSE * (ended - start)
            self._rested[evaluation] = max(rested, self._rested.get(evaluation, 0.0))
            progress.finished.set()

    def _bring(self, asked: _Asked, progress: Progress) -> None:
        """Make an index, or bring it up to date; what cannot be, is made anew when its time has come."""
        held = asked.held
        if held is not None:
            if held.can_go_on(asked.opened.manifest, asked.newest):
                found = news(asked.path, held, asked.opened, asked.store, asked.newest)
                progress.verdicts = found.verdicts
                if not found.counting:
                    update(asked.path, asked.opened, asked.store, asked.newest, found.places)
                    return
            due = held.made + _PAUSE * held.took
            if self._clock() < due:
                self._rested[asked.evaluation] = due
                return
        self._build(asked, progress)

    def _build(self, asked: _Asked, progress: Progress | None = None) -> None:
        shown = progress or Progress()

        def advance(done: int, total: int) -> None:
            shown.done, shown.total = done, total

        build_index(asked.path, asked.opened, asked.store, asked.newest, advance, self._clock)


def _cannot(why: str) -> str:
    return f"This list is not up to date: {without_paths(why)}"


def _of_each(manifest: Manifest) -> int:
    """Planned verdicts on each comparison, sealed judges' only."""
    return len(manifest.plan.seats) * (2 if manifest.plan.positions == "both" else 1)


def _planned(manifest: Manifest) -> int:
    return len(manifest.plan.suite.prompts) * manifest.plan.samples * _of_each(manifest)
