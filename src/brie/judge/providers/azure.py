"""GPT and other models deployed on Azure, through the official SDK.

`model` is the name of the deployment, `base_url` the resource: `https://NAME.openai.azure.com`. Where it
ends in `/openai/v1`, the versionless interface is asked; else the one with deployments in its paths,
whose version may stand behind it (`?api-version=2024-10-21`). The key goes into the header `api-key`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit, urlunsplit

from brie.judge.interface import Judge
from brie.judge.prices import address_of
from brie.judge.providers.batches import Batches
from brie.judge.providers.headers import own_headers
from brie.judge.providers.openai import OpenAIAdapter
from brie.judge.providers.remote import remote_judge
from brie.judge.settings import destination
from brie.records import JudgeSpec, Rubric
from brie.wire.client import capped_client, timeouts

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_VERSION = "2024-10-21"
"""The version asked for where the address names none: the latest one that is not a preview."""


class AzureAdapter(OpenAIAdapter):
    """Chat completions of a deployment."""

    @functools.cached_property
    def client(self) -> AsyncOpenAI:
        """The client all requests share."""
        from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient

        seconds = self._spec.timeout
        headers = own_headers(self._spec)
        where = destination(self._spec, self._key)
        http_client = capped_client(DefaultAsyncHttpxClient, where)
        parts = urlsplit(address_of(self._spec) or "")
        named = parse_qs(parts.query).get("api-version")
        with where.settings():
            if parts.path.rstrip("/").endswith("/v1"):
                return AsyncOpenAI(
                    api_key=self._key or "none",
                    base_url=urlunsplit(parts),
                    max_retries=0,
                    timeout=timeouts(seconds),
                    http_client=http_client,
                    default_headers={"api-key": self._key or "none", **headers},
                )
            return AsyncAzureOpenAI(
                api_key=self._key or "none",
                azure_endpoint=urlunsplit(parts._replace(query="", path=parts.path.rstrip("/"))),
                azure_deployment=self._spec.model,
                api_version=named[0] if named else _VERSION,
                max_retries=0,
                timeout=timeouts(seconds),
                http_client=http_client,
                default_headers=headers,
            )

    def batches(self) -> Batches | None:
        """None: a batch of Azure's wants a deployment made for batches."""
        return None


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> Judge:
    """A judge deployed on Azure.

    Raises:
        UsageError: no key, no address, or an output form the protocol does not have.
    """
    return remote_judge(spec, rubric, AzureAdapter)
