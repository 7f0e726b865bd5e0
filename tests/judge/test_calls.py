"""How one verdict is asked for: tries, growing waits, one correction, and what it all cost."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from brie.blinding import JudgeInput
from brie.judge.faults import Fault
from brie.judge.interface import Reply
from brie.judge.limiter import AdaptiveLimiter
from brie.judge.prompt import Correction
from brie.judge.retry import RetryingCaller, RetryPolicy
from brie.records import Message, Status, Usage

SHOWN = JudgeInput(
    messages=(Message(role="user", content="Why?"),),
    reference=None,
    check=None,
    first="one",
    second="two",
    first_letter="A",
)
GOOD = Reply(Status.OK, "A", usage=Usage(input_tokens=100, output_tokens=10, usd=0.01, seconds=0.5))
UNREAD = Reply(
    Status.INVALID, reason="no winner in it", usage=Usage(input_tokens=5, usd=0.01), unreadable=True
)
WORST = 0.25


class Leap(selectors.DefaultSelector):
    """Waits take no time: the clock leaps to their end."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; time passes at once where nothing is."""
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found


class LeapLoop(asyncio.SelectorEventLoop):
    """An event loop on that clock."""

    def __init__(self) -> None:
        self.clock = Leap()
        super().__init__(self.clock)

    def time(self) -> float:
        """Seconds since the start."""
        return self.clock.now


@dataclass
class Scripted:
    """A judge that says or raises what its script holds, the last of it for ever."""

    script: Sequence[Reply | Fault]
    times: list[float] = field(default_factory=list)
    corrections: list[Correction | None] = field(default_factory=list)
    instant = False
    free = False

    async def ask(self, shown: JudgeInput, correction: Correction | None = None) -> Reply:
        """The next line of the script."""
        self.times.append(asyncio.get_running_loop().time())
        self.corrections.append(correction)
        said = self.script[min(len(self.times), len(self.script)) - 1]
        if isinstance(said, Fault):
            raise said
        return said

    def worst(self, shown: JudgeInput) -> float:
        """A quarter of a dollar."""
        return WORST

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Run:
    """What came of one verdict."""

    judge: Scripted
    reply: Reply
    gate: AdaptiveLimiter

    @property
    def waits(self) -> list[float]:
        """Seconds between one try and the next."""
        return [b - a for a, b in zip(self.judge.times, self.judge.times[1:], strict=False)]


def leap(work: Coroutine[Any, Any, Reply]) -> Reply:
    """Run to the end on the leaping clock."""
    with asyncio.Runner(loop_factory=LeapLoop) as runner:
        return runner.run(work)


def ask(
    *script: Reply | Fault,
    retry_policy: RetryPolicy | None = None,
    afford: Callable[[float], bool] = lambda usd: True,
    unread: Correction | None = None,
    seed: int = 0,
    stop_after: float | None = None,
) -> Run:
    judge, gate = Scripted(script), AdaptiveLimiter(8)

    async def work() -> Reply:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        if stop_after is not None:
            loop.call_later(stop_after, stopping.set)
        caller = RetryingCaller(
            judge, gate, stopping, retry_policy or RetryPolicy(), random.Random(seed)
        )
        return await caller.verdict(SHOWN, afford, loop.time(), unread)

    return Run(judge, leap(work()), gate)


def again(**more: Any) -> Fault:
    return Fault("HTTP 500: later", "again", **more)


def test_a_fault_that_passes_is_tried_six_times_and_no_more() -> None:
    run = ask(again())
    assert len(run.judge.times) == 6
    assert run.reply.status is Status.ERROR
    assert run.reply.reason == "HTTP 500: later"
    assert run.reply.usage.attempts == 6
    assert not run.reply.fatal


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_as_often_as_its_patience_says(tries: int) -> None:
    run = ask(again(), retry_policy=RetryPolicy(tries=tries))
    assert len(run.judge.times) == run.reply.usage.attempts == tries


def test_the_last_try_counts() -> None:
    run = ask(*[again()] * 5, GOOD)
    assert run.reply.status is Status.OK
    assert run.reply.letter == "A"
    assert run.reply.usage.attempts == 6


@pytest.mark.parametrize("seed", range(8))
def test_waits_double_from_try_to_try_up_to_the_longest(seed: int) -> None:
    """Each is drawn from the upper half of 1, 2, 4, 5, 5 seconds."""
    run = ask(again(), retry_policy=RetryPolicy(first_wait=1.0, most_wait=5.0), seed=seed)
    for wait, longest in zip(run.waits, [1, 2, 4, 5, 5], strict=True):
        assert longest / 2 <= wait <= longest + 1e-6


def test_waits_are_spread_over_their_upper_half() -> None:
    first = [
        ask(again(), GOOD, retry_policy=RetryPolicy(first_wait=1.0), seed=n).waits[0] for n in range(40)
    ]
    assert min(first) < 0.6
    assert max(first) > 0.9


@pytest.mark.parametrize("seed", range(8))
def test_a_wait_the_server_asks_for_is_kept_and_stretched_by_a_tenth_at_most(seed: int) -> None:
    (wait,) = ask(again(wait=10.0), GOOD, seed=seed).waits
    assert 10.0 <= wait <= 11.0 + 1e-6


def test_a_short_wait_asked_for_does_not_shorten_the_own_one() -> None:
    retry_policy = RetryPolicy(first_wait=8.0)
    (wait,) = ask(again(wait=0.1), GOOD, retry_policy=retry_policy).waits
    assert wait >= 4.0


@pytest.mark.parametrize(("asked", "tries"), [(119.0, 6), (120.0, 6), (121.0, 1)])
def test_without_patience_two_minutes_are_the_longest_wait(asked: float, tries: int) -> None:
    run = ask(again(wait=asked), retry_policy=RetryPolicy(patience=0))
    assert len(run.judge.times) == tries
    assert ("asked to wait" in run.reply.reason) is (tries == 1)


@pytest.mark.parametrize(("kind", "fatal"), [("this", False), ("all", True)])
def test_what_does_not_pass_is_tried_once(kind: Any, fatal: bool) -> None:
    run = ask(Fault("HTTP 401: no key", kind))
    assert len(run.judge.times) == 1
    assert run.reply.fatal is fatal
    assert run.reply.usage.attempts == 1
    assert run.reply.usage.usd == 0.0
    assert run.reply.text == "HTTP 401: no key"


def test_a_request_that_may_have_been_billed_is_counted_at_its_worst() -> None:
    asked_for: list[float] = []

    def afford(usd: float) -> bool:
        asked_for.append(usd)
        return True

    run = ask(again(billed=True), again(), GOOD, afford=afford)
    assert run.reply.usage.usd == pytest.approx(WORST + 0.01)
    assert asked_for == [WORST]


def test_without_money_for_another_try_there_is_none() -> None:
    run = ask(again(billed=True), GOOD, afford=lambda usd: False)
    assert len(run.judge.times) == 1
    assert run.reply.status is Status.ERROR
    assert "budget" in run.reply.reason
    assert run.reply.usage.usd == WORST


def test_an_unreadable_reply_is_asked_about_once_and_both_are_paid_for() -> None:
    run = ask(UNREAD, GOOD)
    assert run.reply.status is Status.OK
    assert run.judge.corrections[0] is None
    assert run.judge.corrections[1] == Correction(UNREAD.reason, UNREAD.text)
    usage = run.reply.usage
    assert (usage.input_tokens, usage.output_tokens, usage.attempts) == (105, 10, 2)
    assert usage.usd == pytest.approx(0.02)
    assert usage.seconds == 0.5


def test_a_second_unreadable_reply_stays_unreadable() -> None:
    run = ask(UNREAD)
    assert len(run.judge.times) == 2
    assert run.reply.status is Status.INVALID
    assert run.reply.usage.usd == pytest.approx(0.02)


def test_what_could_not_be_read_before_is_said_at_once_and_not_twice() -> None:
    run = ask(UNREAD, GOOD, unread=Correction("two winners", "A. B."))
    assert len(run.judge.times) == 1
    assert run.judge.corrections == [Correction("two winners", "A. B.")]
    assert run.reply.status is Status.INVALID


def test_without_money_an_unreadable_reply_is_not_asked_about() -> None:
    run = ask(UNREAD, GOOD, afford=lambda usd: usd < WORST)
    assert len(run.judge.times) == 1
    assert run.reply.status is Status.ERROR
    assert "no winner in it" in run.reply.reason


def test_tries_go_on_after_a_correction() -> None:
    run = ask(again(), UNREAD, again(), GOOD)
    assert run.reply.status is Status.OK
    assert run.reply.usage.attempts == 4
    assert [bool(said) for said in run.judge.corrections] == [False, False, True, True]


def test_a_run_that_stops_does_not_wait_to_the_end() -> None:
    run = ask(again(), retry_policy=RetryPolicy(first_wait=20.0), stop_after=3.0)
    assert len(run.judge.times) == 1
    assert "stopped before another try" in run.reply.reason
    assert run.reply.usage.attempts == 1


def test_a_busy_server_gets_half_as_many_requests_and_a_happy_one_more() -> None:
    assert ask(again(busy=True), retry_policy=RetryPolicy(tries=1, patience=0)).gate.limit == 4.0
    assert ask(again(), retry_policy=RetryPolicy(tries=1, patience=0)).gate.limit == 8.0
    assert ask(again(busy=True), GOOD).gate.limit == pytest.approx(4.25)


def test_the_gate_is_held_as_long_as_a_reply_says() -> None:
    paused = Reply(Status.OK, "B", pause=7.0)
    judge, gate = Scripted([paused]), AdaptiveLimiter(8)

    async def work() -> Reply:
        loop = asyncio.get_running_loop()
        caller = RetryingCaller(judge, gate, asyncio.Event(), RetryPolicy(), random.Random(0))
        reply = await caller.verdict(SHOWN, lambda usd: True, loop.time())
        assert await gate.enter() >= 7.0
        return reply

    assert leap(work()).letter == "B"
