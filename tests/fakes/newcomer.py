"""A provider brie does not have: no SDK, exceptions of its own, a request that is just its body.

A test copies this file into `brie/judge/providers/` and adds its entry to the table.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

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

    content: bytes
    headers: Mapping[str, str]


class NewcomerWire(ProviderAdapter):
    """Chat completions through the standard library."""

    form: OutputForm = "text"
    errors = (OSError, http.client.HTTPException)

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
        address = f"{self._spec.base_url}/chat/completions"
        asked = urllib.request.Request(address, body, {"authorization": f"Bearer {self._key}"})
        with urllib.request.urlopen(asked, timeout=self._spec.timeout) as came:
            return Came(came.read(), {k.lower(): v for k, v in came.headers.items()})

    def failure(self, error: Exception) -> Failure:
        """An error status is an exception here, and so is everything else."""
        if isinstance(error, urllib.error.HTTPError):
            headers = {name.lower(): value for name, value in error.headers.items()}
            return Failure("status", error.code, error.read().decode(), headers)
        return Failure("connection")

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
