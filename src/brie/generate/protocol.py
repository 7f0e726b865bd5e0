"""The chat completions protocol as brie uses it: what is sent, and what a reply must hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from brie.errors import UsageError
from brie.generate.engine import Request
from brie.pin import fold_system
from brie.records import FinishReason, Sampling

if TYPE_CHECKING:
    from openai import APIError
    from openai.types.chat import ChatCompletion

_OPTIONAL = ("chat_template_kwargs", "repetition_penalty", "top_k", "seed")
"""Fields left out for a server that refuses them, in this order where it does not name one."""
_SLACK = 8
"""Tokens over the limit that only show that servers count the end of an answer differently."""
_LONGEST_TOKEN = 200
"""Characters; an answer longer than limit x this kept no limit."""


class NoAnswerError(Exception):
    """One answer could not be had; others may be."""


@dataclass(frozen=True)
class Answer:
    """What a reply says."""

    text: str
    finish_reason: FinishReason
    tokens: int
    fingerprint: str
    """What the server said of the system behind it."""


def arguments(model: str, request: Request, left_out: Iterable[str]) -> dict[str, Any]:
    """A request as the SDK takes it.

    Every setting is sent, those that are off too: some servers fill in what a request leaves out
    from the model's own generation config.

    Args:
        model: the model's name on the server.
        request: what to ask.
        left_out: optional fields the server refuses.
    """
    sampling = request.sampling
    extra: dict[str, JsonValue] = {
        "chat_template_kwargs": {"enable_thinking": sampling.thinking},
        # -1 rather than 0: all servers that know the field take it for "off".
        "top_k": sampling.top_k or -1,
        "repetition_penalty": sampling.repetition_penalty,
    }
    sent: dict[str, Any] = {
        "model": model,
        "messages": _messages(request),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_new_tokens,
        # 31 bits: the widest that every server takes for a seed.
        "seed": int(request.key.removeprefix("sha256:")[:8], 16) >> 1,
    }
    for name in left_out:
        sent.pop(name, None)
        extra.pop(name, None)
    return {**sent, "extra_body": extra}


def _messages(request: Request) -> list[Mapping[str, JsonValue]]:
    """The conversation; a server's template is not seen, so that folding is done where it is asked."""
    messages = [message.model_dump() for message in request.messages]
    return fold_system(messages) if request.sampling.system == "fold" else list(messages)


def next_to_leave_out(message: str, left_out: Iterable[str], sampling: Sampling) -> str | None:
    """The field a server's refusal is about, or the next that might be; None: nothing is left.

    Fields that the sampling needs are never left out: the answers would be drawn otherwise.
    """
    needed = {"top_k"} if sampling.top_k else set()
    if sampling.repetition_penalty != 1:
        needed.add("repetition_penalty")
    if sampling.thinking:
        needed.add("chat_template_kwargs")
    free = [name for name in _OPTIONAL if name not in needed and name not in set(left_out)]
    return next((name for name in free if name in message), free[0] if free else None)


def read_reply(response: ChatCompletion, limit: int, label: str) -> Answer:
    """What a reply says.

    Args:
        response: what the SDK made of the reply; anything at all, from a broken server.
        limit: tokens that were allowed.
        label: the server's name.

    Raises:
        NoAnswerError: the reply holds no answer.
        UsageError: the server kept no limit.
    """
    try:
        choice = response.choices[0]
        reason, text = choice.finish_reason, choice.message.content
    except (AttributeError, LookupError, TypeError) as error:
        raise NoAnswerError(f"the reply holds no choices: {str(response)[:100]!r}") from error
    if reason not in ("stop", "length", None) or not isinstance(text, str):
        raise NoAnswerError(f"the reply holds no answer (finish reason {reason!r})")
    reported = getattr(getattr(response, "usage", None), "completion_tokens", None)
    # Without a count, four bytes a token is the usual guess.
    counted = reported if isinstance(reported, int) else None
    tokens = math.ceil(len(text.encode("utf-8", "replace")) / 4) if counted is None else counted
    if len(text) > limit * _LONGEST_TOKEN or (counted is not None and counted > limit + _SLACK):
        raise UsageError(
            f"{label} keeps no limit: {limit} tokens were asked for and {tokens} came, so the two "
            "sides would not answer under the same conditions. Set the limit on the server, or use "
            "one that honours max_tokens."
        )
    fingerprint = getattr(response, "system_fingerprint", None) or getattr(response, "model", None)
    finish: FinishReason = "length" if reason == "length" else "stop"
    return Answer(text, finish, tokens, str(fingerprint or "none reported"))


def said(error: APIError) -> str:
    """A server's own words for a failure, on one line."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    text = message or (json.dumps(body) if body else str(error))
    return " ".join(str(text).split())[:300]
