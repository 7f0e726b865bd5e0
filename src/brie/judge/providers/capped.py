"""HTTP clients that stop reading a body before it fills the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from brie.judge.documents import LONGEST_FILE, LONGEST_REPLY, TooLong

if TYPE_CHECKING:
    import httpx2

_CONNECT = 10.0
"""Seconds a connection may take to come about."""
_PLAIN = ("", "identity", "gzip", "x-gzip", "deflate")
"""Compressions that are asked for; a chunk of another one may unpack to gigabytes at once."""
_ASKED = {"accept-encoding": "gzip, deflate"}
_OF_THE_WIRE = (b"content-encoding", b"content-length", b"transfer-encoding")


class _Settings(TypedDict, total=False):
    """What else a client may be told of one request."""

    auth: httpx2.Auth | None
    follow_redirects: bool


def capped_client(sdk_client: type[httpx2.AsyncClient], *, timeout: float) -> httpx2.AsyncClient:
    """A client for an SDK, with the SDK's own settings but for the limits on what is read.

    Args:
        sdk_client: the client class the SDK uses by default.
        timeout: seconds one step of a request may take.
    """

    class CappedClient(sdk_client):  # type: ignore[valid-type,misc]
        """Reads a body in pieces, and no further than a reply or a file may be long."""

        async def send(
            self, request: httpx2.Request, *, stream: bool = False, **settings: Unpack[_Settings]
        ) -> httpx2.Response:
            response: httpx2.Response = await super().send(request, stream=True, **settings)
            return response if stream else await _read(response)

    client: httpx2.AsyncClient = CappedClient(timeout=timeouts(timeout), headers=_ASKED)
    return client


def timeouts(seconds: float) -> httpx2.Timeout:
    """So long for a step of a request; a connection comes soon or not at all.

    Args:
        seconds: one step of a request may take so long.
    """
    import httpx2

    return httpx2.Timeout(seconds, connect=min(seconds, _CONNECT))


async def _read(response: httpx2.Response) -> httpx2.Response:
    """The response with its body.

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
    headers = [pair for pair in response.headers.raw if pair[0].lower() not in _OF_THE_WIRE]
    return httpx2.Response(
        response.status_code, headers=headers, content=b"".join(chunks), request=response.request,
        extensions=response.extensions,
    )  # fmt: skip
