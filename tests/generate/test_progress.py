from __future__ import annotations

import pytest

from brie.cli import screen
from brie.digest import digest
from brie.generate.progress import Meter
from brie.records import Completion

DONE = Completion(
    key=digest(1), pin=digest(2), prompt=digest(3), sample=0, text="", finish_reason="stop", tokens=50,
    seconds=1.0,
)  # fmt: skip


def test_pace_and_time_left_are_those_of_the_answers_so_far() -> None:
    now = [0.0]
    meter = Meter(total=400, clock=lambda: now[0])
    assert str(meter) == "0/400 answers, 0 tokens/s"
    for _ in range(40):
        now[0] += 1.0
        meter(DONE)
    assert str(meter) == "40/400 answers, 50 tokens/s, 6 min 00 s left"
    meter.total = 40_000
    assert str(meter).endswith("11 h 06 min left")
    meter.total = 49
    assert str(meter).endswith(", 9 s left")


def test_the_rate_leaves_out_what_came_before_the_first_answer_was_begun() -> None:
    now = [0.0]
    meter = Meter(total=2, clock=lambda: now[0])
    now[0] = 60.0  # a model was loaded
    now[0] += DONE.seconds
    meter(DONE)
    now[0] += DONE.seconds
    meter(DONE)
    assert meter.rate == "50 tokens/s"
    assert "1 min 02 s" in meter.summary


def test_without_a_terminal_a_line_comes_twice_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    screen.console.cache_clear()
    lines = screen.Lines("generating", 100, "answers", clock=lambda: now[0])
    for _ in range(50):
        now[0] += 2.0
        lines(1, "50 tokens/s")
    screen.console.cache_clear()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert said[0] == "generating: 15/100 answers, 50 tokens/s, 2 min 50 s left"
