"""What a reply costs, part by part, and what a request can cost at most."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.judge.prices import (
    Tokens,
    address_of,
    cost,
    host_of,
    is_local,
    is_paid,
    price_of,
    worst_cost,
)
from brie.records import JudgeSpec, Price, Provider

FULL = Price(
    input=3.0, output=15.0, cached_input=0.3, cache_write=3.75, source="a test", read_on="2026-01-01"
)
PLAIN = Price(input=3.0, output=15.0, source="a test", read_on="2026-01-01")
ADDED_BY_PROVIDERS = 1000
"""Tokens a provider may add to a request by itself."""
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tokens", "dollars"),
    [
        (Tokens(input=1_000_000), 3.0),
        (Tokens(output=1_000_000), 15.0),
        (Tokens(input=1_000_000, cached=1_000_000), 0.3),
        (Tokens(input=1_000_000, written=1_000_000), 3.75),
        (Tokens(input=1000, output=50, cached=600, written=100), 2205e-6),
        (Tokens(), 0.0),
    ],
)
def test_every_kind_of_token_has_its_own_price(tokens: Tokens, dollars: float) -> None:
    assert cost(FULL, tokens) == pytest.approx(dollars)


def test_cached_and_written_tokens_cost_as_others_where_no_price_is_given() -> None:
    assert cost(PLAIN, Tokens(1000, 0, 600, 100)) == pytest.approx(cost(PLAIN, Tokens(1000)))


def test_more_cached_than_sent_is_not_taken_off_the_bill() -> None:
    assert cost(FULL, Tokens(input=10, cached=20)) == pytest.approx(20 * 0.3e-6)


def test_without_a_price_nothing_is_counted() -> None:
    assert cost(None, Tokens(1000, 1000)) == 0.0
    assert worst_cost(None, 1000, 1000) == 0.0


rates = st.floats(0, 100)
prices = st.builds(
    Price,
    input=rates,
    output=rates,
    cached_input=st.none() | rates,
    cache_write=st.none() | rates,
    source=st.just("a test"),
    read_on=st.just("2026-01-01"),
)


@given(
    prices,
    st.integers(0, 10_000),
    st.integers(0, 2000),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_no_reply_costs_more_than_the_worst_that_was_reserved(
    price: Price, size: int, limit: int, shares: tuple[float, float, float]
) -> None:
    """However the input divides into new, cached and written, with all a provider adds to it."""
    sent = size + ADDED_BY_PROVIDERS
    cached = round(sent * shares[0])
    written = round((sent - cached) * shares[1])
    tokens = Tokens(sent, round(limit * shares[2]), cached, written)
    assert cost(price, tokens) <= worst_cost(price, size, limit) + 1e-12


@pytest.mark.parametrize(
    ("price", "dearest"),
    [
        (PLAIN, Tokens(700 + ADDED_BY_PROVIDERS, 200)),
        (FULL, Tokens(700 + ADDED_BY_PROVIDERS, 200, 0, 700 + ADDED_BY_PROVIDERS)),
        (
            PLAIN.model_copy(update={"cached_input": 5.0}),
            Tokens(700 + ADDED_BY_PROVIDERS, 200, 700 + ADDED_BY_PROVIDERS),
        ),
    ],
)
def test_the_worst_is_no_more_than_can_happen(price: Price, dearest: Tokens) -> None:
    assert worst_cost(price, 700, 200) == pytest.approx(cost(price, dearest))


def spec(
    provider: Provider = Provider.OPENAI_COMPATIBLE,
    base_url: str | None = None,
    *,
    model: str = "m",
    price: Price | None = None,
) -> JudgeSpec:
    return JudgeSpec(id="j", provider=provider, model=model, base_url=base_url, price=price)


@pytest.mark.parametrize(
    ("judge", "free", "host"),
    [
        (spec(Provider.ANTHROPIC), False, "api.anthropic.com"),
        (spec(Provider.OPENAI), False, "api.openai.com"),
        (spec(Provider.OPENAI, "https://proxy.example/v1"), False, "proxy.example"),
        (spec(base_url="https://8.8.8.8/v1"), False, "8.8.8.8"),
        (spec(base_url="http://localhost:8000/v1"), True, None),
        (spec(base_url="http://box.localhost/v1"), True, "box.localhost"),
        (spec(base_url="http://box.local/v1"), True, "box.local"),
        (spec(base_url="http://notlocal/v1"), False, "notlocal"),
        (spec(base_url="http://127.0.0.1/v1"), True, None),
        (spec(base_url="http://192.168.1.7/v1"), True, "192.168.1.7"),
        (spec(base_url="http://169.254.1.1/v1"), True, "169.254.1.1"),
        (spec(base_url="http://0.0.0.0/v1"), True, "0.0.0.0"),
        (spec(base_url="http://[fd00::1]/v1"), True, "fd00::1"),
        (spec(base_url="http://localhost.evil.example/v1"), False, "localhost.evil.example"),
        (spec(base_url="http://[::ffff:127.0.0.1]/v1"), True, None),
        (spec(base_url="http://[::1]:8000/v1"), True, None),
        (spec(Provider.RULES), True, None),
        (spec(Provider.TRANSFORMERS), True, None),
    ],
)
def test_who_receives_the_texts_is_known_from_the_address(
    judge: JudgeSpec, free: bool, host: str | None
) -> None:
    assert is_local(judge) is (host is None)
    assert host_of(judge) == host
    assert is_paid(judge) is not free
    assert is_paid(judge.model_copy(update={"price": PLAIN})) is judge.provided.remote


def test_only_judges_behind_an_address_have_one() -> None:
    assert address_of(spec(Provider.RULES, "https://unused.example")) is None
    assert address_of(spec(Provider.ANTHROPIC)) == "https://api.anthropic.com"
    assert address_of(spec(Provider.OPENAI, "https://x.example")) == "https://x.example"


def test_the_price_in_the_judges_file_comes_first() -> None:
    assert price_of(spec(Provider.ANTHROPIC, model="claude-opus-4-5", price=FULL)) is FULL
    assert price_of(spec(base_url="http://localhost/v1", price=FULL)) is FULL


def test_a_price_in_neither_place_is_unknown() -> None:
    assert price_of(spec(Provider.OPENAI, model="nobody-knows-this")) is None
    assert price_of(spec(base_url="http://localhost/v1", model="gpt-4o")) is None
    assert price_of(spec(Provider.RULES, model="longer")) is None


def test_a_published_price_is_read_with_all_its_parts() -> None:
    """Claude Sonnet 4: 3 and 15 dollars, 0.30 from the cache, 3.75 into it; doubled when long."""
    found = price_of(spec(Provider.ANTHROPIC, model="claude-sonnet-4-0"), when=WHEN)
    assert found is not None
    assert (found.input, found.output) == (3.0, 15.0)
    assert (found.cached_input, found.cache_write) == (0.3, 3.75)
    assert found.source.startswith("genai-prices ")
    assert found.read_on == "2026-01-01"


def test_a_price_with_steps_is_taken_at_the_longest_request() -> None:
    sonnet = spec(Provider.ANTHROPIC, model="claude-sonnet-4-5")
    short = price_of(sonnet, longest=100_000, when=WHEN)
    long = price_of(sonnet, longest=300_000, when=WHEN)
    assert short is not None
    assert long is not None
    assert (short.input, short.cached_input) == (3.0, 0.3)
    assert (long.input, long.cached_input) == (6.0, 0.6)
    assert (short.cache_write, long.cache_write) == (3.75, 7.5)


def test_a_model_that_is_known_elsewhere_has_no_price_where_nobody_knows_where_it_is() -> None:
    nowhere = spec(model="gpt-4o")
    assert (address_of(nowhere), is_local(nowhere)) == (None, False)
    assert price_of(nowhere) is None
    assert price_of(spec(Provider.OPENAI, model="gpt-4o"), when=WHEN) is not None


def test_a_price_was_read_today_unless_another_time_is_asked_for() -> None:
    days = [datetime.now().date().isoformat()]
    found = price_of(spec(Provider.OPENAI, model="gpt-4o"))
    days.append(datetime.now().date().isoformat())
    assert found is not None
    assert found.read_on in days


@pytest.mark.parametrize(("longest", "dollars"), [(199_999, 3.0), (200_000, 3.0), (200_001, 6.0)])
def test_the_dearer_step_begins_beyond_its_border(longest: int, dollars: float) -> None:
    found = price_of(spec(Provider.ANTHROPIC, model="claude-sonnet-4-5"), longest=longest, when=WHEN)
    assert found is not None
    assert (found.input, found.cached_input) == (dollars, dollars / 10)


def test_a_reply_that_says_nothing_consumed_nothing() -> None:
    assert (Tokens().input, Tokens().output, Tokens().cached, Tokens().written) == (0, 0, 0, 0)
    assert cost(FULL, Tokens()) == 0.0
    assert worst_cost(None, 10**6, 10**6) == 0.0
    assert worst_cost(FULL, 0, 0) == pytest.approx(ADDED_BY_PROVIDERS * 3.75e-6)
