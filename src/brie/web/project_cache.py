"""What there is to look at: evaluations, opened once and kept, and training runs."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import JsonValue, ValidationError

from brie.errors import BrieError, UsageError, unknown
from brie.evaluation.manifest import MANIFEST, read_manifest
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.clean import without_paths
from brie.store import Store
from brie.web.index_keeper import Indexes, Listing, Progress
from brie.web.opened import Opened

_KEPT = 4
"""Evaluations kept in memory."""
_PATIENCE = 3.0
"""Seconds a page waits for a store that another program has locked."""


@dataclass(frozen=True)
class Entry:
    """An evaluation in the list, from the smallest file that describes it."""

    id: str
    analysis: Analysis | None
    problem: str = ""
    """Why it cannot be shown, in one sentence."""


@dataclass(frozen=True)
class SuiteShown:
    """What an evaluation asks, as voters choose it."""

    name: str
    version: str
    prompts: int


Written = tuple[int, int, int]
"""A file as it was written once: which, when, and its size."""


def _written(path: Path) -> Written:
    state = path.stat()
    return state.st_ino, state.st_mtime_ns, state.st_size


@lru_cache(maxsize=64)
def _analysis(path: Path, written: Written) -> Analysis:
    return Analysis.read(path.read_text("utf-8"))


class ProjectCache:
    """A project's evaluations. Safe to use from several threads."""

    def __init__(self, project: Project, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            project: whose evaluations.
            clock: seconds since 1970, by which indexes are brought up to date.
        """
        self.project = project
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}
        self._opened: OrderedDict[str, tuple[Written, Opened]] = OrderedDict()
        self._suites: dict[str, tuple[Written, SuiteShown]] = {}
        self._indexes = Indexes(project, self.open, self.store, clock)

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
        try:
            return _analysis(path, _written(path))
        except FileNotFoundError:
            return None
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
        with self._opening.setdefault(self.folder(evaluation).name, threading.Lock()):
            mark = _written(self.folder(evaluation) / MANIFEST)
            with self._lock:
                cached = self._opened.get(evaluation)
                if cached and cached[0] == mark:
                    self._opened.move_to_end(evaluation)
                    return cached[1]
            manifest = read_manifest(self.folder(evaluation))
            opened = cached[1].grown(manifest) if cached else Opened.of(manifest)
            return self._keep(evaluation, mark, opened)

    def amended(self, evaluation: str, manifest: Manifest) -> None:
        """Keep a manifest that was just written with one more voter, instead of reading it again."""
        mark = _written(self.folder(evaluation) / MANIFEST)
        cached = self._opened.get(evaluation)
        if cached is not None:
            self._keep(evaluation, mark, cached[1].grown(manifest))

    def warm(self, evaluation: str | None) -> None:
        """Open what is looked at first before somebody asks; what is broken is said when asked for."""
        for name in [evaluation] if evaluation else self.ids()[:2]:
            with suppress(BrieError):
                opened = self.open(name)
                opened.tasks(opened.manifest.plan.suite.prompts[0].id)

    def suite(self, evaluation: str) -> SuiteShown:
        """What an evaluation asks, known as long as its manifest does not change.

        Raises:
            UsageError: no such evaluation.
            InputError: its manifest is damaged.
        """
        mark = _written(self.folder(evaluation) / MANIFEST)
        known = self._suites.get(evaluation)
        if known is None or known[0] != mark:
            # Not `open`: a list of many evaluations would push out those that are looked at.
            suite = read_manifest(self.folder(evaluation)).plan.suite
            known = (mark, SuiteShown(suite.name, suite.version, len(suite.prompts)))
            self._suites[evaluation] = known
        return known[1]

    def _keep(self, evaluation: str, mark: Written, opened: Opened) -> Opened:
        with self._lock:
            self._opened[evaluation] = (mark, opened)
            self._opened.move_to_end(evaluation)
            while len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        return opened

    def comparisons(self, evaluation: str) -> Listing | Progress:
        """The index of an evaluation, or how far it has come.

        Raises:
            StoreError, InputError: store or manifest cannot be read.
            UsageError: no such evaluation, or no index can be made.
        """
        return self._indexes.of(self.folder(evaluation).name)

    def _entry(self, evaluation: str) -> Entry:
        try:
            analysis = self.analysis(evaluation)
            if analysis is None:
                self.suite(evaluation)  # a damaged one is told
        except BrieError as error:
            return Entry(evaluation, None, without_paths(str(error)))
        return Entry(evaluation, analysis)


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
