"""`metrics.jsonl`: every step and every evaluation, appended as it happens."""

from __future__ import annotations

import json
from pathlib import Path

from brie.errors import InputError
from brie.project import write_text
from brie.train.config import METRICS, EvalPoint, TrainPoint


class MetricsFile:
    """The metrics of one run, in memory and, in the process that writes, on disk."""

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self.path = folder / METRICS
        self.write = write
        self.history: list[TrainPoint] = []
        self.evaluations: list[EvalPoint] = []

    @classmethod
    def resume(cls, folder: Path, step: int, *, write: bool) -> MetricsFile:
        """A run's metrics up to a step; with `write`, what came after it is cut off the file.

        At step 0 nothing is kept: the run begins anew, and with it the base's evaluation.

        Raises:
            InputError: a line is not a metric; names file and line.
        """
        metrics = cls(folder, write=write)
        lines_before = []
        lines = metrics.path.read_text("utf-8").splitlines() if metrics.path.is_file() else []
        for number, line in enumerate(lines, start=1):
            point = _read(line, metrics.path, number, last=number == len(lines))
            if point is not None and step and point.step <= step:
                metrics._remember(point)
                lines_before.append(line + "\n")
        if write:
            write_text(metrics.path, "".join(lines_before))
        return metrics

    def add(self, point: TrainPoint | EvalPoint) -> None:
        """Keep a point and append it to the file."""
        self._remember(point)
        if not self.write:
            return
        kind = "train" if isinstance(point, TrainPoint) else "eval"
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"kind": kind, **point.model_dump()}) + "\n")

    def stalled(self) -> int:
        """Evaluations since the lowest validation loss, the base's own left out."""
        losses = [point.loss for point in self.evaluations if point.step]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0

    def _remember(self, point: TrainPoint | EvalPoint) -> None:
        if isinstance(point, TrainPoint):
            self.history.append(point)
        else:
            self.evaluations.append(point)


def _read(line: str, path: Path, number: int, *, last: bool) -> TrainPoint | EvalPoint | None:
    try:
        values = json.loads(line)
        kind = values.pop("kind")
        return TrainPoint(**values) if kind == "train" else EvalPoint(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if last:  # a process killed while writing leaves half a line
            return None
        raise InputError(f"{path}:{number} is not a metric: {error}.") from error
