"""What the Hub's jobs API says, as facts and sentences: account, prices, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.errors import BrieError, UsageError
from brie.pin.hub import hub_refusal
from brie.remote.launcher import Fact, Unreachable
from brie.wire.keys import HUB_TOKEN, Secrets

if TYPE_CHECKING:
    from huggingface_hub import HfApi, JobHardwareInfo
    from huggingface_hub.errors import HfHubHTTPError

NO_TOKEN = (
    f"jobs on the Hub need a token that may write repositories and start jobs, in {HUB_TOKEN}: "
    "huggingface.co/settings/tokens"
)
_UNITS = {"second": 3600.0, "minute": 60.0, "hour": 1.0}
"""The Hub's unit of time -> how many of it are an hour."""
_SIZE = re.compile(r"\s*([\d.]+)\s*([KMGT])i?B", re.IGNORECASE)
_POWERS = {"K": 3, "M": 6, "G": 9, "T": 12}


def usd_an_hour(flavor: JobHardwareInfo) -> float | None:
    """What a flavour costs an hour; None where the Hub counts in a unit that is none of time."""
    many = _UNITS.get(flavor.unit_label)
    return None if many is None else flavor.unit_cost_micro_usd * many / 1e6


def bytes_of(text: str | None) -> int | None:
    """`16 GB` as bytes; None where it says no size."""
    match = _SIZE.match(text or "")
    return None if match is None else int(float(match[1]) * 10 ** _POWERS[match[2].upper()])


def account(user: Mapping[str, JsonValue], owner: str) -> Iterator[Fact]:
    """Who pays, and whether the token may write and start.

    Args:
        user: the Hub's `whoami`.
        owner: account that the job belongs to.
    """
    role = _role(user)
    if role == "read":
        yield Fact(
            "token",
            "may only read",
            refused=f"the token in {HUB_TOKEN} may only read: make one that may write, at "
            "huggingface.co/settings/tokens",
        )
    elif role == "fineGrained":
        yield Fact("token", "fine-grained: it needs the rights to write repositories and to run jobs")
    else:
        yield Fact("token", "may write")
    names = {str(user.get("name"))} | {str(org.get("name")) for org in _orgs(user)}
    if owner in names:
        yield Fact("account", f"{owner}; whether its credit is enough is told when the job starts")
    else:
        yield Fact(
            "account",
            f"{owner} is none of yours",
            refused=f"this token does not belong to {owner}: leave the owner out, or name one of "
            f"{', '.join(sorted(names))}",
        )


def _orgs(user: Mapping[str, JsonValue]) -> list[Mapping[str, JsonValue]]:
    orgs = user.get("orgs")
    return [org for org in orgs if isinstance(org, dict)] if isinstance(orgs, list) else []


def _role(user: Mapping[str, JsonValue]) -> str:
    auth = user.get("auth")
    token = auth.get("accessToken") if isinstance(auth, dict) else None
    return str(token.get("role")) if isinstance(token, dict) else ""


def reachable(api: HfApi, base: str) -> Fact:
    """Whether the token may read a base's files: gated ones are listed to all, and read by some."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    repo, _, revision = base.partition("@")
    address = hf_hub_url(repo, "config.json", revision=revision or None, endpoint=api.endpoint)
    with answers(repo):
        try:
            api.get_hf_file_metadata(url=address)
        except HfHubHTTPError as error:
            refused = hub_refusal(error, repo, kind="model", revision=revision or None)
            if refused is None:
                raise
            return Fact("base", f"{base} cannot be read with this token", refused=str(refused))
    return Fact("base", f"{base} can be read with this token")


@contextmanager
def answers(what: str) -> Iterator[None]:
    """What the Hub's library raises, as one sentence, without the token.

    Args:
        what: whom the sentence is about: a repository, a job.

    Raises:
        UsageError: the Hub refuses.
        Unreachable: it does not answer, or is busy.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError as error:
        raise _refusal(error, what) from error
    except BrieError:
        raise
    except Exception as error:
        if not (isinstance(error, OSError) or type(error).__module__.startswith("http")):
            raise
        raise Unreachable(
            f"the Hub does not answer ({_said(error)}); the same command goes on."
        ) from error


def _refusal(error: HfHubHTTPError, what: str) -> BrieError:
    status = 0 if error.response is None else error.response.status_code
    if status == 402:
        return UsageError(f"the Hub wants credit for {what}: huggingface.co/settings/billing adds some.")
    if status == 401:
        return UsageError(
            f"the Hub does not know the token in {HUB_TOKEN}: make one at huggingface.co/settings/tokens"
        )
    if status == 403:
        return UsageError(
            f"the Hub does not let the token in {HUB_TOKEN} do this for {what}: it needs the rights to "
            "write repositories and to run jobs, on an account that has credit. Make one at "
            "huggingface.co/settings/tokens"
        )
    if status == 404:
        return UsageError(f"the Hub knows nothing of {what} any more.")
    if status == 429 or status >= 500 or status == 0:
        return _no_answer(error)
    return UsageError(f"the Hub refuses {what}: {_said(error)}")


def _no_answer(error: Exception) -> Unreachable:
    return Unreachable(f"the Hub does not answer ({_said(error)}); the same command goes on.")


def _said(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
    return Secrets.of_environment().out_of(text)
