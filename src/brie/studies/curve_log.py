"""A curve's win rates logged where the run's losses are: its TensorBoard folder, its run of W&B.

Of every checkpoint `win_rate/SUITE/rate`, and both ends of its interval, `low` and `high`, as shares.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from brie.digest import digest, short
from brie.errors import UsageError
from brie.pin import Run
from brie.provenance import install_command
from brie.records.studies import CurveDocument
from brie.train.config import TENSORBOARD
from brie.train.wandb_run import WANDB, WandbRun, keep, kept

Tracker = Literal["tensorboard", "wandb"]
Figures = dict[int, dict[str, float]]
"""Step -> metric -> share."""


def refuse_unlogged(trackers: Sequence[Tracker], run: Run) -> None:
    """Say before anything is asked what a tracker lacks.

    Raises:
        UsageError: its package is not installed, or it is not known where in W&B the run is.
        InputError: what is known of that is damaged.
    """
    commands = {"tensorboard": install_command("train"), "wandb": "pip install wandb"}
    for tracker in trackers:
        if importlib.util.find_spec(tracker) is None:
            raise UsageError(
                f"--report-to {tracker} needs {tracker}, which is not installed: {commands[tracker]}"
            )
    if "wandb" in trackers and kept(run.folder) is None:
        raise UsageError(
            f"run {run.name} does not say where in W&B it is: it has no {WANDB}, which training writes "
            "with --set 'report_to=[\"wandb\"]'. Use --report-to tensorboard."
        )


def log_curve(
    document: CurveDocument, suite: str, run: Run, trackers: Sequence[Tracker]
) -> Iterator[str]:
    """Log the checkpoints' win rates; what was logged of the suite before is not there twice.

    Args:
        document: the curve.
        suite: its name.
        run: the training run.
        trackers: where to.

    Returns:
        What was done, a sentence each.

    Raises:
        UsageError: W&B takes nothing now.
    """
    name = metric(suite, halved=document.selection is not None)
    figures: Figures = {
        rung.step: {f"{name}/rate": rung.value, f"{name}/low": rung.low, f"{name}/high": rung.high}
        for rung in document.checkpoints
        if rung.step is not None
    }
    if "tensorboard" in trackers:
        folder = run.folder / TENSORBOARD
        write_events(figures, name, folder)
        here = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
        seen = shlex.join(["tensorboard", "--logdir", str(here)])
        yield f"win rates logged as {name}; see them: {seen}"
    if "wandb" in trackers and (there := kept(run.folder)) is not None:
        logged = digest(list(figures.items()))
        new = there.curves.get(name) != logged
        if new:
            send(figures, there)
            keep(run.folder, there.model_copy(update={"curves": {**there.curves, name: logged}}))
        yield f"win rates {'logged' if new else 'are in W&B already,'} as {name}"


def metric(suite: str, *, halved: bool) -> str:
    """What the win rates on a suite are called; TensorBoard takes no other characters.

    Args:
        suite: its name.
        halved: they are those of the half that chooses, and not to be quoted.
    """
    plain = re.sub(r"[^-\w.]", "_", suite)
    return f"win_rate/{plain}{'_choosing_half' if halved else ''}"


def write_events(figures: Figures, name: str, folder: Path) -> None:
    """A file of events of its own for one curve, in place of the one before."""
    from torch.utils.tensorboard import SummaryWriter

    suffix = f".curve-{short(digest(name))}"
    before = list(folder.glob(f"events.*{suffix}"))
    with SummaryWriter(log_dir=str(folder), filename_suffix=suffix) as writer:
        for step, of in figures.items():
            for key, share in of.items():
                writer.add_scalar(key, share, step)
    for path in before:
        path.unlink()


def send(figures: Figures, run: WandbRun) -> None:
    """Add win rates to a run of W&B, on the axis of its losses.

    Raises:
        UsageError: W&B cannot be reached, asks for a key, or has no such run.
    """
    import wandb

    try:
        with wandb.init(
            entity=run.entity or None, project=run.project, id=run.id, resume="must"
        ) as active:
            active.define_metric("win_rate/*", step_metric="train/global_step")
            for step, of in figures.items():
                active.log({"train/global_step": step, **of})
    except wandb.Error as error:
        raise UsageError(
            f"W&B took no win rates for {run.project}/{run.id}: {str(error).rstrip('.')}. The curve "
            "itself is kept; the same command tries again and asks no judge twice."
        ) from error
