"""`brie prune RUN`: free disk, never what a pin or an evaluation names.

First go optimizer states, which only resuming needs; they are most of a checkpoint. Then, if
asked, whole checkpoints that nothing names.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from brie.digest import file_digest
from brie.errors import UsageError
from brie.pin import ADAPTER_WEIGHTS
from brie.project import Project
from brie.train.runs import (
    RunInfo,
    checkpoints,
    folder_size,
    is_locked,
    read_manifest,
    write_manifest,
)

_OPTIMIZER = ("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state*.pth")


@dataclass(frozen=True)
class Prune:
    """What would go, and why the rest stays."""

    run: RunInfo
    states: tuple[Path, ...]
    """Optimizer state files."""
    checkpoints: tuple[Path, ...]
    """Whole checkpoint folders."""
    kept: dict[int, str]
    """Step -> why its checkpoint stays."""
    freed_bytes: int


def plan_prune(run: RunInfo, project: Project, keep: int | None = None) -> Prune:
    """What pruning a run would remove.

    Args:
        run: the run.
        project: its evaluations and pin files name checkpoints too.
        keep: drop checkpoints that nothing names, except so many of the latest; None drops none.

    Raises:
        UsageError: the run is being trained.
    """
    if is_locked(run.folder):
        raise UsageError(f"{run.name} is being trained right now; prune it when it is done.")
    saved = checkpoints(run.folder)
    elsewhere = _linked(saved, run)
    kept = {
        **_named(saved, run, project),
        **dict.fromkeys(elsewhere, "it lies elsewhere, behind a link"),
    }
    steps = sorted(saved)
    if run.state != "complete" and steps:
        kept.setdefault(steps[-1], "resuming continues from it")
    latest = steps if keep is None else steps[max(0, len(steps) - keep) :]
    for step in latest:
        kept.setdefault(step, "kept" if keep is None else f"one of the last {keep}")
    gone = tuple(path for step, path in saved.items() if step not in kept)
    states = tuple(
        path
        for step, folder in saved.items()
        if step in kept and step not in elsewhere
        for path in _states(folder, step, run, steps)
    )
    freed = sum(p.stat().st_size for p in states) + sum(folder_size(p) for p in gone)
    return Prune(run, states, gone, kept, freed)


def apply_prune(plan: Prune) -> None:
    """Remove what the plan names, and record which checkpoints are left.

    Raises:
        UsageError: a file cannot be removed.
    """
    try:
        for path in plan.states:
            path.unlink(missing_ok=True)
        for folder in plan.checkpoints:
            shutil.rmtree(folder)
    except OSError as error:
        raise UsageError(f"cannot remove {error.filename}: {error.strerror}.") from error
    manifest = read_manifest(plan.run.folder)
    left = tuple(checkpoints(plan.run.folder))
    write_manifest(plan.run.folder, manifest.model_copy(update={"checkpoints": left}))


def _linked(saved: dict[int, Path], run: RunInfo) -> list[int]:
    """Steps whose folder is not inside the run: what a link leads to is somebody else's."""
    inside = run.folder.resolve()
    return [step for step, folder in saved.items() if not folder.resolve().is_relative_to(inside)]


def _states(folder: Path, step: int, run: RunInfo, steps: list[int]) -> Iterable[Path]:
    """Optimizer files of a checkpoint; an unfinished run keeps those it would go on from."""
    if run.state != "complete" and step == steps[-1]:
        return ()
    return (path for pattern in _OPTIMIZER for path in sorted(folder.glob(pattern)))


def _named(saved: dict[int, Path], run: RunInfo, project: Project) -> dict[int, str]:
    """Steps whose weights a pin file or an evaluation names, with which one."""
    by_weights: dict[str, list[int]] = {}
    for step, folder in saved.items():
        if (folder / ADAPTER_WEIGHTS).is_file():
            by_weights.setdefault(file_digest(folder / ADAPTER_WEIGHTS), []).append(step)
    named: dict[int, str] = {}
    for path in _documents(run, project):
        text = _read(path)
        for weights, steps in by_weights.items():
            if weights in text:
                for step in steps:
                    named.setdefault(step, f"named by {project.relative(path)}")
    return named


def _documents(run: RunInfo, project: Project) -> Iterable[Path]:
    """Files that may name a checkpoint: pins here and elsewhere, and evaluations' manifests."""
    yield from sorted(run.folder.glob("pins/*.json"))
    yield from sorted(project.runs.glob("eval-*/*.json"))
    yield from sorted(path for path in project.root.glob("*.json") if _is_pin(path))
    yield from sorted(path for path in project.root.glob("pins/*.json") if _is_pin(path))


def _is_pin(path: Path) -> bool:
    try:
        loaded = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(loaded, dict) and str(loaded.get("schema")).startswith("brie.pin/")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
