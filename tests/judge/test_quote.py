"""What is said of money before any is spent: usual and worst cost, time, and who must agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from brie.judge.prices import worst_cost
from brie.judge.quote import CallStats, JudgeQuote, blank_answers, quote
from brie.judge.settings import fixed_bytes, output_limit, request_bytes
from brie.records import JudgeSpec, PanelJudge, Price, Provider, Rubric
from tests.judge.arena import RUBRIC

A_DOLLAR_A_TOKEN_IN = Price(input=1e6, output=0, source="a test", read_on="2026-01-01")
A_DOLLAR_A_TOKEN_OUT = Price(input=0, output=1e6, source="a test", read_on="2026-01-01")


def place(rubric: Rubric | None = RUBRIC, **changes: Any) -> PanelJudge:
    settings: dict[str, Any] = {"id": "j", "provider": Provider.ANTHROPIC, "model": "m", **changes}
    spec = JudgeSpec(**settings)
    return PanelJudge(judge=spec, rubric=rubric, digest=spec.digest("1"))


def usual(seat: PanelJudge, *sizes: int, habits: CallStats | None = None, **more: Any) -> JudgeQuote:
    return quote(seat, sizes, habits or CallStats(), **more)


def test_input_is_expected_at_four_bytes_a_token_and_at_worst_at_one() -> None:
    seat = place(price=A_DOLLAR_A_TOKEN_IN)
    fixed = fixed_bytes(seat.judge, RUBRIC)
    said = usual(seat, 400, 1000)
    assert said.expected == pytest.approx(sum(round((fixed + size) / 4) for size in (400, 1000)))
    assert said.worst == pytest.approx(2 * fixed + 400 + 1000 + 2 * 1000)
    assert said.calls == 2
    assert said.price is A_DOLLAR_A_TOKEN_IN


def test_where_answers_are_not_written_the_worst_takes_the_longest() -> None:
    seat = place(price=A_DOLLAR_A_TOKEN_IN)
    short, long = usual(seat, 400), usual(seat, 400, most=[9000])
    assert long.expected == short.expected
    assert long.worst - short.worst == pytest.approx(9000 - 400)


@pytest.mark.parametrize(
    ("habits", "limit", "tokens"),
    [
        (CallStats(), 1024, 500),
        (CallStats(), 200, 200),
        (CallStats(9, 1.0, 70.0), 1024, 500),
        (CallStats(10, 1.0, 70.0), 1024, 70),
        (CallStats(10, 1.0, 900.0), 300, 300),
    ],
)
def test_a_reply_is_as_long_as_ten_earlier_ones_say_and_no_longer_than_its_limit(
    habits: CallStats, limit: int, tokens: int
) -> None:
    said = usual(place(price=A_DOLLAR_A_TOKEN_OUT, max_tokens=limit), 400, habits=habits)
    assert said.expected == pytest.approx(tokens)
    assert said.worst == pytest.approx(limit)


def test_a_limit_among_the_parameters_is_the_one_that_is_sent() -> None:
    seat = place(price=A_DOLLAR_A_TOKEN_OUT, parameters={"max_completion_tokens": 50})
    assert output_limit(seat.judge) == 50
    assert usual(seat, 1).worst == pytest.approx(50)
    assert output_limit(place(parameters={"max_tokens": 60}).judge) == 60
    assert output_limit(place(parameters={"max_tokens": "many"}).judge) == 1024


@pytest.mark.parametrize("price", [A_DOLLAR_A_TOKEN_IN, A_DOLLAR_A_TOKEN_OUT])
def test_a_batch_costs_half(price: Price) -> None:
    one, half = usual(place(price=price), 400), usual(place(price=price), 400, batch=True)
    assert half.expected == pytest.approx(one.expected / 2)
    assert half.worst == pytest.approx(one.worst / 2)


@pytest.mark.parametrize(
    ("habits", "concurrency", "minutes"),
    [
        (CallStats(), 1, 9.0),
        (CallStats(), 3, 3.0),
        (CallStats(), 500, 9 / 128),
        (CallStats(10, 2.0, 70.0), 1, 3.0),
        (CallStats(9, 2.0, 70.0), 1, 9.0),
    ],
)
def test_the_time_is_that_of_the_calls_in_flight_together(
    habits: CallStats, concurrency: int, minutes: float
) -> None:
    said = usual(place(max_concurrency=concurrency), *[1] * 90, habits=habits)
    assert said.minutes == pytest.approx(minutes)


def test_rules_cost_nothing_and_take_what_they_took() -> None:
    seat = place(None, provider=Provider.RULES)
    said = usual(seat, *[1] * 30, habits=CallStats(10, 2.0, 5.0))
    assert (said.expected, said.worst, said.paid, said.host, said.price) == (0, 0, False, None, None)
    assert (said.calls, said.minutes) == (30, 1.0)
    assert usual(seat, *[1] * 30, habits=CallStats(9, 2.0, 5.0)).minutes == 0.0


@pytest.mark.parametrize(
    ("changes", "paid", "host"),
    [
        ({}, True, "api.anthropic.com"),
        ({"provider": Provider.OPENAI}, True, "api.openai.com"),
        ({"provider": Provider.OPENAI, "base_url": "http://localhost:1/v1"}, True, None),
        (
            {"provider": Provider.OPENAI_COMPATIBLE, "base_url": "https://x.example/v1"},
            True,
            "x.example",
        ),
        ({"provider": Provider.OPENAI_COMPATIBLE, "base_url": "http://localhost:1/v1"}, False, None),
        (
            {
                "provider": Provider.OPENAI_COMPATIBLE,
                "base_url": "http://localhost:1/v1",
                "price": A_DOLLAR_A_TOKEN_IN,
            },
            True,
            None,
        ),
    ],
)
def test_who_is_paid_and_who_receives_the_texts(
    changes: dict[str, Any], paid: bool, host: str | None
) -> None:
    said = usual(place(**changes), 1)
    assert (said.paid, said.host) == (paid, host)


def test_answers_not_yet_written_are_as_long_as_usual_or_as_at_most() -> None:
    usual_text, longest = blank_answers(100)
    assert (len(usual_text), len(longest)) == (240, 600)


def test_the_bytes_of_a_request_hold_its_texts_and_room_for_the_marks() -> None:
    from brie.blinding import JudgeInput
    from brie.records import Message

    shown = JudgeInput(
        messages=(Message(role="user", content="ü" * 30),), reference=None, check=None,
        first="a" * 300, second="", first_letter="A",
    )  # fmt: skip
    assert request_bytes(shown) == 80 + 400 + 0 + 0 + 4 * 100
    with_reference = replace(shown, reference="r" * 30)
    assert request_bytes(with_reference) == request_bytes(shown) + 40


def test_the_worst_of_a_quote_is_the_sum_of_what_is_reserved() -> None:
    price = Price(input=3, output=15, cache_write=3.75, source="a test", read_on="2026-01-01")
    seat = place(price=price)
    fixed = fixed_bytes(seat.judge, RUBRIC)
    said = usual(seat, 10, 20)
    assert said.worst == pytest.approx(sum(worst_cost(price, fixed + size, 1024) for size in (10, 20)))


def test_a_judge_that_was_never_asked_has_taken_no_time() -> None:
    assert (CallStats().calls, CallStats().seconds, CallStats().output_tokens) == (0, 0.0, 0.0)
    said = usual(place(None, provider=Provider.RULES), *[1] * 30, habits=CallStats(10))
    assert said.minutes == 0.0
    without = usual(place(), *[1] * 60, habits=CallStats(10))
    assert without.minutes == 0.0


def test_calls_are_at_full_price_unless_they_are_batched() -> None:
    seat = place(price=A_DOLLAR_A_TOKEN_OUT)
    said = usual(seat, 400)
    assert said.expected == pytest.approx(500)
    assert said.worst == pytest.approx(1024)
    assert said == usual(seat, 400, batch=False)


@pytest.mark.parametrize(("calls", "minutes"), [(9, 0.0), (10, 1.0), (11, 1.0)])
def test_a_rules_own_pace_is_believed_after_ten_calls(calls: int, minutes: float) -> None:
    said = usual(place(None, provider=Provider.RULES), *[1] * 30, habits=CallStats(calls, 2.0, 5.0))
    assert (said.minutes, said.calls, said.judge) == (minutes, 30, "j")


def test_a_quote_of_nothing_is_nothing() -> None:
    said = usual(place(price=A_DOLLAR_A_TOKEN_OUT))
    assert (said.calls, said.expected, said.worst, said.minutes) == (0, 0.0, 0.0, 0.0)
    assert (said.host, said.paid) == ("api.anthropic.com", True)
