"""What there is to look at: evaluations, opened once and kept, and training runs."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue, ValidationError

from brie.errors import BrieError, UsageError, unknown
from brie.evaluation.manifest import MANIFEST, read_manifest
from brie.evaluation.votes import votes_by_prompt
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.clean import without_paths
from brie.store import Store
from brie.web.index import build_index, index_path, is_fresh, is_readable, stamp
from brie.web.search import Comparisons

_KEPT = 4
"""Evaluations kept in memory."""
_PATIENCE = 3.0
"""Seconds a page waits for a store that another program has locked."""
_SMALL = 3_000
"""Planned verdicts that are indexed while the reader waits: well under a second."""


@dataclass(frozen=True)
class Entry:
    """An evaluation in the list, from the smallest file that describes it."""

    id: str
    analysis: Analysis | None
    problem: str = ""
    """Why it cannot be shown, in one sentence."""


@dataclass(frozen=True)
class Opened:
    """An evaluation in memory."""

    manifest: Manifest
    work: Work

    @cached_property
    def votes(self) -> dict[str, list[Task]]:
        """Prompt id -> every vote that may have been cast on it."""
        return votes_by_prompt(self.manifest, self.work)


@dataclass
class Progress:
    """An index in the making."""

    done: int = 0
    total: int = 0
    error: str = ""
    finished: threading.Event = field(default_factory=threading.Event)


class ProjectCache:
    """A project's evaluations. Safe to use from several threads."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, tuple[tuple[int, int], Opened]] = OrderedDict()
        self._building: dict[str, Progress] = {}

    def store(self) -> Store:
        """The store, for reading; close it after use.

        Raises:
            StoreError: there is none, it is locked, or of a newer schema.
        """
        return Store.open(self.project.store, read_only=True, patience=_PATIENCE)

    def folder(self, evaluation: str) -> Path:
        """An evaluation's folder.

        Raises:
            UsageError: there is no such evaluation.
        """
        ids = self.ids()
        if evaluation not in ids:  # also keeps `..` and separators out
            raise unknown("evaluation", evaluation, ids)
        return self.project.runs / evaluation

    def ids(self) -> list[str]:
        """Evaluations by folder name, newest first."""
        manifests = self.project.runs.glob(f"eval-*/{MANIFEST}")
        newest_first = sorted(manifests, key=lambda p: (-p.stat().st_mtime, p.parent.name))
        return [path.parent.name for path in newest_first]

    def entries(self) -> list[Entry]:
        """One entry an evaluation, newest first; a broken one says so and hides no other."""
        return [self._entry(name) for name in self.ids()]

    def analysis(self, evaluation: str) -> Analysis | None:
        """The numbers of record; None where there are none yet.

        Raises:
            UsageError: no such evaluation, or its numbers cannot be read.
        """
        path = self.folder(evaluation) / "analysis.json"
        if not path.is_file():
            return None
        try:
            return Analysis.read(path.read_text("utf-8"))
        except (OSError, ValueError, ValidationError) as error:
            raise UsageError(
                f"the numbers of {evaluation} cannot be read; make them again: brie report {evaluation}"
            ) from error

    def open(self, evaluation: str) -> Opened:
        """An evaluation's plan and work, read once for as long as its manifest does not change.

        Raises:
            UsageError: no such evaluation.
            InputError: its manifest is damaged.
        """
        state = (self.folder(evaluation) / MANIFEST).stat()
        mark = (state.st_mtime_ns, state.st_size)
        with self._lock:
            cached = self._opened.get(evaluation)
            if cached and cached[0] == mark:
                self._opened.move_to_end(evaluation)
                return cached[1]
        manifest = read_manifest(self.folder(evaluation))
        return self._keep(evaluation, mark, Opened(manifest, Work.of(manifest)))

    def amended(self, evaluation: str, manifest: Manifest) -> None:
        """Keep a manifest that was just written with one more voter, instead of reading it again."""
        state = (self.folder(evaluation) / MANIFEST).stat()
        cached = self._opened.get(evaluation)
        if cached is not None:
            mark = (state.st_mtime_ns, state.st_size)
            opened = self._keep(evaluation, mark, Opened(manifest, cached[1].work))
            getattr(opened, "votes")  # noqa: B009 - made now, so that the next page need not wait

    def warm(self, evaluation: str | None) -> None:
        """Open what is looked at first before somebody asks; what is broken is said when asked for."""
        for name in [evaluation] if evaluation else self.ids()[:2]:
            with suppress(BrieError):
                getattr(self.open(name), "votes")  # noqa: B009 - made now, as below

    def _keep(self, evaluation: str, mark: tuple[int, int], opened: Opened) -> Opened:
        with self._lock:
            self._opened[evaluation] = (mark, opened)
            self._opened.move_to_end(evaluation)
            while len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        return opened

    def comparisons(self, evaluation: str) -> Comparisons | Progress:
        """The index of an evaluation, or how far it has come.

        A stale index is used while a new one is made; a small one is made at once.

        Raises:
            StoreError, InputError: store or manifest cannot be read.
        """
        path = index_path(self.project, self.folder(evaluation).name)
        with self._lock:
            running = self._building.get(evaluation)
        if running is None:
            opened = self.open(evaluation)
            with self.store() as store:
                if is_fresh(path, stamp(opened.manifest, store)):
                    return Comparisons(path)
                if _size(opened.manifest) <= _SMALL:
                    build_index(path, opened.work, opened.manifest, store)
                    return Comparisons(path)
            running = self._start(evaluation, path)
        if running.error:
            with self._lock:
                self._building.pop(evaluation, None)
            raise UsageError(running.error)
        return Comparisons(path) if is_readable(path) else running

    def _start(self, evaluation: str, path: Path) -> Progress:
        with self._lock:
            if evaluation in self._building:
                return self._building[evaluation]
            progress = self._building[evaluation] = Progress()
        threading.Thread(target=self._build, args=(evaluation, path, progress), daemon=True).start()
        return progress

    def _build(self, evaluation: str, path: Path, progress: Progress) -> None:
        def advance(done: int, total: int) -> None:
            progress.done, progress.total = done, total

        try:
            opened = self.open(evaluation)
            with self.store() as store:
                build_index(path, opened.work, opened.manifest, store, advance)
        except BrieError as error:
            progress.error = str(error)
        else:
            with self._lock:
                self._building.pop(evaluation, None)
        finally:
            progress.finished.set()

    def _entry(self, evaluation: str) -> Entry:
        try:
            analysis = self.analysis(evaluation)
            if analysis is None:
                self.open(evaluation)
        except BrieError as error:
            return Entry(evaluation, None, without_paths(str(error)))
        return Entry(evaluation, analysis)


