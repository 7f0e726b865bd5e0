"""Training from Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from pydantic import TypeAdapter

from brie.api.results import Row, frame
from brie.api.screens import default_screen, default_watcher
from brie.number_format import plural
from brie.project import Project
from brie.report.notebook import table_html
from brie.train.config import RunManifest, TrainRequest
from brie.train.recipes import Method
from brie.train.runs import read_run

if TYPE_CHECKING:
    from pandas import DataFrame

    from brie.train.progress import Progress


class TrainSettings(TypedDict, total=False):
    """What a training run may be asked for: the options of `brie train`."""

    size: str
    recipe: Path
    base: str
    data: str
    val: str
    name: str
    device: str
    resume: str
    chat_template: str
    system: Literal["refuse", "fold"]
    method: Method
    prefs: str
    start: str
    """`--from`."""


@dataclass(frozen=True, repr=False)
class Trained:
    """A finished training run."""

    folder: Path
    name: str
    manifest: RunManifest

    @property
    def best(self) -> str:
        """The checkpoint of lowest validation loss, as `candidate=` takes it."""
        return f"{self.name}:best"

    @property
    def last(self) -> str:
        """The last checkpoint."""
        return f"{self.name}:last"

    def __repr__(self) -> str:
        best = self.manifest.pins.get("best")
        loss = f", validation loss {best.eval_loss:.4f}" if best and best.eval_loss is not None else ""
        step = f", best at step {best.step:,}{loss}" if best else ""
        return f"<brie run {self.name}: {plural(self.manifest.step, 'step')}{step}>"

    def _repr_html_(self) -> str:
        rows = [
            (f"Step {point.step:,}" if point.step else "The base", f"{point.loss:.4f}")
            for point in self.manifest.evaluations
        ]
        return table_html(f"Run {self.name}", ("Checkpoint", "Validation loss"), rows, (self.best,))

    def to_pandas(self) -> DataFrame:
        """The losses, one measurement a row."""
        rows: list[Row] = [
            {"step": point.step, "epoch": point.epoch, "kind": kind, "loss": point.loss}
            for kind, points in (
                ("training", self.manifest.history), ("validation", self.manifest.evaluations),
            )
            for point in points
        ]  # fmt: skip
        return frame(rows)


def train(
    project: Project | None = None,
    *,
    set: dict[str, str | int | float] | None = None,
    mapping: dict[str, str] | None = None,
    progress: Progress | None = None,
    on: str | None = None,
    timeout: int | None = None,
    remote_python: str | None = None,
    yes: bool = False,
    **settings: Unpack[TrainSettings],
) -> Trained:
    """Fine-tune a LoRA adapter as `brie train` does; its `best` is what `brie.evaluate` takes.

    Args:
        project: the folder to work in.
        set: keys of the recipe and their values.
        mapping: keys of a row that stand elsewhere in it -> where.
        progress: who watches; a bar in a notebook, else nobody.
        on: another machine to train on, as after `--on`; then with `timeout` (minutes),
            `remote_python`, and `yes=True`, which agrees to what is sent and what it may cost.
        settings: see `TrainSettings`.

    Raises:
        BrieError: a choice is missing or wrong, or the data cannot be trained on.
        Stopped: it was interrupted; `resume=` goes on.
    """
    from brie.train.run import train as run

    where = project or Project.find()
    request = TypeAdapter(TrainRequest).validate_python(
        {
            **settings,
            "settings": tuple(f"{key}={value}" for key, value in (set or {}).items()),
            "mapping": tuple(f"{key}={path}" for key, path in (mapping or {}).items()),
        }
    )
    if on is not None:
        from brie.api.elsewhere import train_elsewhere

        folder = train_elsewhere(
            request, where, on,
            timeout=timeout, remote_python=remote_python, yes=yes, screen=default_screen(),
        )  # fmt: skip
    elif progress is not None:
        folder = run(request, where, progress)
    else:
        with default_watcher() as watcher:
            folder = run(request, where, watcher)
    found = read_run(folder)
    return Trained(folder, found.name, found.manifest)
