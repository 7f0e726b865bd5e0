"""The batch grows while that pays, and gives way for good when memory ends."""

from __future__ import annotations

import pytest
import torch

from brie.generate.pace import Pace
from brie.pin.libraries import is_out_of_memory


def _work(pace: Pace, seconds_of: dict[int, float], steps: int = 200) -> None:
    for _ in range(steps):
        pace.record(pace.size, seconds_of[pace.size])


def test_it_grows_while_tokens_come_faster() -> None:
    pace = Pace.start("cpu")
    _work(pace, {8: 1.0, 16: 1.1, 32: 1.2, 64: 3.0})
    assert pace.size == 32
    assert pace.settled


def test_it_stops_at_the_devices_most() -> None:
    pace = Pace.start("cpu")
    _work(pace, dict.fromkeys((8, 16, 32, 64), 1.0))
    assert pace.size == 64


def test_half_empty_batches_say_nothing() -> None:
    pace = Pace.start("cpu")
    for _ in range(100):
        pace.record(3, 1.0)
    assert pace.size == 8
    assert not pace.settled


def test_a_given_size_is_kept_unless_memory_runs_out() -> None:
    pace = Pace.start("cpu", 12)
    _work(pace, {12: 1.0})
    assert pace.size == 12
    assert pace.shrink()
    assert pace.size == 6
    _work(pace, {6: 0.001})
    assert pace.size == 6


def test_one_row_cannot_be_halved() -> None:
    assert not Pace.start("cpu", 1).shrink()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("shape mismatch"), False),
        (KeyError("out of memory"), False),
    ],
)
def test_every_allocators_words_are_known(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
