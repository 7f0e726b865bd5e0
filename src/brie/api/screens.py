"""Where the progress of long calls goes: bars in a notebook, and nowhere else unless asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from brie.progress import Advance, Screen, Silent
from brie.train.config import EvalPoint, TrainPoint
from brie.train.progress import Progress, Start
from brie.train.progress import Silent as Unwatched

if TYPE_CHECKING:
    from tqdm import tqdm


def default_screen() -> Screen:
    """Bars where a notebook shows them, else silence."""
    return Bars() if in_notebook() else Silent()


@contextmanager
def default_watcher() -> Iterator[Progress]:
    """Who watches a training run: a bar where a notebook shows it, else nobody."""
    if not in_notebook():
        yield Unwatched()
        return
    with TrainBar() as watcher:
        yield watcher


def in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter: IPython is there already, or it does not."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class Bars:
    """Bars of tqdm: widgets where the notebook has them, text elsewhere."""

    def say(self, text: str) -> None:
        """One line for people."""
        print(text, file=sys.stderr)

    @contextmanager
    def bar(self, label: str, total: int, unit: str) -> Iterator[Advance]:
        """A progress bar."""
        with _tqdm(label, total, unit) as moved:

            def advance(done: int, note: str = "") -> None:
                moved.set_postfix_str(note, refresh=False)
                moved.update(done)

            yield advance


def _tqdm(label: str, total: int, unit: str) -> tqdm[int]:
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm

        return tqdm(total=total, desc=label, unit=f" {unit}", leave=False)


class TrainBar(Unwatched):
    """One bar over the steps of a training run, with its losses."""

    def __init__(self) -> None:
        self._bar: tqdm[int] | None = None

    def __enter__(self) -> TrainBar:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def note(self, text: str) -> None:
        """A decision with its reason."""
        print(text, file=sys.stderr)

    def started(self, start: Start) -> None:
        """The run's folder exists."""
        print(f"run: {start.run}", file=sys.stderr)
        self._bar = _tqdm("training", start.total_steps, "steps")
        self._bar.update(start.first_step)

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        """One optimizer step is done."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {point.loss:.3f}", refresh=False)
            self._bar.update(point.step - self._bar.n)

    def evaluated(self, point: EvalPoint) -> None:
        """The validation loss at a step."""
        print(f"step {point.step}: validation loss {point.loss:.4f}", file=sys.stderr)
