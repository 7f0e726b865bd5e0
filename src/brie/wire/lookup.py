"""Small questions to servers of models: what they list, without a key and without detours."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.wire.keys import Secrets

if TYPE_CHECKING:
    from email.message import Message
    from http.client import HTTPResponse
    from typing import IO

_MOST_BYTES = 4 * 2**20


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        """Nowhere: what another host says is not what was asked."""
        return


def json_at(address: str, *, seconds: float) -> JsonValue:
    """The JSON document at an address.

    No proxy is asked on the way and no redirect followed; keys are cut out.

    Args:
        address: of HTTP.
        seconds: it may take so long.

    Raises:
        OSError: nobody answers, or with an error.
        ValueError: what comes is no JSON.
        RecursionError: it is nested deeper than any listing.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
    reply: HTTPResponse
    with opener.open(address, timeout=seconds) as reply:
        body = Secrets.of_environment().out_of_body(reply.read(_MOST_BYTES))
    document: JsonValue = json.loads(body)
    return document
