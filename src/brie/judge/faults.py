"""What goes wrong between here and a provider, sorted by what to do about it."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from brie.judge.declined import TOO_LONG, verdict_on
from brie.records import Status

Kind = Literal["again", "this", "all"]
"""`again`: worth another try. `this`: this request fails alone. `all`: every request will fail."""

_AGAIN = frozenset({408, 409, 425, 429})
_BUSY = frozenset({429, 503, 529})
_LONGEST_SAID = 300


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
        status: Status = Status.ERROR,
    ) -> None:
        """A fault.

        Args:
            text: what happened, in one sentence.
            kind: what to do about it.
            wait: seconds the server asked for.
            busy: whether the server wants fewer requests.
            billed: whether it may have been billed all the same.
            status: what the request ends as, where nothing else is tried.
        """
        super().__init__(text)
        self.kind = kind
        self.wait = wait
        self.busy = busy
        self.billed = billed
        self.status = status


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
    message = said_in(body)
    outcome = verdict_on(status, body)
    if outcome is not None:
        why = "the provider's filter refused" if outcome is Status.REFUSED else TOO_LONG
        return Fault(f"{why}. (HTTP {status}: {message})", "this", status=outcome)
    if status in _AGAIN or status >= 500:
        wait = retry_after(headers)
        return Fault(f"HTTP {status}: {message}", "again", wait=wait, busy=status in _BUSY)
    if status in (401, 403):
        return Fault(f"HTTP {status}: the key was not accepted; check {key}. ({message})", "all")
    if status == 402:
        return Fault(f"HTTP 402: the account has no credit. ({message})", "all")
    if status == 404:
        return Fault(f"HTTP 404: no such model or address; check `model` in {file}. ({message})", "all")
    if named := refused_setting(body, message, sent):
        return Fault(
            f"HTTP {status}: the provider does not take {named!r} as {file} has it; change or remove "
            f"that line. ({message})",
            "all",
        )
    return Fault(f"HTTP {status}: {message}", "this")


def of_connection(error: BaseException, *, seconds: float | None, address: str) -> Fault:
    """The fault behind a connection that failed, or an answer that did not come.

    Args:
        error: what the client raised.
        seconds: the time limit, where it ran out.
        address: scheme and host that were asked.
    """
    chain = _causes(error)
    if seconds is not None:
        return Fault(f"no answer within {seconds:g} s", "again", billed=True)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain) or any(
        "CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in chain
    ):
        return Fault(f"the certificate of {address} could not be verified.", "all")
    text = next(
        (str(cause) for cause in reversed(chain) if str(cause)),
        type(error).__name__,
    )
    refused = any(isinstance(cause, ConnectionRefusedError) for cause in chain) or "refused" in text
    if refused or "Name or service not known" in text or "nodename nor servname" in text:
        return Fault(f"{address} cannot be reached: {text}", "again")
    return Fault(f"the connection to {address} broke: {text}", "again", billed=True)


def of_body(content: bytes, kind: str) -> Fault:
    """The fault of a reply with status 200 that is not what was asked for."""
    if not content.strip():
        return Fault("HTTP 200 with an empty body", "again", billed=True)
    try:
        text = content.decode("utf-8")[:200]
    except UnicodeDecodeError:
        return Fault("HTTP 200 with a body that is not UTF-8", "again", billed=True)
    what = "HTML" if text.lstrip()[:1] == "<" or "html" in kind else "no valid JSON"
    return Fault(f"HTTP 200 with {what}: {_short(text)}", "again", billed=True)


def said_in(body: object) -> str:
    """A server's own words, on one line."""
    if isinstance(body, dict):
        inner = body.get("error", body)
        text = inner.get("message") if isinstance(inner, dict) else inner
        return _short(str(text or json.dumps(body)))
    return _short(str(body or "no explanation"))


def refused_setting(body: object, message: str, sent: Iterable[str]) -> str | None:
    """The setting a refusal is about, where it names one that was sent."""
    inner = body.get("error", body) if isinstance(body, dict) else {}
    param = inner.get("param") if isinstance(inner, dict) else None
    names = list(sent)
    if isinstance(param, str) and (matched := next((n for n in names if param.startswith(n)), None)):
        return matched
    quoted = [n for n in names if re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", message)]
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


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_SAID]
