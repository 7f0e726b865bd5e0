"""A provider brie does not have: no SDK, exceptions of its own, a request that is just its body.

Tests copy this file into `brie/judge/providers/` and add its entry to the table; so do you, to begin a
provider of your own.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import JsonValue

from brie.errors import UsageError
from brie.judge.interface import Judge
from brie.judge.prices import Tokens
from brie.judge.prompt import JudgePrompt
from brie.judge.providers.adapter import Answer, Document, Failure, ProviderAdapter
from brie.judge.providers.remote import RemoteJudge
from brie.judge.schema import OutputForm
from brie.judge.settings import api_key, check
from brie.records import JudgeSpec, Rubric


@dataclass(frozen=True)
class Came:
    """A response."""

    status: int
    content: bytes
    headers: Mapping[str, str]


class Declined(Exception):
    """The server answered with an error status."""

    def __init__(self, came: Came) -> None:
        super().__init__(f"HTTP {came.status}")
        self.came = came


class NewcomerWire(ProviderAdapter):
    """Chat completions through the standard library."""

    form: OutputForm = "text"
    errors = (Declined, OSError, http.client.HTTPException)

    def __init__(self, spec: JudgeSpec, key: str | None) -> None:
        self._spec = spec
        self._key = key

    def request(self, prompt: JudgePrompt) -> dict[str, JsonValue]:
        """The body."""
        return {
            "model": self._spec.model,
            "max_tokens": self._spec.max_tokens,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
        }

    async def post(self, request: Mapping[str, JsonValue]) -> Came:
        """Send it once."""
        return await asyncio.to_thread(self._post, json.dumps(request).encode())

    def _post(self, body: bytes) -> Came:
        address = urlsplit(f"{self._spec.base_url}/chat/completions")
        secure = address.scheme == "https"
        client = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = client(address.netloc, timeout=self._spec.timeout)
        try:
            connection.request("POST", address.path, body, {"authorization": f"Bearer {self._key}"})
            reply = connection.getresponse()
            headers = {name.lower(): value for name, value in reply.headers.items()}
            came = Came(reply.status, reply.read(), headers)
        finally:
            connection.close()
        if came.status != http.HTTPStatus.OK:
            raise Declined(came)
        return came

    def failure(self, error: Exception) -> Failure:
        """An error status, no answer in time, or no connection."""
        if isinstance(error, Declined):
            came = error.came
            return Failure("status", came.status, came.content.decode(errors="replace"), came.headers)
        return Failure("timeout" if isinstance(error, TimeoutError) else "connection")

    def answer(self, document: Document, prompt: JudgePrompt) -> Answer:
        """What a completion says."""
        used = document["usage"]
        return Answer(
            text=document["choices"][0]["message"]["content"],
            tokens=Tokens(used["prompt_tokens"], used["completion_tokens"]),
            served=document["model"],
        )

    async def close(self) -> None:
        """Nothing is open."""


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> Judge:
    """A judge of the newcomer.

    Raises:
        UsageError: no key, no address, or no rubric.
    """
    if rubric is None:
        raise UsageError(f"judge {spec.id!r} has no rubric.")
    check(spec)
    key = api_key(spec)
    return RemoteJudge(spec, rubric, NewcomerWire(spec, key), key)
