"""The providers' batches: many requests handed over at once, answered within a day, at half price."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import JsonValue

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI

Request = tuple[str, dict[str, JsonValue]]
"""A custom id, and the body of a request."""
Row = Mapping[str, Any]
"""A decoded JSON object, of which nothing is known yet."""

_PATIENT = 4
"""Retries of requests that change nothing. Handing over is never retried: it might be taken twice."""
_NO_ROOM = "token_limit_exceeded"
"""What OpenAI calls it when more tokens would wait than the plan allows."""
_CLOCKS = timedelta(minutes=10)
"""How far our clock and the provider's may differ."""


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one request of a batch."""

    custom_id: str
    document: Row | None = None
    """The reply's document; None: there is none."""
    problem: str = ""
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a batch that ended has no results of some requests."""

    said: str = ""
    """By the provider; "": nothing."""
    no_room: bool = False
    """Too much was waiting there: nothing was done, and later it may be."""


class Batches(Protocol):
    """A provider's batches."""

    async def submit(self, name: str, requests: Sequence[Request]) -> str:
        """Hand a batch over, once; its id at the provider."""
        ...

    async def find(self, name: str, since: str, count: int, taken_ids: Iterable[str]) -> list[str]:
        """Ids of batches that may be the one of that name, handed over by a process that died.

        Args:
            name: our name of it.
            since: when it was about to be handed over, ISO 8601.
            count: how many requests it held.
            taken_ids: ids that belong to others.
        """
        ...

    async def ended(self, batch: str) -> bool:
        """Whether the provider is through with a batch."""
        ...

    async def items(self, batch: str) -> list[Item]:
        """What became of its requests; some may be missing."""
        ...

    async def problem(self, batch: str) -> Problem:
        """Why a batch that ended has no results of some requests."""
        ...


class AnthropicBatches:
    """Message Batches."""

    def __init__(self, client: AsyncAnthropic) -> None:
        self._client = client
        self._patient = client.with_options(max_retries=_PATIENT)

    async def submit(self, name: str, requests: Sequence[Request]) -> str:
        """Hand a batch over, once."""
        rows = [{"custom_id": custom, "params": body} for custom, body in requests]
        create = self._client.messages.batches.with_raw_response.create
        response = await create(requests=[], extra_body={"requests": rows})
        return str(json.loads(response.http_response.content)["id"])

    async def find(self, name: str, since: str, count: int, taken_ids: Iterable[str]) -> list[str]:
        """Batches of that size made since; they carry no name, so their results must tell."""
        taken, candidates = set(taken_ids), []
        async for batch in self._patient.messages.batches.list(limit=100):
            if batch.created_at < datetime.fromisoformat(since) - _CLOCKS:
                break
            counts = batch.request_counts
            total = sum(
                (counts.processing, counts.succeeded, counts.errored, counts.canceled, counts.expired)
            )
            if total == count and batch.id not in taken:
                candidates.append(batch.id)
        return candidates

    async def ended(self, batch: str) -> bool:
        """Whether processing has ended."""
        state = await self._patient.messages.batches.retrieve(batch)
        return bool(state.processing_status == "ended")

    async def items(self, batch: str) -> list[Item]:
        """The lines of the results file."""
        import httpx2

        response = await self._patient.get(
            f"/v1/messages/batches/{batch}/results", cast_to=httpx2.Response
        )
        return [_item(row, _anthropic_item) for row in _rows(response.content)]

    async def problem(self, batch: str) -> Problem:
        """Nothing: every request has a line of its own."""
        return Problem()


class OpenAIBatches:
    """The Batch API: a file of requests in, a file of replies out."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self._patient = client.with_options(max_retries=_PATIENT)

    async def submit(self, name: str, requests: Sequence[Request]) -> str:
        """Upload the requests and start the batch, once."""
        rows = (
            {"custom_id": custom, "method": "POST", "url": "/v1/chat/completions", "body": body}
            for custom, body in requests
        )
        content = b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows)
        file = await self._patient.files.create(file=(f"brie-{name}.jsonl", content), purpose="batch")
        batch = await self._client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"brie": name},
        )
        return str(batch.id)

    async def find(self, name: str, since: str, count: int, taken_ids: Iterable[str]) -> list[str]:
        """The batch that carries the name."""
        oldest = (datetime.fromisoformat(since) - _CLOCKS).timestamp()
        async for batch in self._patient.batches.list(limit=100):
            if batch.created_at < oldest:
                break
            if (batch.metadata or {}).get("brie") == name:
                return [batch.id]
        return []

    async def ended(self, batch: str) -> bool:
        """Whether it is completed, failed, expired or cancelled."""
        state = await self._patient.batches.retrieve(batch)
        return state.status in ("completed", "failed", "expired", "cancelled")

    async def items(self, batch: str) -> list[Item]:
        """The lines of the output file and of the error file."""
        state = await self._patient.batches.retrieve(batch)
        items: list[Item] = []
        for file in (state.output_file_id, state.error_file_id):
            if file:
                content = (await self._patient.files.content(file)).content
                items += [_item(row, _openai_item) for row in _rows(content)]
        return items

    async def problem(self, batch: str) -> Problem:
        """What its errors say, or how it ended."""
        state = await self._patient.batches.retrieve(batch)
        errors = state.errors.data if state.errors else None
        messages = [error.message or error.code for error in errors or ()]
        said = "; ".join(dict.fromkeys(str(message) for message in messages if message))
        said = said or ("" if state.status == "completed" else f"it is {state.status}")
        return Problem(said, any(error.code == _NO_ROOM for error in errors or ()))


def _rows(content: bytes) -> Iterator[Row]:
    """The lines of a file that are JSON objects; a broken one costs only itself."""
    for line in io.BytesIO(content):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and "custom_id" in row:
            yield row


def _item(row: Row, read: Callable[[Row], Item]) -> Item:
    """A line as an item; one of another kind costs only itself."""
    try:
        return read(row)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Item(str(row["custom_id"]), problem="a result of another kind")


def _anthropic_item(row: Row) -> Item:
    custom, result = str(row["custom_id"]), row.get("result") or {}
    kind = result.get("type")
    if kind == "succeeded":
        return Item(custom, result.get("message"))
    error = ((result.get("error") or {}).get("error") or {}).get("message")
    return Item(custom, problem=f"{kind}: {error}" if error else str(kind))


def _openai_item(row: Row) -> Item:
    custom, response = str(row["custom_id"]), row.get("response") or {}
    if response.get("status_code") == 200:
        return Item(custom, response.get("body"))
    error = row.get("error") or (response.get("body") or {}).get("error") or {}
    return Item(custom, problem=str(error.get("message") or error.get("code") or "errored"))
