"""What judges cost: prices from the judge's file, else from the package `genai-prices`.

A price that is in neither is unknown, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brie.records import JudgeSpec, Price
from brie.wire import addresses
from brie.wire.addresses import is_at, is_loopback, is_near

OVERHEAD = 1000
"""Tokens a provider may add to a request by itself: turn marks, a description of the tools."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a reply says it consumed."""

    input: int = 0
    """All input tokens, those from the cache included."""
    output: int = 0
    cached: int = 0
    written: int = 0
    """Input tokens written to the provider's prompt cache."""


def address_of(spec: JudgeSpec) -> str | None:
    """Where a judge's requests go; None for judges on this machine, and where it is not known.

    `*_BASE_URL` variables are not followed: a judge that is reached elsewhere says so in its file,
    because another server is another judge.
    """
    return spec.base_url or spec.provided.address if spec.provided.remote else None


def host_of(spec: JudgeSpec) -> str | None:
    """The host that receives prompts and answers; None where they stay on this machine."""
    if is_local(spec):
        return None
    return addresses.host_of(address_of(spec)) or f"the servers of {spec.provider}"


def is_local(spec: JudgeSpec) -> bool:
    """Whether the judge is asked on this machine: in this process, or at a loopback address."""
    return not spec.provided.remote or is_loopback(address_of(spec))


def is_at_vendor(spec: JudgeSpec) -> bool:
    """Whether requests go to the vendor's own host, which its key and its settings are meant for."""
    return is_at(address_of(spec), spec.provided.hosts)


def _is_near(spec: JudgeSpec) -> bool:
    return not spec.provided.remote or is_near(address_of(spec))


def is_paid(spec: JudgeSpec) -> bool:
    """Whether somebody may charge for asking: always, unless it is known that nobody does."""
    if not spec.provided.remote:
        return False
    return spec.price is not None or not (spec.provided.free_here and _is_near(spec))


def batch_share(spec: JudgeSpec) -> float:
    """What a batched call costs, of its full price; 1 where the provider has no batches."""
    return spec.provided.batches.share if spec.provided.batches else 1.0


def price_of(spec: JudgeSpec, *, longest: int = 0, when: datetime | None = None) -> Price | None:
    """A judge's price; None where it is unknown or there is none.

    Args:
        spec: the judge.
        longest: UTF-8 bytes of the longest request; prices with steps are taken at its step.
        when: at what time; now by default.
    """
    if spec.price is not None:
        return spec.price
    address = address_of(spec)
    if address is None or _is_near(spec):
        return None
    return _from_package(address, spec.model, longest, when)


def _from_package(address: str, model: str, longest: int, when: datetime | None) -> Price | None:
    from importlib.metadata import version

    from genai_prices import Usage, calc_price

    tokens = max(longest, 1_000)
    usage = Usage(input_tokens=tokens, output_tokens=tokens)
    try:
        # The package fetches nothing by itself: these are the prices it was released with.
        priced = calc_price(
            usage, model_ref=model, provider_api_url=address, genai_request_timestamp=when
        )
    except LookupError:
        return None
    rates = priced.model_price
    return Price(
        input=round(float(priced.input_price) / tokens * 1e6, 6),
        output=round(float(priced.output_price) / tokens * 1e6, 6),
        cached_input=_rate(rates.cache_read_mtok, tokens),
        cache_write=_rate(rates.cache_write_mtok, tokens),
        source=f"genai-prices {version('genai-prices')}",
        read_on=(when or datetime.now()).date().isoformat(),
    )


def _rate(rate: Any, tokens: int) -> float | None:
    """A rate that may have steps, at so many tokens."""
    if rate is None:
        return None
    steps = getattr(rate, "tiers", None)
    if steps is None:
        return float(rate)
    reached = [step.price for step in steps if tokens > step.start]
    return float(reached[-1] if reached else rate.base)


def cost(price: Price | None, tokens: Tokens) -> float:
    """US dollars of a reply."""
    if price is None:
        return 0.0
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    plain = max(0, tokens.input - tokens.cached - tokens.written)
    inputs = plain * price.input + tokens.cached * cached + tokens.written * written
    return (inputs + tokens.output * price.output) / 1e6


def worst_cost(price: Price | None, size: int, max_tokens: int) -> float:
    """US dollars a request can cost at most: every byte a token, and the longest reply.

    Args:
        price: the judge's.
        size: UTF-8 bytes of everything that is sent.
        max_tokens: the reply's limit.
    """
    if price is None:
        return 0.0
    dearest = max(price.input, price.cache_write or 0.0, price.cached_input or 0.0)
    return ((size + OVERHEAD) * dearest + max_tokens * price.output) / 1e6
