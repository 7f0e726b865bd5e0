"""What a server says when it gives no verdict: its words are found whatever they are wrapped in.

The code of a reply says little: no credit comes as 429, a wrong key as 400, a limit of the provider
behind a router inside a 200. What is decided, is decided by the words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Cause = Literal[
    "credit", "quota", "key", "model", "memory", "region", "protocol", "reply", "passing", ""
]
"""No credit; the quota of a day or a month; the key; the model or its address; memory for the model;
where this machine is; a model of another protocol; what the model wrote did not pass the server's own
check; a limit or a crash that came with the code of another kind; something else."""

_LONGEST_SAID = 300
_LONGEST_SEARCHED = 8_000
_DEEPEST = 4
_REPEATED = frozenset({"input", "body", "request", "messages", "prompt", "failed_generation"})
"""Keys under which servers repeat what they were sent, or what the model wrote: not their words."""
_CREDIT = re.compile(
    r"insufficient[_ ](?:quota|balance|credit|fund)|credit_balance_exhausted|credit balance is too low"
    r"|no (?:more )?credits? (?:is |are )?(?:left|remain|available)|out of credit|requires more credit"
    r"|credits? (?:is|are|have been|has been) (?:depleted|exhausted|used up)|all available credits"
    r"|payment[_ ]required|billing_hard_limit|billing_not_active|account is not active|arrearage"
    r"|spending limit|spend limit|credit limit exceeded|budget has been exceeded"
    r"|purchase (?:more )?credit|billing to be enabled|key limit exceeded"
)
_PLAN = re.compile(r"exceeded your current quota|check your plan and billing")
_LONG_QUOTA = re.compile(
    r"per[-_ ]?(?:day|week|month)|\brp[dm]ay\b|\b[rt]pd\b|\b(?:daily|weekly|monthly)\b[^.]{0,40}"
    r"(?:limit|quota|cap|usage|allowance)|quota for (?:the |this |to)?(?:day|week|month)"
    r"|\d (?:api )?(?:calls|requests) ?/ ?(?:day|week|month)"
)
_KEY = re.compile(
    r"(?:invalid|incorrect|wrong|expired|revoked|missing|no)[_ ]api[_ ]?key"
    r"|api[_ ]?key[_ ](?:not[_ ]valid|invalid|expired)"
    r"|api key[^.]{0,40}(?:not valid|invalid|expired|not found|missing|disabled|revoked|incorrect)"
    r"|invalid x-api-key|authentication_error|authentication fails|invalid_authentication"
    r"|unauthenticated|no (?:auth|cookie auth) credentials|invalid bearer|api_key_invalid"
)
_PROTOCOL = re.compile(r"v1/responses|not a chat model|responses api")
_MODEL = re.compile(
    r"model_not_found|model_not_available|deploymentnotfound|no models? (?:is |are )?loaded"
    r"|unknown model"
    r"|no such model|not a valid model|invalid model|model identifier is invalid|model_not_supported"
    r"|try pulling|no endpoints found for"
    r"|\bmodels?\b[^.]{0,120}(?:not exist|not found|not available|isn't available|not served)"
)
_MEMORY = re.compile(r"requires more (?:system |gpu )?memory")
_REGION = re.compile(r"(?:country|region|territory|location)[^.]{0,40}(?:not supported|unsupported)")
_PASSING = re.compile(
    r"throttling|\brate exceeded|rate limit (?:reached|exceeded)|too many requests"
    r"|model (?:has )?crashed|model (?:was |has been )?unloaded|degraded function"
)
_REPLY = re.compile(r"json_validate_failed|failed to validate json|tool_use_failed")
_IN_WORDS = re.compile(
    r"(?:try again|retry|wait)(?: after| in| for)? (?P<span>(?:\d+(?:\.\d+)? ?"
    r"(?:ms|milliseconds?|h(?:ours?)?|m(?:in(?:utes?)?)?|s(?:ec(?:onds?)?)?)\b ?)+"
    r"|\d+h\d+m[\d.]+s|\d+m[\d.]+s)"
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(ms|mi?l|h|m|s)")
_SECONDS = {"ms": 0.001, "h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Words:
    """What a server says."""

    message: str
    """For people, on one line."""
    all: str = ""
    """Everything it sent, in small letters, to be searched."""
    status: int = 0
    """An HTTP status that stands in the body; 0: none."""
    param: str = ""
    """The setting it says it is about."""
    wait: float | None = None
    """Seconds it asks to wait, where the body says so."""


NOTHING_SAID = Words("")


def words_of(body: object) -> Words:
    """A body's words: an object, a list of one, a text, or JSON in a text.

    Args:
        body: the decoded body of a reply, or its text.
    """
    inner = _inner(body)
    told = body if isinstance(body, str) else json.dumps(_own(body), default=str, ensure_ascii=False)
    message = _message(inner)
    if message.lstrip()[:1] in ("{", "["):
        inner = _inner(_loaded(message))
        message = _message(inner)
    return Words(
        short(message or "no explanation"),
        told[:_LONGEST_SEARCHED].lower().replace("\\n", " ").replace("\\", ""),
        _status(inner),
        str(inner.get("param") or "") if isinstance(inner, Mapping) else "",
        _wait(inner, message),
    )


def cause_of(status: int, words: Words) -> Cause:
    """What a server means, which no other request will change; "" where it is something else.

    Args:
        status: the HTTP status; that of the body where a 200 holds an error.
        words: what it said.
    """
    told = words.all
    if _REPLY.search(told):
        return "reply"
    if status == 402 or _CREDIT.search(told):
        return "credit"
    if status in (403, 429) and _LONG_QUOTA.search(told):
        return "quota"
    if status == 429:
        # Some say so of every limit, and then how long to wait.
        return "credit" if _PLAN.search(told) and words.wait is None and "minute" not in told else ""
    if _MEMORY.search(told):
        return "memory"
    if status in (400, 403, 451) and _REGION.search(told):
        return "region"
    if status in (401, 407) or _KEY.search(told):
        return "key"
    if _PROTOCOL.search(told):
        return "protocol"
    if status == 400 and _PASSING.search(told):
        return "passing"
    return "model" if status == 404 or _MODEL.search(told) else "key" if status == 403 else ""


def error_inside(document: object) -> Words | None:
    """The words of an error that came with status 200; None where it is no error."""
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, Mapping):
        return None
    choices = document.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        message = choices[0].get("message")
        if isinstance(message, Mapping) and (message.get("content") or message.get("tool_calls")):
            return None
        error = choices[0].get("error")
        return words_of({"error": error}) if error else None
    error = document.get("error")
    return words_of(document) if isinstance(error, Mapping | str) and error else None


def seconds_of(span: str) -> float | None:
    """Seconds of a span such as `34s`, `7m12.5s`, `120ms` or `26 seconds`; None where it is none."""
    parts = _SPAN.findall(span)
    return sum(float(n) * _SECONDS[unit[:2] if unit[:2] == "ms" else unit[0]] for n, unit in parts) or (
        0.0 if parts else None
    )


def short(text: str) -> str:
    """A text on one line, its beginning if it is long."""
    return " ".join(text.split())[:_LONGEST_SAID]


def _own(body: object) -> object:
    """A body without what it repeats of the request."""
    if isinstance(body, Mapping):
        return {name: _own(value) for name, value in body.items() if name not in _REPEATED}
    return [_own(item) for item in body[:20]] if isinstance(body, list) else body


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _inner(body: object) -> object:
    """The part of a body that says what happened."""
    for _ in range(_DEEPEST):
        if isinstance(body, str) and body.lstrip()[:1] in ("{", "["):
            loaded = _loaded(body)
            if isinstance(loaded, str):
                return body
            body = loaded
        elif isinstance(body, list) and body:
            body = body[0]
        elif isinstance(body, Mapping) and body.get("error"):
            body = body["error"]
        elif isinstance(body, Mapping) and isinstance(body.get("errors"), list) and body["errors"]:
            body = body["errors"]
        else:
            break
    return body


def _message(inner: object) -> str:
    if not isinstance(inner, Mapping):
        return str(inner or "")
    detail = inner.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        place = ".".join(str(part) for part in detail[0].get("loc") or ())
        return f"{place}: {detail[0].get('msg') or detail[0].get('type')}"
    raw = inner.get("metadata")
    behind = raw.get("raw") if isinstance(raw, Mapping) else None
    said = str(inner.get("message") or inner.get("msg") or detail or json.dumps(inner, default=str))
    return f"{said} ({short(str(behind))})" if behind else said


def _status(inner: object) -> int:
    if not isinstance(inner, Mapping):
        return 0
    for name in ("code", "status", "status_code"):
        value = inner.get(name)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return 0


def _wait(inner: object, message: str) -> float | None:
    details = inner.get("details") if isinstance(inner, Mapping) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(delay, str) and (seconds := seconds_of(delay)) is not None:
            return seconds
    found = _IN_WORDS.search(message.lower())
    return seconds_of(found["span"]) if found else None
