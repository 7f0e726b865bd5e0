"""The HTTP client under every SDK: it goes where it is told, and nowhere else.

It follows no redirect, stops reading a body before it fills the memory, and cuts keys out of bodies
and headers as they come in, before anybody shortens, decodes or prints them. Towards a host that is
not the vendor's own it borrows nothing from the environment: no proxy, no organisation, no headers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

from brie.wire.keys import Secrets

if TYPE_CHECKING:
    import ssl
    from contextlib import AbstractContextManager

    import httpx2

LONGEST_REPLY = 32 * 2**20
"""Bytes of a reply's body, decompressed, that are read at most: a verdict has a few thousand."""
LONGEST_FILE = 512 * 2**20
"""The same of what is fetched, such as the results of a batch of 10,000 verdicts."""
_CONNECT = 10.0
"""Seconds a connection may take to come about."""
_PLAIN = ("", "identity", "gzip", "x-gzip", "deflate")
"""Compressions that are asked for; a chunk of another one may unpack to gigabytes at once."""
_ASKED = {"accept-encoding": "gzip, deflate"}
_A_POOL = 4
"""Requests at a time in one pool. For every request a pool looks at each of its connections: with 128
of them that costs a third of a call, with 16 an eighth."""
_OF_THE_WIRE = (b"content-encoding", b"content-length", b"transfer-encoding")
_SDK_VARIABLES = ("OPENAI_", "ANTHROPIC_", "AZURE_OPENAI_")
"""What the SDKs' own variables begin with: organisation, project, headers, addresses, other keys."""


class TooLong(Exception):
    """A body that was not read to its end, or in a compression nobody asked for."""


def too_long(error: Exception) -> TooLong | None:
    """The body behind an error: an SDK passes on what its client raises, or wraps it."""
    chain = (error, error.__cause__)
    return next((cause for cause in chain if isinstance(cause, TooLong)), None)


@dataclass(frozen=True, slots=True)
class Destination:
    """Who is asked, as far as a client has to know."""

    is_vendor: bool
    """The host is the one the SDK was made for; the environment's settings are meant for it."""
    secrets: Secrets
    timeout: float
    """Seconds one step of a request may take."""
    proxy: str | None = None
    """The proxy that a settings file names for it."""

    def settings(self) -> AbstractContextManager[None]:
        """Make the SDK's client inside: it reads its own variables only for its vendor's host."""
        return nullcontext() if self.is_vendor else _without_sdk_variables()


class _Pools:
    """The connections of a client, in pools that stay small."""

    def __init__(self, make: Callable[[], httpx2.AsyncClient]) -> None:
        self._make = make
        self._clients: list[httpx2.AsyncClient] = []
        self._busy: list[int] = []

    @contextmanager
    def one(self) -> Iterator[httpx2.AsyncClient]:
        """The first pool with room, for one request; made where none has any."""
        number = next((n for n, busy in enumerate(self._busy) if busy < _A_POOL), len(self._busy))
        if number == len(self._busy):
            self._clients.append(self._make())
            self._busy.append(0)
        self._busy[number] += 1
        try:
            yield self._clients[number]
        finally:
            self._busy[number] -= 1

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.aclose()


class _Settings(TypedDict, total=False):
    """What else a client may be told of one request."""

    auth: httpx2.Auth | None
    follow_redirects: bool


def capped_client(sdk_client: type[httpx2.AsyncClient], where: Destination) -> httpx2.AsyncClient:
    """A client for an SDK, with the SDK's own settings but for where it goes and what it reads.

    Args:
        sdk_client: the client class the SDK uses by default.
        where: who is asked.
    """
    from httpx2 import create_ssl_context

    class CappedClient(sdk_client):  # type: ignore[valid-type,misc]
        """Reads a body in pieces, and no further than a reply or a file may be long."""

        async def send(
            self, request: httpx2.Request, *, stream: bool = False, **settings: Unpack[_Settings]
        ) -> httpx2.Response:
            settings["follow_redirects"] = False
            with pools.one() as pool:
                response = await pool.send(request, stream=True, **settings)
                return response if stream else await _read(response, where.secrets)

        async def aclose(self) -> None:
            await pools.aclose()
            await super().aclose()

    # Read once: for every pool anew it takes longer than 20 requests.
    certificates = create_ssl_context()

    def plain(kind: type[httpx2.AsyncClient]) -> httpx2.AsyncClient:
        return kind(
            timeout=timeouts(where.timeout), headers=_ASKED, verify=certificates,
            transport=_transport(where, certificates), follow_redirects=False,
        )  # fmt: skip

    pools = _Pools(lambda: plain(sdk_client))
    return plain(CappedClient)


def _transport(where: Destination, certificates: ssl.SSLContext) -> httpx2.AsyncHTTPTransport | None:
    """None: the SDK's own. One of our own takes no proxy from the environment, and its certificates."""
    import httpx2

    if where.is_vendor:
        return None
    limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
    return httpx2.AsyncHTTPTransport(verify=certificates, limits=limits, proxy=where.proxy)


def timeouts(seconds: float) -> httpx2.Timeout:
    """So long for a step of a request; a connection comes soon or not at all.

    Args:
        seconds: one step of a request may take so long.
    """
    import httpx2

    return httpx2.Timeout(seconds, connect=min(seconds, _CONNECT))


@contextmanager
def _without_sdk_variables() -> Iterator[None]:
    """The environment without what is meant for a vendor; the SDKs read it when a client is made."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_SDK_VARIABLES)}
    try:
        yield
    finally:
        os.environ.update(hidden)


async def _read(response: httpx2.Response, secrets: Secrets) -> httpx2.Response:
    """The response with its body, no key in it.

    Raises:
        TooLong: it is longer than anything that is expected.
    """
    import httpx2

    most = LONGEST_REPLY if response.request.method == "POST" else LONGEST_FILE
    chunks: list[bytes] = []
    size = 0
    try:
        packed = response.headers.get("content-encoding", "").strip().lower()
        if packed not in _PLAIN:
            raise TooLong(f"it is compressed as {packed[:40]!r}, which was not asked for")
        async for chunk in response.aiter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise TooLong(f"it is longer than {most // 2**20} MiB")
    finally:
        await response.aclose()
    headers = [
        (name, secrets.out_of_body(value))
        for name, value in response.headers.raw
        if name.lower() not in _OF_THE_WIRE
    ]
    return httpx2.Response(
        response.status_code, headers=headers, content=secrets.out_of_body(b"".join(chunks)),
        request=response.request, extensions=response.extensions,
    )  # fmt: skip
