"""`metrics.jsonl`: appended as it happens, cut back when a run goes on from a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import InputError
from brie.train.config import EvalPoint, TrainPoint
from brie.train.metrics import MetricsFile


def point(step: int) -> TrainPoint:
    return TrainPoint(
        step=step,
        epoch=0.1,
        loss=1.0,
        learning_rate=1e-4,
        grad_norm=None,
        tokens=10 * step,
        seconds=0.5 * step,
        tokens_per_second=20.0,
        memory_bytes=1,
    )


def fill(folder: Path, steps: int) -> MetricsFile:
    metrics = MetricsFile(folder)
    for step in range(1, steps + 1):
        metrics.add(point(step))
    metrics.add(EvalPoint(step=steps, epoch=0.1, loss=2.0, perplexity=7.4, tokens=5))
    return metrics


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    written = fill(tmp_path, 3)
    again = MetricsFile.resume(tmp_path, 3, write=True)
    assert again.history == written.history
    assert again.evaluations == written.evaluations


def test_what_came_after_the_checkpoint_is_cut_off(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    before = (tmp_path / "metrics.jsonl").read_text()
    assert len(MetricsFile.resume(tmp_path, 2, write=False).history) == 2
    assert (tmp_path / "metrics.jsonl").read_text() == before
    again = MetricsFile.resume(tmp_path, 2, write=True)
    assert [p.step for p in again.history] == [1, 2]
    assert again.evaluations == []
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2


def test_half_a_last_line_is_dropped_and_half_a_middle_line_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    path = tmp_path / "metrics.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"kind": "tr')
    assert len(MetricsFile.resume(tmp_path, 9, write=True).history) == 2
    path.write_text('{"kind": "tr\n' + whole)
    with pytest.raises(InputError, match=r"metrics\.jsonl:1 "):
        MetricsFile.resume(tmp_path, 9, write=True)


def test_a_run_without_metrics_begins_with_none(tmp_path: Path) -> None:
    assert MetricsFile.resume(tmp_path, 0, write=True).history == []


def test_evaluations_since_the_lowest_loss_are_counted_without_the_base(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path, write=False)
    seen = []
    for step, loss in enumerate([1.0, 5.0, 4.0, 4.5, 4.0, 3.0]):
        metrics.add(EvalPoint(step=step, epoch=0.1, loss=loss, perplexity=1.0, tokens=5))
        seen.append(metrics.stalled())
    assert seen == [0, 0, 0, 1, 2, 0]
    assert not (tmp_path / "metrics.jsonl").exists()
