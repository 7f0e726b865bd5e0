"""A small real training run on the packaged tiny base, and someone who watches it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from brie.digest import file_digest
from brie.pin import ADAPTER_WEIGHTS
from brie.project import Project, packaged
from brie.train.config import EvalPoint, TrainPoint, TrainRequest
from brie.train.progress import Start
from brie.train.runs import checkpoints

SETTINGS = (
    "max_steps=12",
    "checkpoint_steps=4",
    "batch_size=8",
    "micro_batch_size=4",
    "dropout=0.1",
    "max_length=128",
)
"""Twelve steps with accumulation and dropout, so that exactness is not a gift."""


@dataclass
class Watcher:
    """`Progress` that remembers, and can press Ctrl-C."""

    interrupt_at: int | None = None
    notes: list[str] = field(default_factory=list)
    start: Start | None = None
    points: list[TrainPoint] = field(default_factory=list)
    evaluations: list[EvalPoint] = field(default_factory=list)
    saves: list[int] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Remember."""
        self.notes.append(text)

    def started(self, start: Start) -> None:
        """Remember."""
        self.start = start

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        """Remember; interrupt where asked."""
        self.points.append(point)
        if point.step == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)

    def evaluated(self, point: EvalPoint) -> None:
        """Remember."""
        self.evaluations.append(point)

    def saved(self, step: int, folder: Path) -> None:
        """Remember."""
        self.saves.append(step)


def demo_rows(count: int = 120) -> list[str]:
    """Lines of the packaged training file, spread over it."""
    lines = (packaged("data", "demo.jsonl")).read_text("utf-8").splitlines()
    return lines[:: max(1, len(lines) // count)][:count]


def make_project(root: Path, rows: Sequence[str] | None = None) -> Project:
    """A project with a training file of its own."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "rows.jsonl").write_text("\n".join(rows or demo_rows()) + "\n", encoding="utf-8")
    return Project(root.resolve())


def request(project: Project, *settings: str, name: str | None = None) -> TrainRequest:
    """The small run, with settings over the usual ones."""
    return TrainRequest(
        size="tiny", data=str(project.root / "rows.jsonl"), name=name, settings=(*SETTINGS, *settings)
    )


def weights(folder: Path) -> dict[int, str]:
    """Digest of the adapter weights of every checkpoint."""
    return {step: file_digest(path / ADAPTER_WEIGHTS) for step, path in checkpoints(folder).items()}


def prompts(rows: Sequence[str]) -> list[str]:
    """Distinct questions of rows, in order."""
    return list(dict.fromkeys(json.loads(row)["messages"][0]["content"] for row in rows))
