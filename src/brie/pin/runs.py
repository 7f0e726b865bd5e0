"""Training runs as far as naming their checkpoints needs them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from brie.errors import UsageError, unknown
from brie.pin.adapters import ADAPTER_WEIGHTS
from brie.pin.explain import by_step
from brie.project import Project


@dataclass(frozen=True, slots=True)
class Run:
    """A training run's folder, as far as naming its checkpoints needs it."""

    folder: Path
    manifest: dict[str, JsonValue]

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def short(self) -> str:
        """The last part of the id."""
        return self.id.rsplit("-", 1)[-1]

    @property
    def name(self) -> str:
        """The name given with --name, else the short id."""
        return str(self.manifest.get("name") or self.short)


def training_runs(project: Project) -> list[Run]:
    """Every training run of a project, oldest first by folder name."""
    runs = []
    for path in sorted(project.runs.glob("train-*/manifest.json")):
        try:
            manifest: JsonValue = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict):
            runs.append(Run(path.parent, manifest))
    return runs


def find_run(name: str, project: Project) -> Run:
    """A run by folder, name or short id.

    Raises:
        UsageError: none, or more than one, answers to the name.
    """
    runs = training_runs(project)
    folder = Path(name)
    matching = [
        run
        for run in runs
        if name in (run.id, run.short, run.name) or (folder.is_dir() and run.folder == folder.resolve())
    ]
    if not matching:
        hint = "brie ls shows them." if runs else "Train one: brie train --size tiny"
        raise unknown("training run", name, [run.name for run in runs], hint)
    if len(matching) > 1:
        raise UsageError(
            f"{len(matching)} runs are called {name!r}: {', '.join(run.id for run in matching)}. "
            "Use one of these ids."
        )
    return matching[0]


def checkpoints(folder: Path) -> dict[int, Path]:
    """A run's checkpoint folders by step."""
    saved = by_step(folder.glob("checkpoints/checkpoint-*"))
    return {step: path for step, path in saved.items() if (path / ADAPTER_WEIGHTS).is_file()}
