"""A model that judges by the probabilities of two letters, planted on a server."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tests.fakes.judge_servers import Script
from tests.fakes.judge_wire import Act, Seen

MASS = 0.9
"""Probability of both letters together."""


def letters(ahead: Callable[[Seen], float]) -> Script:
    """A server whose model gives the letters what is planted.

    Args:
        ahead: a request -> log p(A) - log p(B).
    """

    def script(seen: Seen) -> Act:
        share = 1 / (1 + math.exp(-ahead(seen)))
        return Act(
            top=offered({"A": MASS * share, "B": MASS * (1 - share), "The": 1 - MASS}), stop="length"
        )

    return script


def offered(probabilities: dict[str, float]) -> list[Any]:
    """Entries of `top_logprobs`, the likeliest first."""
    ranked = sorted(probabilities.items(), key=lambda entry: -entry[1])
    return [
        {"token": token, "logprob": math.log(p), "bytes": list(token.encode())} for token, p in ranked
    ]
