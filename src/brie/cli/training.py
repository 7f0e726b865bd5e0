"""What a training run shows: a bar with loss, tokens a second, memory and time left."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from brie.cli import screen
from brie.train.config import EvalPoint, TrainPoint
from brie.train.progress import Start


class TrainProgress:
    """`train.Progress` on a terminal; plain lines at each evaluation where there is none."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (
            TextColumn("training"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        console = screen.console()
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None, note="", visible=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """A decision with its reason."""
        screen.say(text)

    def started(self, start: Start) -> None:
        """The run's folder exists."""
        screen.say(f"run {start.run}; if it is stopped: {start.resume_command}")
        self._bar.update(self._task, total=start.total_steps, completed=start.first_step, visible=True)

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        """One optimizer step is done."""
        note = (
            f"loss {point.loss:.3f}  {point.tokens_per_second:,.0f} tokens/s  "
            f"{point.memory_bytes / 2**30:.1f} GiB  {seconds_left:.0f} s left"
        )
        self._bar.update(self._task, completed=point.step, note=note)

    def evaluated(self, point: EvalPoint) -> None:
        """The validation loss at a step."""
        screen.say(
            f"step {point.step}: validation loss {point.loss:.4f}, perplexity {point.perplexity:.2f}"
        )

    def saved(self, step: int, folder: Path) -> None:
        """A checkpoint is complete on disk."""
