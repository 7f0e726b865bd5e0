"""What a training run tells whoever watches it; the command line draws it, tests collect it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from brie.train.config import EvalPoint, TrainPoint


@dataclass(frozen=True)
class Start:
    """Said once, before the first step."""

    run: str
    folder: Path
    total_steps: int
    first_step: int
    """0, or the step a resumed run continues from."""
    resume_command: str


class Progress(Protocol):
    """Calls a run makes, in order; each must return quickly."""

    def note(self, text: str) -> None:
        """A decision with its reason, or something found on the way."""

    def started(self, start: Start) -> None:
        """The run's folder exists; training is about to begin."""

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        """One optimizer step is done."""

    def evaluated(self, point: EvalPoint) -> None:
        """The validation loss at a step."""

    def saved(self, step: int, folder: Path) -> None:
        """A checkpoint is complete on disk."""


class Silent:
    """Watches nothing."""

    def note(self, text: str) -> None:
        """Ignore."""

    def started(self, start: Start) -> None:
        """Ignore."""

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        """Ignore."""

    def evaluated(self, point: EvalPoint) -> None:
        """Ignore."""

    def saved(self, step: int, folder: Path) -> None:
        """Ignore."""
