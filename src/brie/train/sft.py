"""The training itself: a base, an adapter on it, TRL's loop, checkpoints."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import UsageError
from brie.pin.libraries import threads
from brie.pin.thread_pace import ThreadPace
from brie.train.allocator import give_back
from brie.train.attention import HUB, fused_layers, fused_words, refuse_mixed_rows
from brie.train.awake import awake
from brie.train.build import WRITING, build_trainer
from brie.train.config import CHECKPOINTS, TENSORBOARD
from brie.train.metrics import MetricsFile
from brie.train.prepare import Job
from brie.train.progress import Progress
from brie.train.quiet import quiet
from brie.train.ranks import world
from brie.train.smoke import compare_with_cpu

if TYPE_CHECKING:
    from transformers import Trainer, TrainerCallback

    from brie.train.hooks import Interrupt

_SMALL_BASE = 50_000_000
"""Bytes of weights under which a CPU run uses one thread."""


@dataclass(frozen=True)
class Outcome:
    """How a training session ended."""

    step: int
    interrupted: bool
    stopped_early: bool
    fused: tuple[str, ...] = ()
    """Kinds of layers that fused kernels computed."""


def fit(
    job: Job,
    folder: Path,
    *,
    metrics: MetricsFile,
    checkpoint: Path | None,
    progress: Progress,
    on_saved: Callable[[int], None],
) -> Outcome:
    """Train until done, stopped early or interrupted.

    Args:
        job: what to train, resolved.
        folder: the run's folder.
        metrics: where figures go; holds those of earlier sessions.
        checkpoint: where to continue from, None for the beginning.
        progress: who watches.
        on_saved: told of each complete checkpoint's step.

    Raises:
        UsageError: the loss diverged, or memory ran out; says what to change.
    """
    with quiet(), _threads(job), awake():
        from brie.train.hooks import Diverged, Interrupt

        if job.config.device.type == "mps":
            progress.note(compare_with_cpu("mps", dtype=job.config.dtype.value))

        interrupt = Interrupt()
        hooks = build_hooks(job, folder, metrics, interrupt, progress, on_saved)
        pace = _thread_pace(job)
        trainer = build_trainer(job, folder, metrics, hooks, pace, fresh=checkpoint is None)
        fused = _looked_over(job, trainer, progress)
        try:
            with interrupt.listening():
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except Diverged as error:
            raise UsageError(
                "the base computes no numbers: its files are damaged, or its dtype is too narrow "
                "(--set dtype=float32)."
                if str(error) == "0"
                else f"the loss is not a number at step {error}; lower the learning rate "
                f"(--set learning_rate={job.config.recipe.learning_rate / 4:g}) "
                "or use --set dtype=float32."
            ) from error
        finally:
            if trainer.is_world_process_zero():  # the others may be done before it has looked there
                shutil.rmtree(folder / CHECKPOINTS / WRITING, ignore_errors=True)
        done = int(trainer.state.global_step)
        early = done < job.config.planned_steps and not interrupt.asked
        interrupted = interrupt.asked and done < job.config.planned_steps
        return Outcome(done, interrupted, early, fused)


def _looked_over(job: Job, trainer: Trainer, progress: Progress) -> tuple[str, ...]:
    """Kinds of layers that fused kernels compute; packed rows are held against themselves alone."""
    fused: tuple[str, ...] = ()
    if job.config.kernels and job.config.kernels.value == HUB:
        fused = fused_layers(trainer.model)
        progress.note(fused_words(fused))
    if job.config.recipe.packing:
        progress.note(refuse_mixed_rows(trainer, job.train))
    return fused


def time_steps(job: Job, steps: int = 4) -> float:
    """Seconds an optimizer step takes here: the median of a few real ones, the first left out."""
    probe = job.config.model_copy(update={"planned_steps": steps})
    with tempfile.TemporaryDirectory() as folder, quiet(), _threads(job):
        metrics = MetricsFile(Path(folder))
        trainer = build_trainer(
            replace(job, config=probe), Path(folder), metrics, [], _thread_pace(job), measuring=True
        )
        trainer.train()
        done = [row["seconds"] for row in trainer.state.log_history if "seconds" in row]
    return statistics.median(after - before for before, after in pairwise(done))


def build_hooks(
    job: Job,
    folder: Path,
    metrics: MetricsFile,
    interrupt: Interrupt,
    progress: Progress,
    on_saved: Callable[[int], None],
) -> list[TrainerCallback]:
    """Callbacks of a run that is kept."""
    from brie.train.hooks import KeepWandb, OnSave, Recorder, tensorboard

    config = job.config
    hooks: list[TrainerCallback] = [
        Recorder(
            metrics, progress, interrupt, config.planned_steps, patience=config.recipe.early_stopping
        ),
        OnSave(on_saved),
    ]
    if world().first:
        hooks.append(tensorboard(folder / TENSORBOARD))
        if "wandb" in config.recipe.report_to:
            hooks.append(KeepWandb(folder))
    return hooks


def _threads(job: Job) -> contextlib.AbstractContextManager[None]:
    """One thread for a small base on a CPU: more threads wait for each other, up to nine-fold. For a
    large one memory is given back as soon as it is free."""
    import torch

    weights = sum(path.stat().st_size for path in job.base_folder.glob("*.safetensors"))
    on_cpu = job.config.device.type == "cpu"
    small = on_cpu and weights < _SMALL_BASE
    if on_cpu and not small:
        give_back()
    return threads(1 if small else torch.get_num_threads())


def _thread_pace(job: Job) -> ThreadPace:
    """What decides the threads of the next step: a CPU's are tried, other devices need none."""
    import torch

    return ThreadPace(torch.get_num_threads(), fixed=job.config.device.type != "cpu")
