"""What a reply says it consumed, believed only where it can be true."""

from __future__ import annotations

from pydantic import JsonValue

from brie.judge.prices import OVERHEAD, Tokens

_NONSENSE = -1
_MOST = 2**53


def tokens_of(
    read: JsonValue, *, written: JsonValue, cached: JsonValue = 0, stored: JsonValue = 0
) -> Tokens:
    """Tokens as a provider counted them; what is no count becomes one that cannot be true.

    Args:
        read: input tokens, those from the cache included.
        written: output tokens.
        cached: input tokens read from the provider's cache.
        stored: input tokens written to that cache.
    """
    return Tokens(_count(read), _count(written), _count(cached), _count(stored))


def is_possible(tokens: Tokens, *, sent: int, limit: int) -> bool:
    """Whether a request can have consumed that: a token is a byte at least, and the limit was sent.

    Args:
        tokens: what the reply says.
        sent: UTF-8 bytes of the request at most.
        limit: tokens a reply may have.
    """
    return (
        1 <= tokens.input <= sent + OVERHEAD
        and 0 <= tokens.output <= limit
        and tokens.cached >= 0
        and tokens.written >= 0
        and tokens.cached + tokens.written <= tokens.input
    )


def _count(value: JsonValue) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        return _NONSENSE
    return int(value) if value == int(value) else _NONSENSE
