"""A few short requests that tell which settings a server honours, before it is asked in earnest.

A server may take a field and do nothing with it. Greedy answers must not depend on the seed, nor
may those drawn at a high temperature from one candidate; drawn freely, one seed must give one text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from brie.digest import digest
from brie.generate.engine import Request
from brie.generate.protocol import Answer
from brie.records import Message

Ask = Callable[[Request], Awaitable[Answer]]
PROBE_TOKENS = 24
_HOT = 1.5
_QUESTION = Message(role="user", content="Name some things that are blue, and say where one finds them.")


async def ignored_settings(ask: Ask, like: Request, left_out: set[str]) -> tuple[str, ...]:
    """Settings that a server takes and does not honour, as far as short texts show.

    Args:
        ask: has one request answered.
        like: a request of the evaluation; its model is asked something else.
        left_out: fields the server refuses; filled in on the way, and not asked for again.

    Raises:
        NoAnswerError, UsageError: as `ask` does.
    """

    async def text(seed: int, *, temperature: float, top_k: int = 0) -> str:
        sampling = like.sampling.model_copy(
            update={
                "temperature": temperature,
                "top_k": top_k,
                "top_p": 1.0,
                "min_p": 0.0,
                "max_new_tokens": PROBE_TOKENS,
                "stop": (),
            }
        )
        key = digest({"probe": seed})
        return (await ask(replace(like, key=key, messages=(_QUESTION,), sampling=sampling))).text

    ignored = []
    greedy = await text(1, temperature=0.0)
    if await text(2, temperature=0.0) != greedy:
        ignored.append("temperature")
    if "top_k" not in left_out:
        one = await text(1, temperature=_HOT, top_k=1)
        if await text(2, temperature=_HOT, top_k=1) != one:
            ignored.append("top_k")
    if "seed" not in left_out:
        free = await text(3, temperature=_HOT)
        if await text(3, temperature=_HOT) != free:
            ignored.append("seed")
    return tuple(ignored)
