"""What `brie plan` says of a rate that people's votes decide: what narrows it most for its price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from brie.number_format import dollars, listed, plural, two_digits

if TYPE_CHECKING:
    from brie.records.studies import Narrowing, NarrowingOption


def narrowing_lines(bought: Narrowing | None) -> Iterator[str]:
    """The options with what they narrow, cost and take, and which to buy; at most 60 columns wide."""
    if bought is None:
        yield (
            "How far these judges lean is not known: no evaluation of this suite has people's votes on "
            "prompts drawn at random. `brie judge EVAL --people 80` asks for them."
        )
        return
    low, high = bought.correlation.low, bought.correlation.high
    ends = f" ({two_digits(low)} to {two_digits(high)})" if low is not None and high is not None else ""
    yield (
        f"people's rate in {bought.evaluation}: {plural(bought.votes, 'prompt')} with votes, "
        f"{bought.others} without; {listed(list(bought.judges))} correlate "
        f"{two_digits(bought.correlation.value)}{ends} with people"
    )
    yield f"{'what':<31}{'half-width':>10}{'price':>9}{'minutes':>9}"
    yield f"{'as it is':<31}{_points(bought.half_width):>10}"
    for option in bought.options:
        usd = "unknown" if option.usd is None else "free" if option.usd == 0 else dollars(option.usd)
        yield f"{_what(option):<31}{_points(option.half_width):>10}{usd:>9}{_minutes(option):>9}"
    yield from _recommended(bought)
    yield from _assumed(bought)


def _what(option: NarrowingOption) -> str:
    if option.kind == "votes":
        return f"{plural(option.amount, 'more vote')} of people"
    if option.kind == "prompts":
        return f"{plural(option.amount, 'more prompt')}, judged"
    name = option.judge or ""
    name = name if len(name) <= 17 else f"{name[:16]}…"
    return "another judge like these" if option.priced_like else f"judge {name} as well"


def _recommended(bought: Narrowing) -> Iterator[str]:
    if bought.per_dollar is None and bought.per_minute is None:
        yield "None of these narrows it, or no price is known."
        return
    told = [
        f"most per {unit}: {_what(bought.options[place])}"
        for unit, place in (("dollar", bought.per_dollar), ("minute", bought.per_minute))
        if place is not None
    ]
    line = "; ".join(told)
    yield f"{line[0].upper()}{line[1:]}."
    if not bought.settled:
        yield "Not settled: at an end of the correlation's interval it is another one."


def _assumed(bought: Narrowing) -> Iterator[str]:
    """Every rate that went into the table."""
    rates = bought.rates
    paid = f"${rates.usd_per_hour:g} an hour" if rates.usd_per_hour else "not paid (--usd-per-hour)"
    yield (
        f"Assumed: {rates.minutes_per_vote:g} min a vote (--minutes-per-vote), one vote a prompt, "
        f"people {paid}; judges at the prices and pace above, with the orders and samples of that "
        "evaluation. Making answers and writing prompts is not counted."
    )
    judges = [option for option in bought.options if option.kind == "judge"]
    if judges:
        priced = f", at the price of {judges[0].judge}" if judges[0].priced_like else ""
        yield f"Another judge is taken to be as near to people and to the others as these are{priced}."
    else:
        yield (
            "What another judge adds cannot be known from one: ask a second with "
            f"`brie judge {bought.evaluation} --judge ID`."
        )


def _points(half_width: float) -> str:
    return f"±{100 * half_width:.1f}"


def _minutes(option: NarrowingOption) -> str:
    if option.minutes is None:
        return "untimed"
    return "at once" if option.minutes == 0 else f"{max(1, round(option.minutes)):,}"
