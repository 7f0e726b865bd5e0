"""What goes wrong between here and a provider, sorted by what to do about it."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypedDict

from brie.judge.declined import TOO_LONG, verdict_on
from brie.judge.words import NOTHING_SAID, Cause, Words, cause_of, short, words_of
from brie.records import Status

Kind = Literal["again", "this", "all"]
"""`again`: worth another try. `this`: this request fails alone. `all`: every request will fail."""

_AGAIN = frozenset({408, 409, 425, 429})
_BUSY = frozenset({429, 503, 529})
_FINAL: frozenset[Cause] = frozenset({"credit", "quota", "key", "model", "memory", "region", "protocol"})
"""What no other request will change."""
_THINKING = ("reasoning_effort", "reasoning", "think", "thinking", "chat_template_kwargs")
"""Settings about thinking, which refusals call by that name alone."""
_NEVER_SENT = ("ConnectTimeout", "PoolTimeout")
"""Timeouts of the clients before a request was on its way: nobody can charge for it."""


class Fault(Exception):
    """A request that brought no reply; the text says what happened."""

    def __init__(
        self,
        text: str,
        kind: Kind,
        *,
        wait: float | None = None,
        busy: bool = False,
        billed: bool = False,
        outage: bool = False,
        http: int = 0,
        words: Words = NOTHING_SAID,
        cause: Cause | Literal["unreachable"] = "",
        status: Status = Status.ERROR,
    ) -> None:
        """A fault.

        Args:
            text: what happened, in one sentence.
            kind: what to do about it.
            wait: seconds the server asked for.
            busy: whether the server wants fewer requests.
            billed: whether it may have been billed all the same.
            outage: whether it is what an outage looks like: nothing answers, 5xx, a rate limit.
            http: the HTTP status; 0: there was none.
            words: what the server said.
            cause: what it means, where it is known.
            status: what the request ends as, where nothing else is tried.
        """
        super().__init__(text)
        self.kind = kind
        self.wait = wait
        self.busy = busy
        self.billed = billed
        self.outage = outage
        self.http = http
        self.words = words
        self.cause = cause
        self.status = status

    def __reduce__(self) -> tuple[type[Fault], tuple[str, Kind], dict[str, object]]:
        """How it is pickled, on its way from a worker."""
        return type(self), (str(self), self.kind), self.__dict__


def of_status(
    status: int, body: object, headers: Any, *, file: str, key: str | None, sent: Iterable[str]
) -> Fault:
    """The fault behind an HTTP error status.

    Args:
        status: the status code.
        body: the decoded body, or its text.
        headers: the response's headers.
        file: the judge's file, for the line to change.
        key: the variable that holds the judge's key.
        sent: names of the settings that were sent.
    """
    words = words_of(body)
    cause, message = cause_of(status, words), words.message
    about: _About = {"http": status, "words": words, "cause": cause}
    outcome = verdict_on(status, body)
    if outcome is not None:
        why = "the provider's filter refused" if outcome is Status.REFUSED else TOO_LONG
        return Fault(f"{why}. (HTTP {status}: {message})", "this", status=outcome, **about)
    if cause in _FINAL:
        text = _told(cause, file=file, key=key)
        return Fault(f"HTTP {status}: {text} ({message})", "all", **about)
    if cause == "reply":
        return Fault(f"HTTP {status}: {message}", "again", billed=True, **about)
    if "request too large" in words.all:
        why = f"{TOO_LONG}. (HTTP {status}: {message})"
        return Fault(why, "this", status=Status.INVALID, **about)
    if 300 <= status < 400:
        told = f"the server sends requests on to another address; brie goes only where {file} says."
        return Fault(f"HTTP {status}: {told} Put the right base_url there.", "all", **about)
    if status in _AGAIN or status >= 500 or cause == "passing":
        wait = retry_after(headers)
        asked = words.wait if wait is None else wait
        busy = status in _BUSY or cause == "passing"
        return Fault(f"HTTP {status}: {message}", "again", wait=asked, busy=busy, outage=True, **about)
    if named := refused_setting(words, sent):
        advice = _advice(named, words, file)
        return Fault(f"HTTP {status}: {advice} ({message})", "all", **about)
    return Fault(f"HTTP {status}: {message}", "this", **about)


class _About(TypedDict):
    http: int
    words: Words
    cause: Cause


def _told(cause: Cause, *, file: str, key: str | None) -> str:
    """What is wrong with every request, and what to change."""
    wants = f'the server wants a key; name its variable: api_key_env = "MY_KEY" in {file}.'
    return {
        "credit": "the account has no credit.",
        "quota": "a quota of the day or longer is used up; the same command goes on when it is renewed.",
        "key": f"the key was not accepted; check {key}." if key else wants,
        "model": f"no such model or address; check `model` and `base_url` in {file}.",
        "memory": "the server has not enough memory for the model; serve a smaller one.",
        "region": "the provider does not serve the place where this machine is.",
        "protocol": "the model is not asked in this protocol; a judge with "
        f'provider = "openai-responses" is. Change that line in {file}.',
    }[cause]


_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_TOO_LARGE = re.compile(r"too large|at most|maximum|exceed|less than|<=|supports up to|higher than")
_OF_FORM = ("response_format", "tools", "tool_choice", "output_config.format", "text.format", "text")


def _advice(named: str, words: Words, file: str) -> str:
    """Which line of a judge's file to change, so that the refusal does not come again."""
    told = f"the provider does not take {named!r} as {file} has it;"
    if named.startswith(_OF_FORM):
        return f'the provider does not take {named!r}; put output = "text" into {file}.'
    if named in _LIMITS and _TOO_LARGE.search(words.all):
        return f"{told} lower max_tokens there."
    return f"{told} change or remove that line."


