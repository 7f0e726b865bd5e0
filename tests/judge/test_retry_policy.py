"""How long a verdict is tried for, wait by wait."""

from __future__ import annotations

import pytest

from brie.judge.faults import Fault
from brie.judge.limiter import START, AdaptiveLimiter
from brie.judge.retry import RetryPolicy
from brie.records import Status, Usage
from tests.judge.test_calls import GOOD, UNREAD, WORST, again, ask


def test_six_tries_from_half_a_second_to_half_a_minute_and_half_an_hour_of_patience() -> None:
    assert RetryPolicy() == RetryPolicy(
        tries=6, first_wait=0.5, most_wait=30.0, patience=1800.0, probes=(30.0, 60.0)
    )
    assert (RetryPolicy().tries, RetryPolicy().first_wait) == (6, 0.5)
    assert len(ask(again()).judge.times) == 6


@pytest.mark.parametrize(
    ("policy", "longest"),
    [
        (RetryPolicy(), [0.5, 1.0, 2.0, 4.0, 8.0]),
        (RetryPolicy(tries=9), [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]),
        (RetryPolicy(tries=4, first_wait=3.0, most_wait=5.0), [3.0, 5.0, 5.0]),
        (RetryPolicy(tries=1), []),
    ],
)
def test_each_wait_is_between_half_and_all_of_its_row(policy: RetryPolicy, longest: list[float]) -> None:
    several = [ask(again(), retry_policy=policy, seed=seed).waits for seed in range(8)]
    assert {len(waits) for waits in several} == {len(longest)}
    for number, most in enumerate(longest):
        of_seeds = [waits[number] for waits in several]
        assert min(of_seeds) >= most / 2
        assert max(of_seeds) <= most
        assert max(of_seeds) - min(of_seeds) > most / 20


@pytest.mark.parametrize(
    ("wait", "tries"), [(None, 6), (0.0, 6), (119.0, 6), (120.0, 6), (120.5, 1), (3600.0, 1)]
)
def test_without_patience_two_minutes_are_waited_for_and_not_a_moment_more(
    wait: float | None, tries: int
) -> None:
    run = ask(again(wait=wait), retry_policy=RetryPolicy(patience=0))
    assert len(run.judge.times) == tries
    assert run.reply.status is Status.ERROR
    assert ("asked to wait" in run.reply.reason) is (tries == 1)
    if wait and tries > 1:
        assert all(wait <= waited <= wait * 1.1 + 0.001 for waited in run.waits)


def test_a_fault_that_passes_leaves_only_what_was_paid() -> None:
    run = ask(again(), again(billed=True), GOOD)
    assert run.reply == GOOD.__class__(
        Status.OK, "A",
        usage=Usage(
            input_tokens=100, output_tokens=10, usd=0.01 + WORST, seconds=0.5, attempts=3,
        ),
    )  # fmt: skip
    assert run.judge.corrections == [None, None, None]


def test_a_reply_that_cannot_be_read_is_corrected_in_the_same_words_every_time() -> None:
    run = ask(UNREAD, again(), GOOD)
    first, *corrections = run.judge.corrections
    assert first is None
    assert corrections[0] == corrections[1]
    assert corrections[0] is not None
    assert "no winner in it" in corrections[0].why
    assert run.reply.usage.attempts == 3
    assert run.reply.usage.input_tokens == 105


def test_money_is_set_aside_for_one_request_at_a_time() -> None:
    asked: list[float] = []

    def afford(usd: float) -> bool:
        asked.append(usd)
        return True

    ask(again(billed=True), again(), UNREAD, GOOD, afford=afford)
    assert asked == [WORST, WORST]


@pytest.mark.parametrize(("kind", "fatal"), [("this", False), ("all", True)])
def test_what_cannot_pass_is_fatal_only_where_it_stops_everything(kind: str, fatal: bool) -> None:
    run = ask(Fault("HTTP 400: no", kind))  # type: ignore[arg-type]
    assert (run.reply.status, run.reply.fatal) == (Status.ERROR, fatal)
    assert run.reply.text == run.reply.reason == "HTTP 400: no"


@pytest.mark.parametrize(("most", "limit"), [(1, 1), (START, START), (START + 1, START), (500, START)])
def test_a_judge_starts_with_what_its_file_allows_and_no_more_than_128(most: int, limit: int) -> None:
    limiter = AdaptiveLimiter(most)
    assert START == 128
    assert (limiter.limit, limiter.most, limiter.flying) == (limit, most, 0)
    limiter.on_success()
    assert limiter.limit == min(most, limit + 1)
