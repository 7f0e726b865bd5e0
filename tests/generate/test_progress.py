from __future__ import annotations

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
