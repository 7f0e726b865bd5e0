"""Errors that are about one request's content: a provider's filter, or a prompt that is too long.

Both are decided, and asking again brings the same: `refused` and `invalid`, never `error`.
"""

from __future__ import annotations

import json
import re

from brie.records import Status

_ABOUT_CONTENT = frozenset({400, 403, 413, 422, 451, 500})
_FILTERED = re.compile(
    r"content[_ -]?(?:filter|policy|moderation)|content management policy|responsibleaipolicy"
    r"|invalid_prompt|potentially violating|safety (?:system|filter|setting|reason|polic)"
    r"|prohibited[_ ]content|\bblock_?reason\b|data_?inspection_?failed|inappropriate content"
    r"|flagged (?:as|by|for)|requires moderation|sensitive (?:content|words)|\"code\": \"?1301\"?",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|prompt is too long"
    r"|(?:available|maximum|max|model'?s?|loaded with) context (?:size|window|length)"
    r"|too large for model with \d+ maximum context|input (?:is|length|prompt is) too long"
    r"|input token count[^.]{0,80} exceeds|reduce the length of (?:the|your) (?:messages|prompt|input)"
    r"|(?:prompt|input|request)[^.]{0,60} exceeds? (?:the |this )?(?:model'?s? )?"
    r"(?:context|maximum (?:context|input|number of tokens|length))"
    r"|longer than the maximum (?:model|context|input)|`?inputs`? tokens \+ `?max_new_tokens`? must be"
    r"|(?:request entity|payload|content) too large|request_too_large"
    r"|greater than the context length|string_above_max_length",
    re.IGNORECASE,
)
_FINISHES = re.compile(
    r"^(?:content[_-]?filter|safety|prohibited[_ ]content|blocklist|spii|recitation|refusal|sensitive)",
    re.IGNORECASE,
)
TOO_LONG = (
    "the prompt is too long for the server. Give the model a longer context there (Ollama: num_ctx or "
    "OLLAMA_CONTEXT_LENGTH; llama.cpp: --ctx-size; vLLM: --max-model-len; LM Studio: context length), "
    "or lower max_tokens in the judge's file"
)


def verdict_on(status: int, body: object) -> Status | None:
    """What an HTTP error means for the one request it answered; None: it is about something else.

    Args:
        status: the status code.
        body: the decoded body, or its text.
    """
    if status not in _ABOUT_CONTENT:
        return None
    told = body if isinstance(body, str) else json.dumps(body, default=str)
    if _FILTERED.search(told):
        return Status.REFUSED
    return Status.INVALID if _TOO_LONG.search(told) else None


def is_filtered(finish: object) -> bool:
    """Whether a reply's finish reason says that a filter ended it."""
    return isinstance(finish, str) and _FINISHES.match(finish) is not None