def of_connection(error: BaseException, *, seconds: float | None, address: str) -> Fault:
    """The fault behind a connection that failed, or an answer that did not come.

    Args:
        error: what the client raised.
        seconds: the time limit, where it ran out.
        address: scheme and host that were asked.
    """
    chain = _causes(error)
    if any(type(cause).__name__ in _NEVER_SENT for cause in chain):
        told = f"{address} cannot be reached: no connection in time"
        return Fault(told, "again", outage=True, cause="unreachable")
    if seconds is not None:
        return Fault(f"no answer within {seconds:g} s", "again", billed=True, outage=True)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain) or any(
        "CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in chain
    ):
        return Fault(f"the certificate of {address} could not be verified.", "all")
    text = next(
        (str(cause) for cause in reversed(chain) if str(cause)),
        type(error).__name__,
    )
    refused = any(isinstance(cause, ConnectionRefusedError | socket.gaierror) for cause in chain)
    if refused or _UNREACHABLE.search(text):
        told = f"{address} cannot be reached: {text}"
        return Fault(told, "again", outage=True, cause="unreachable")
    return Fault(f"the connection to {address} broke: {text}", "again", billed=True, outage=True)


_UNREACHABLE = re.compile(
    r"refused|name or service not known|nodename nor servname|temporary failure in name resolution"
    r"|no address associated|network is (?:unreachable|down)|no route to host|host is down",
    re.IGNORECASE,
)


def of_body(content: bytes, kind: str) -> Fault:
    """The fault of a reply with status 200 that is not what was asked for."""
    if not content.strip():
        return Fault("HTTP 200 with an empty body", "again", billed=True)
    try:
        text = content.decode("utf-8")[:200]
    except UnicodeDecodeError:
        return Fault("HTTP 200 with a body that is not UTF-8", "again", billed=True)
    what = "HTML" if text.lstrip()[:1] == "<" or "html" in kind else "no valid JSON"
    return Fault(f"HTTP 200 with {what}: {short(text)}", "again", billed=True, outage=what == "HTML")


def said_in(body: object) -> str:
    """A server's own words, on one line."""
    return words_of(body).message


def refused_setting(words: Words, sent: Iterable[str]) -> str | None:
    """The setting a refusal is about, where it names one that was sent."""
    names = list(sent)
    if words.param and (matched := next((n for n in names if words.param.startswith(n)), None)):
        return matched
    quoted = [n for n in names if re.search(rf"(?<![\w-]){re.escape(n.lower())}(?![\w-])", words.all)]
    if not quoted and "not support thinking" in words.all:
        return next((name for name in names if name in _THINKING), None)
    return max(quoted, key=len, default=None)


def retry_after(headers: Any) -> float | None:
    """Seconds a server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    try:
        if value := headers.get("retry-after-ms"):
            return max(0.0, float(value) / 1000)
        value = headers.get("retry-after")
        return max(0.0, float(value)) if value else None
    except ValueError:
        return _until_date(str(value), server_time(headers))


def server_time(headers: Any) -> float:
    """Seconds since 1970 by the server's own clock, where it tells; ours may be wrong."""
    try:
        return parsedate_to_datetime(headers.get("date")).timestamp()
    except (ValueError, TypeError):
        return time.time()


def _until_date(value: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError):
        return None


def _causes(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain
