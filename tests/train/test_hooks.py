"""Beside the loop: interrupts, a loss that is no number, early stopping, complete checkpoints."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from brie.train.config import EvalPoint
from brie.train.hooks import Diverged, Interrupt, OnSave, Recorder
from brie.train.metrics import MetricsFile
from tests.train.world import Watcher

STEP = {
    "loss": 2.0,
    "learning_rate": 1e-4,
    "grad_norm": 1.0,
    "tokens": 100.0,
    "seconds": 3.0,
    "tokens_per_second": 33.0,
    "memory_bytes": 1.0,
}


@pytest.fixture
def arguments(tmp_path: Path) -> TrainingArguments:
    return TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none")


def recorder(
    folder: Path, *, interrupt: Interrupt | None = None, patience: int | None = None
) -> Recorder:
    return Recorder(MetricsFile(folder), Watcher(), interrupt or Interrupt(), 10, patience)


def test_the_first_interrupt_asks_the_second_stops_and_afterwards_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    interrupt = Interrupt()
    with interrupt.listening():
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_in_another_thread_signals_are_left_to_whoever_runs_it() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def listen() -> None:
        with Interrupt().listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [before]


def test_an_interrupt_saves_and_stops_after_the_step(
    tmp_path: Path, arguments: TrainingArguments
) -> None:
    interrupt = Interrupt()
    hook = recorder(tmp_path, interrupt=interrupt)
    quiet, asked = TrainerControl(), TrainerControl()
    hook.on_step_end(arguments, TrainerState(), quiet)
    interrupt.asked = True
    hook.on_step_end(arguments, TrainerState(), asked)
    assert (quiet.should_save, quiet.should_training_stop) == (False, False)
    assert (asked.should_save, asked.should_training_stop) == (True, True)


@pytest.mark.parametrize("key", ["loss", "eval_loss"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_run_and_is_not_recorded(
    tmp_path: Path, arguments: TrainingArguments, key: str, value: float
) -> None:
    hook = recorder(tmp_path)
    with pytest.raises(Diverged, match=r"^3$"):
        hook.on_log(arguments, TrainerState(global_step=3), TrainerControl(), {key: value})
    assert not hook.metrics.path.exists()


def test_a_gradient_that_overflowed_is_recorded_as_none(
    tmp_path: Path, arguments: TrainingArguments
) -> None:
    hook = recorder(tmp_path)
    hook.on_log(
        arguments,
        TrainerState(global_step=1, epoch=0.5),
        TrainerControl(),
        {**STEP, "grad_norm": float("inf")},
    )
    (point,) = MetricsFile.resume(tmp_path, 1, write=False).history
    assert (point.step, point.epoch, point.loss, point.grad_norm) == (1, 0.5, 2.0, None)


@pytest.mark.parametrize(
    ("losses", "stops"),
    [((3.0, 2.0, 2.1), False), ((3.0, 2.0, 2.1, 2.2), True), ((3.0, 2.0, 2.1, 1.9), False)],
)
def test_patience_counts_validations_without_a_lower_loss(
    tmp_path: Path, arguments: TrainingArguments, losses: tuple[float, ...], stops: bool
) -> None:
    hook, never = recorder(tmp_path, patience=2), recorder(tmp_path)
    for step, loss in enumerate(losses):
        point = EvalPoint(step=step, epoch=0, loss=loss, perplexity=1, tokens=1)
        hook.metrics.add(point)
        never.metrics.add(point)
    control, unlimited = TrainerControl(), TrainerControl()
    hook.on_evaluate(arguments, TrainerState(), control)
    never.on_evaluate(arguments, TrainerState(), unlimited)
    assert control.should_training_stop is stops
    assert unlimited.should_training_stop is False


def test_a_complete_checkpoint_is_told_by_the_first_process_alone(arguments: TrainingArguments) -> None:
    told: list[int] = []
    for first in (True, False):
        state = TrainerState(global_step=4, is_world_process_zero=first)
        OnSave(told.append).on_save(arguments, state, TrainerControl())
    assert told == [4]
