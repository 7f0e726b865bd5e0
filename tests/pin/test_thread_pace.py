"""The faster number of threads is found, kept, and asked again when it stops being fast."""

from __future__ import annotations

from collections.abc import Callable

from brie.pin.thread_pace import ThreadPace


def run(pace: ThreadPace, steps: int, rate: Callable[[int], float]) -> list[int]:
    """Counts used over some steps on a machine of these rates."""
    used = []
    for _ in range(steps):
        used.append(pace.count)
        pace.record(rate(pace.count), 1.0)
    return used


def busy(count: int) -> float:
    return 78.0 if count == 1 else 7.0


def idle(count: int) -> float:
    return 40.0 * count


def test_on_a_busy_machine_one_thread_is_kept() -> None:
    pace = ThreadPace(4)
    used = run(pace, 40, busy)
    assert used[0] == 4
    assert used[-30:] == [1] * 30


def test_on_an_idle_machine_all_threads_are_kept() -> None:
    assert run(ThreadPace(4), 40, idle)[-30:] == [4] * 30


def test_a_machine_that_becomes_busy_is_asked_again() -> None:
    pace = ThreadPace(2)
    run(pace, 30, idle)
    assert pace.count == 2
    used = run(pace, 40, busy)
    assert used[-10:] == [1] * 10


def test_steps_that_vary_a_little_reopen_nothing() -> None:
    pace = ThreadPace(2)
    run(pace, 30, idle)
    step = iter(range(10_000))
    used = run(pace, 200, lambda count: idle(count) * (1 + 0.3 * ((next(step) * 7) % 5 - 2) / 2))
    assert set(used) == {2}


def test_a_fixed_count_is_never_tried_against_another() -> None:
    assert set(run(ThreadPace(3, fixed=True), 50, busy)) == {3}
    assert set(run(ThreadPace(1), 50, busy)) == {1}


def test_the_warm_up_decides_nothing() -> None:
    """The first step pays for allocations: a slow one must not condemn all threads."""
    pace = ThreadPace(2)
    pace.record(0.001, 1.0)
    assert run(pace, 30, idle)[-1] == 2
