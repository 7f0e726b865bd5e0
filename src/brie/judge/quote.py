"""What judging will cost and take, before anything is spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from brie.judge.limiter import START
from brie.judge.prices import Tokens, batch_share, cost, host_of, is_paid, worst_cost
from brie.judge.settings import fixed_bytes, is_key_readable, output_limit
from brie.records import PanelJudge, Price

BYTES_A_TOKEN = 4.0
"""Of English text; only expectations use it, the worst case counts every byte as a token."""
_USUAL_SHARE = 0.6
"""Part of its limit an answer usually fills; only quotes made before generation use it."""
_LONGEST = 6
"""Bytes a token of an answer not yet written, at most."""
REPLY_TOKENS = 500
"""Tokens of a reply with reasons and scores, where this judge has no history here."""
SECONDS_A_CALL = 6.0
"""Seconds of a reply, where this judge has no history here."""
ENOUGH_HISTORY = 10
"""Calls after which a judge's own history is believed."""


def blank_answers(limit: int) -> tuple[str, str]:
    """What stands for an answer not yet written: a text as long as usual, and one as long as at most.

    Args:
        limit: tokens the answer may have.
    """
    return "x" * round(limit * _USUAL_SHARE * BYTES_A_TOKEN), "x" * (limit * _LONGEST)


@dataclass(frozen=True, slots=True)
class CallStats:
    """What a judge's earlier calls were like."""

    calls: int = 0
    seconds: float = 0.0
    """Mean of a verdict."""
    output_tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class JudgeQuote:
    """What one judge's missing verdicts will cost and take."""

    judge: str
    calls: int
    expected: float
    """US dollars, with replies of the usual length."""
    worst: float
    """US dollars, with every byte a token and every reply as long as it may be."""
    minutes: float
    price: Price | None
    host: str | None
    """Who receives prompts and answers; None: nobody, they stay on this machine."""
    paid: bool
    """Whether somebody charges for it, be the price known or not."""
    proxy: str | None = None
    """Variable of the proxy on the way."""
    exposed: bool = False
    """Whether its key can be read on the way."""


def quote(
    panel_judge: PanelJudge,
    sizes: Sequence[int],
    habits: CallStats,
    *,
    most: Sequence[int] | None = None,
    batch: bool = False,
) -> JudgeQuote:
    """The quote of one judge.

    Args:
        panel_judge: the judge, with its price.
        sizes: UTF-8 bytes of each missing request's own texts, as expected.
        habits: what its earlier calls were like.
        most: the same bytes at most, where they are not known yet.
        batch: whether the calls go through the provider's batches, at half the price.
    """
    spec, calls = panel_judge.judge, len(sizes)
    if not spec.provided.remote:
        pace = habits.seconds if habits.calls >= ENOUGH_HISTORY else 0.0
        return JudgeQuote(spec.id, calls, 0.0, 0.0, calls * pace / 60, None, None, paid=False)
    measured = habits.calls >= ENOUGH_HISTORY
    fixed, limit = fixed_bytes(spec, panel_judge.rubric), output_limit(spec)
    usual = min(float(limit), habits.output_tokens if measured else REPLY_TOKENS)
    share = batch_share(spec) if batch else 1.0
    expected = _summed(
        sizes,
        lambda size: cost(spec.price, Tokens(round((fixed + size) / BYTES_A_TOKEN), round(usual))),
    )
    worst = _summed(most or sizes, lambda size: worst_cost(spec.price, fixed + size, limit))
    seconds = (habits.seconds if measured else SECONDS_A_CALL) * calls / min(spec.max_concurrency, START)
    return JudgeQuote(
        judge=spec.id,
        calls=calls,
        expected=share * expected,
        worst=share * worst,
        minutes=seconds / 60,
        price=spec.price,
        host=host_of(spec),
        paid=is_paid(spec),
        proxy=spec.proxy_env,
        exposed=is_key_readable(spec),
    )


def _summed(sizes: Sequence[int], priced: Callable[[int], float]) -> float:
    """US dollars of all; many are of the same size, which is priced once."""
    prices = {size: priced(size) for size in set(sizes)}
    return sum(prices[size] for size in sizes)
