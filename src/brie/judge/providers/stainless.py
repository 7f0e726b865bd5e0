"""What the SDKs that Stainless generates have in common: one client, its exceptions, its replies."""

from __future__ import annotations

import functools
import json
from abc import abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from brie.judge.providers.adapter import Failure, ProviderAdapter, Response
from brie.wire.client import TooLong, too_long

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI

_UNREAD = "X-Stainless-Raw-Response"


class StainlessAdapter(ProviderAdapter):
    """An adapter through such an SDK; retries are the runner's, which sees and prices each.

    Requests go through the SDK's `post`, not through its calls by name: those hold every part of a
    request against all the types they know, which takes a tenth of a verdict.
    """

    path: ClassVar[str]
    """Where requests go, below the client's address."""
    unread: ClassVar[str]
    """The mark of the SDK's own on a request whose reply it is not to read."""

    @functools.cached_property
    @abstractmethod
    def sdk(self) -> ModuleType:
        """The SDK, imported on first use."""

    @functools.cached_property
    @abstractmethod
    def client(self) -> AsyncAnthropic | AsyncOpenAI:
        """The client all requests share."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the SDK raises when a request brings no reply."""
        return (self.sdk.APIError, TooLong)

    def failure(self, error: Exception) -> Failure:
        """What one of the SDK's exceptions says."""
        if isinstance(error, self.sdk.APIStatusError):
            return Failure("status", error.status_code, error.body, error.response.headers)
        if cause := too_long(error):
            return Failure("garbled", body=str(cause))
        if isinstance(error, self.sdk.APITimeoutError):
            return Failure("timeout")
        return Failure("connection" if isinstance(error, self.sdk.APIConnectionError) else "garbled")

    async def post(self, request: Mapping[str, JsonValue]) -> Response:
        """Send it once."""
        import httpx2

        # Written as the SDKs write it.
        body = json.dumps(request, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return await self.client.post(
            self.path, cast_to=httpx2.Response, content=body.encode(),
            options={"headers": {_UNREAD: self.unread}},
        )  # fmt: skip

    async def close(self) -> None:
        """Close the client, if one was made."""
        if "client" in self.__dict__:
            await self.client.close()
