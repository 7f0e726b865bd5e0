"""What happens beside the training loop: records, progress, interrupts. Imported lazily."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypedDict, Unpack

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from brie.train.config import EvalPoint, TrainPoint
from brie.train.metrics import MetricsFile
from brie.train.progress import Progress
from brie.train.wandb_run import WandbRun, keep

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler
    from torch.utils.data import DataLoader
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Around(TypedDict, total=False):
    """What transformers hands to every callback besides; brie's use none of it."""

    model: PreTrainedModel
    processing_class: PreTrainedTokenizerBase
    optimizer: Optimizer
    lr_scheduler: LRScheduler
    train_dataloader: DataLoader
    eval_dataloader: DataLoader
    metrics: dict[str, float]


class Diverged(Exception):
    """The loss is no number any more; the step is the message."""


class Interrupt:
    """Ctrl-C, once: finish the step and save. Twice: stop at once."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Catch SIGINT and SIGTERM while the block runs (in the main thread; else do nothing)."""
        signals = (signal.SIGINT, signal.SIGTERM)
        try:
            before = [signal.signal(number, self._ask) for number in signals]
        except ValueError:  # not the main thread: whoever runs us handles signals
            yield
            return
        try:
            yield
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


class Recorder(TrainerCallback):
    """Writes metrics, tells the progress, and turns an interrupt into a saved checkpoint."""

    def __init__(
        self,
        metrics: MetricsFile,
        progress: Progress,
        interrupt: Interrupt,
        total_steps: int,
        patience: int | None,
    ) -> None:
        self.metrics = metrics
        self.patience = patience
        self.progress = progress
        self.interrupt = interrupt
        self.total = total_steps
        self.done_before = metrics.history[-1].step if metrics.history else 0
        self.seconds_before = metrics.history[-1].seconds if metrics.history else 0.0

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Unpack[Around],
    ) -> None:
        """A step's or an evaluation's figures."""
        if logs is None:
            return
        if any(not math.isfinite(logs.get(key, 0.0)) for key in ("loss", "eval_loss")):
            raise Diverged(str(state.global_step))
        if "loss" in logs:
            self._stepped(state, logs)
        elif "eval_loss" in logs:
            point = EvalPoint(
                step=state.global_step,
                epoch=state.epoch or 0.0,
                loss=logs["eval_loss"],
                perplexity=logs["eval_perplexity"],
                tokens=logs["eval_tokens"],
                accuracy=logs.get("eval_accuracy"),
                margin=logs.get("eval_margin"),
                kl=logs.get("eval_kl"),
            )
            self.metrics.add(point)
            self.progress.evaluated(point)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Unpack[Around]
    ) -> None:
        """Stop early where the recipe says so.

        Decided from the recorded losses, which all processes have alike and a resumed run reads
        back; transformers' own callback forgets its count on resuming.
        """
        if self.patience is not None and self.metrics.stalled() >= self.patience:
            control.should_training_stop = True

    def _stepped(self, state: TrainerState, logs: dict[str, float]) -> None:
        point = TrainPoint(
            step=state.global_step,
            epoch=state.epoch or 0.0,
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=_finite(logs.get("grad_norm")),
            tokens=logs["tokens"],
            seconds=logs["seconds"],
            tokens_per_second=logs["tokens_per_second"],
            memory_bytes=logs["memory_bytes"],
            accuracy=logs.get("rewards/accuracies"),
            margin=logs.get("rewards/margins"),
        )
        self.metrics.add(point)
        done = max(state.global_step - self.done_before, 1)
        left = (point.seconds - self.seconds_before) / done * (self.total - state.global_step)
        self.progress.stepped(point, self.total, left)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Unpack[Around]
    ) -> None:
        """Save and stop after this step, if asked to; all processes agree on the step."""
        if self._asked_anywhere(args):
            self.interrupt.asked = True
            control.should_save = True
            control.should_training_stop = True

    def _asked_anywhere(self, args: TrainingArguments) -> bool:
        if args.world_size == 1:
            return self.interrupt.asked
        import torch

        flag = torch.tensor([int(self.interrupt.asked)], device=args.device)
        torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
        return bool(flag.item())


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


class OnSave(TrainerCallback):
    """Calls back when a checkpoint is complete."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.tell = tell

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Unpack[Around]
    ) -> None:
        """The checkpoint of this step is in place."""
        if state.is_world_process_zero:
            self.tell(state.global_step)


def tensorboard(folder: Path) -> TrainerCallback:
    """TensorBoard's writer for one folder."""
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    return TensorBoardCallback(SummaryWriter(log_dir=str(folder)))


class KeepWandb(TrainerCallback):
    """Notes which run of W&B the figures go to, and ends that run with the training.

    It is called after transformers' own callback, which begins the run; one that was begun by
    whoever calls brie is theirs to end.
    """

    def __init__(self, folder: Path) -> None:
        import wandb

        self.folder = folder
        self.theirs = wandb.run is not None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Unpack[Around]
    ) -> None:
        """The run of W&B has begun."""
        import wandb

        if run := wandb.run:
            keep(self.folder, WandbRun(entity=run.entity or "", project=run.project, id=run.id))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Unpack[Around]
    ) -> None:
        """The next training of this process is another run of W&B."""
        import wandb

        if not self.theirs:
            wandb.finish()