def _size(manifest: Manifest) -> int:
    orders = 2 if manifest.plan.positions == "both" else 1
    return len(manifest.plan.suite.prompts) * manifest.plan.samples * len(manifest.plan.seats) * orders


# --- training runs ----------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """A measured quantity over training steps."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class TrainingRun:
    """What a training run's folder says of itself."""

    id: str
    name: str
    state: str
    facts: tuple[tuple[str, str], ...]
    curves: tuple[Curve, ...]
    pins: dict[str, int]
    """Pin name -> step."""


def training_run(folder: Path, manifest: dict[str, JsonValue]) -> TrainingRun:
    """A run for the page: facts from its manifest, curves from `metrics.jsonl`."""
    config, pins = manifest.get("config"), _pins(manifest.get("pins"))
    planned = config.get("planned_steps", "?") if isinstance(config, dict) else "?"
    rows = [
        ("Command", str(manifest.get("command") or "")),
        ("Started", str(manifest.get("created") or "")),
        ("Steps", f"{manifest.get('step', '?')} of {planned}"),
        ("Stopped early", str(manifest.get("stopped_early") or "")),
        ("Pins", ", ".join(f"{name} at step {step}" for name, step in pins.items())),
        ("Error", str(manifest.get("error") or "")),
    ]
    return TrainingRun(
        id=folder.name,
        name=str(manifest.get("name") or folder.name.rsplit("-", 1)[-1]),
        state=str(manifest.get("state") or "unknown"),
        facts=tuple((name, value) for name, value in rows if value),
        curves=_curves(folder / "metrics.jsonl"),
        pins=pins,
    )


def _pins(pins: JsonValue) -> dict[str, int]:
    """Pin name -> step, of the pins that name one."""
    steps = {
        name: pin.get("step") if isinstance(pin, dict) else None
        for name, pin in (pins.items() if isinstance(pins, dict) else ())
    }
    return {name: step for name, step in steps.items() if isinstance(step, int)}


def _curves(path: Path) -> tuple[Curve, ...]:
    """Training and validation loss; lines that are no metric are passed over."""
    points: dict[str, list[tuple[float, float]]] = {"train": [], "eval": []}
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    for line in lines:
        try:
            row = json.loads(line)
            points[row["kind"]].append((float(row["step"]), float(row["loss"])))
        except (ValueError, KeyError, TypeError):
            continue
    named = (("training loss", points["train"]), ("validation loss", points["eval"]))
    return tuple(Curve(name, tuple(curve_points)) for name, curve_points in named if curve_points)
