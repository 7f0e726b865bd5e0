"""What the SDKs that Stainless generates have in common: one client, its exceptions, its replies."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

from brie.judge.providers.adapter import Failure, ProviderAdapter, Response
from brie.wire.client import TooLong, too_long

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI


class Raw(Protocol):
    """A reply the SDK has not parsed."""

    @property
    def http_response(self) -> Response:
        """The HTTP response behind it."""
        ...


Create = Callable[..., Awaitable[Raw]]
"""The SDK's call, with a raw reply."""


class StainlessAdapter(ProviderAdapter):
    """An adapter through such an SDK; retries are the runner's, which sees and prices each."""

    @functools.cached_property
    @abstractmethod
    def sdk(self) -> ModuleType:
        """The SDK, imported on first use."""

    @functools.cached_property
    @abstractmethod
    def client(self) -> AsyncAnthropic | AsyncOpenAI:
        """The client all requests share."""

    @functools.cached_property
    @abstractmethod
    def create(self) -> Create:
        """The SDK's call, its reply unread."""

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
        return (await self.create(**request)).http_response

    async def close(self) -> None:
        """Close the client, if one was made."""
        if "client" in self.__dict__:
            await self.client.close()
