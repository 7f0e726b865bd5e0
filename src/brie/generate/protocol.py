"""The chat completions protocol as brie uses it: what is sent, and what a reply must hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from brie.errors import UsageError
from brie.generate.engine import Request
from brie.generate.thoughts import split_served
from brie.pin import fold_system
from brie.records import FinishReason, Sampling, whole_text

if TYPE_CHECKING:
    from openai import APIError
    from openai.types.chat import ChatCompletion, ChatCompletionMessage

_OPTIONAL = (
    "chat_template_kwargs",
    "repeat_penalty",
    "repetition_penalty",
    "min_p",
    "top_k=-1",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
)
"""Fields left out for a server that refuses them, in this order where it does not name one."""
_MINUS_ONE = "top_k=-1"
"""Not a field but a form of one: servers that refuse -1 for "off" are sent 0."""
_TWINS = {"repetition_penalty", "repeat_penalty"}
"""Two names of one setting, of which a server may lack one."""
_NEEDED = {
    "top_k": 0,
    "repetition_penalty": 1.0,
    "min_p": 0.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
"""Settings and the value at which they do nothing; one that does something is never left out."""
_SLACK = 8
"""Tokens over the limit that only show that servers count the end of an answer differently."""
_LONGEST_TOKEN = 200
_NO_COUNT = 2**31
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
    reasoning: str = ""
    """What was thought before it, in a field of its own or in the text."""


def arguments(model: str, request: Request, left_out: Iterable[str]) -> dict[str, Any]:
    """A request as the SDK takes it.

    Every setting is sent, those that are off too: some servers fill in what a request leaves out
    from the model's own generation config.

    Args:
        model: the model's name on the server.
        request: what to ask.
        left_out: optional fields, or forms of one, that the server refuses.
    """
    left_out = set(left_out)
    sampling = request.sampling
    extra: dict[str, JsonValue] = {
        "chat_template_kwargs": {"enable_thinking": sampling.thinking},
        # -1 rather than 0: most servers that know the field take it for "off".
        "top_k": sampling.top_k or (0 if _MINUS_ONE in left_out else -1),
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "repeat_penalty": sampling.repetition_penalty,  # the same, as llama.cpp and Ollama call it
    }
    sent: dict[str, Any] = {
        "model": model,
        "messages": _messages(request),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_new_tokens,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        # 31 bits: the widest that every server takes for a seed.
        "seed": int(request.key.removeprefix("sha256:")[:8], 16) >> 1,
    }
    if sampling.stop:
        sent["stop"] = list(sampling.stop)
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
    needed = {name for name, off in _NEEDED.items() if getattr(sampling, name) != off}
    if sampling.thinking:
        needed.add("chat_template_kwargs")
    gone = set(left_out)
    needed = needed - _TWINS | (_TWINS if "repetition_penalty" in needed and gone & _TWINS else set())
    free = [name for name in _OPTIONAL if name not in needed and name not in gone]
    if sampling.top_k:
        free = [name for name in free if name != _MINUS_ONE]
    return next((name for name in free if name.partition("=")[0] in message), free[0] if free else None)


def names_field(message: str, name: str) -> bool:
    """Whether a server's words are about an optional field."""
    return re.search(rf"\b{name.partition('=')[0]}\b", message) is not None


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
        reason, text = choice.finish_reason, _kept(choice.message.content)
    except (AttributeError, LookupError, TypeError) as error:
        raise NoAnswerError(f"the reply holds no choices: {str(response)[:100]!r}") from error
    thought = _thought(choice.message)
    if reason not in ("stop", "length", None) or not (isinstance(text, str) or thought):
        raise NoAnswerError(f"the reply holds no answer (finish reason {reason!r})")
    whole = text if isinstance(text, str) else ""
    reported = getattr(getattr(response, "usage", None), "completion_tokens", None)
    # Without a count, four bytes a token is the usual guess.
    known = isinstance(reported, int) and not isinstance(reported, bool) and 0 <= reported < _NO_COUNT
    counted = reported if known else None
    written = len(whole.encode("utf-8", "replace")) + len(thought.encode("utf-8", "replace"))
    tokens = math.ceil(written / 4) if counted is None else counted
    if len(whole) > limit * _LONGEST_TOKEN or (counted is not None and counted > limit + _SLACK):
        raise UsageError(
            f"{label} keeps no limit: {limit} tokens were asked for and {tokens} came, so the two "
            "sides would not answer under the same conditions. Set the limit on the server, or use "
            "one that honours max_tokens."
        )
    fingerprint = getattr(response, "system_fingerprint", None) or getattr(response, "model", None)
    apart = split_served(whole)
    cut = reason == "length"
    silent = apart.unfinished or (bool(thought) and not whole.strip())
    finish: FinishReason = "thinking" if cut and silent else "length" if cut else "stop"
    thoughts = "\n".join(filter(None, (thought, apart.thought)))
    reported_by = whole_text(str(fingerprint or "none reported"))
    return Answer(apart.answer, finish, tokens, reported_by, thoughts)


def _kept(text: str | None) -> str | None:
    """A text that can be written: half of a surrogate pair, where a server cut one, becomes U+FFFD."""
    return whole_text(text) if isinstance(text, str) else text


def _thought(message: ChatCompletionMessage) -> str:
    """What a server keeps apart as thought: two names are in use."""
    fields = (getattr(message, name, None) for name in ("reasoning_content", "reasoning"))
    return next(
        (whole_text(text).strip() for text in fields if isinstance(text, str) and text.strip()), ""
    )


def said(error: APIError) -> str:
    """A server's own words for a failure, on one line."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    text = message or (json.dumps(body) if body else str(error))
    return " ".join(str(text).split())[:300]
