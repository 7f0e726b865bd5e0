"""What a training run shows: a bar with loss, tokens a second, memory and time left."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from brie.cli import screen
from brie.number_format import duration, percent
from brie.train.config import EvalPoint, TrainPoint
from brie.train.progress import Start


class TrainProgress:
    """`train.Progress` on a terminal; plain lines at each evaluation where there is none."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        console = screen.console()
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None, note="", visible=False)
        self._last: TrainPoint | None = None
        self._left = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """A decision with its reason."""
        screen.say(screen.labelled("", text, 0))

    def started(self, start: Start) -> None:
        """The run's folder exists."""
        self._last, self._left = None, ""
        screen.say(f"run: {start.run}\nif it is stopped: {start.resume_command}")
        first = "measuring the base first" if start.first_step == 0 else ""
        self._bar.update(
            self._task, total=start.total_steps, completed=start.first_step, note=first, visible=True
        )

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        """One optimizer step is done."""
        self._last, self._left = point, f"{duration(seconds_left)} left"
        note = f"loss {point.loss:.3f}  {_speed(point)}  {self._left}"
        self._bar.update(self._task, completed=point.step, note=note)

    def evaluated(self, point: EvalPoint) -> None:
        """The validation loss at a step."""
        parts = [f"validation loss {point.loss:.4f}", *_beside(point)]
        if self._last is not None:
            parts.insert(0, f"training loss {self._last.loss:.4f}")
            if self._bar.disable:  # no bar shows them
                parts += [_speed(self._last).replace("  ", ", "), self._left]
        begins = "the reference" if point.accuracy is not None else "the base"
        step = f"step {point.step}" if point.step else f"step 0, {begins}"
        screen.say(f"{step}: {', '.join(parts)}")

    def saved(self, step: int, folder: Path) -> None:
        """A checkpoint is complete on disk."""


def _beside(point: EvalPoint) -> list[str]:
    """What is said beside the validation loss: of pairs what they moved, else the perplexity."""
    if point.accuracy is None or point.margin is None or point.kl is None:
        return [f"perplexity {_perplexity(point.perplexity)}"]
    return [
        f"accuracy {percent(point.accuracy)}",
        f"margin {point.margin:.3f}",
        f"KL {point.kl:.4f} nats a token",
    ]


def _speed(point: TrainPoint) -> str:
    return f"{point.tokens_per_second:,.0f} tokens/s  {point.memory_bytes / 2**30:.1f} GiB"


def _perplexity(value: float) -> str:
    return f"{value:.2f}" if value < 1e4 else f"{value:.3g}"
