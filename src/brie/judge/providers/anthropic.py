"""Claude through the official SDK.

`output = "tool"` asks for a call of one tool, `"json_schema"` for a reply of that shape, `"text"`
for plain lines. Newer models refuse a forced tool and a temperature, and think before they answer:
what is sent besides the request itself stands in the judge's `[parameters]`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.judge.faults import server_time
from brie.judge.interface import Judge
from brie.judge.prices import Tokens, address_of
from brie.judge.prompt import JudgePrompt
from brie.judge.providers.adapter import Answer, Document, Response
from brie.judge.providers.batches import AnthropicBatches, Batches
from brie.judge.providers.headers import own_headers
from brie.judge.providers.remote import remote_judge
from brie.judge.providers.stainless import StainlessAdapter
from brie.judge.schema import TOOL, OutputForm, schema
from brie.judge.settings import destination, form_of, output_limit
from brie.judge.usage import tokens_of
from brie.records import JudgeSpec, Rubric
from brie.wire.client import capped_client, timeouts

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_CACHED: dict[str, JsonValue] = {"type": "ephemeral"}
_ORDER = (
    "max_tokens", "messages", "model", "cache_control", "container", "diagnostics", "inference_geo",
    "metadata", "output_config", "service_tier", "speed", "stop_sequences", "stream", "system",
    "thinking", "tool_choice", "tools",
)  # fmt: skip


class AnthropicAdapter(StainlessAdapter):
    """The Messages protocol."""

    path = "/v1/messages"
    unread = "raw"

    def __init__(self, spec: JudgeSpec, rubric: Rubric, key: str | None) -> None:
        self.form: OutputForm = form_of(spec)
        self._spec = spec
        self._key = key
        self._constant = functools.cache(functools.partial(_constant, spec))

    @functools.cached_property
    def sdk(self) -> ModuleType:
        """The SDK, imported on first use."""
        import anthropic

        return anthropic

    @functools.cached_property
    def client(self) -> AsyncAnthropic:
        """The client all requests share."""
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        headers = own_headers(self._spec)
        where = destination(self._spec, self._key)
        with where.settings():
            return AsyncAnthropic(
                api_key=self._key or "none",
                base_url=address_of(self._spec),
                max_retries=0,
                timeout=timeouts(self._spec.timeout),
                open_telemetry=False,
                default_headers=headers,
                http_client=capped_client(DefaultAsyncHttpxClient, where),
            )

    def batches(self) -> Batches:
        """The provider's batches."""
        return AnthropicBatches(self.client)

    def request(self, prompt: JudgePrompt) -> dict[str, JsonValue]:
        """The body of a message; the constant part is marked for the prompt cache."""
        return {
            "model": self._spec.model,
            "max_tokens": output_limit(self._spec),
            "messages": [{"role": "user", "content": prompt.user}],
            **self._constant(prompt.criteria),
            "system": [{"type": "text", "text": prompt.system, "cache_control": _CACHED}],
        }

    async def post(self, request: Mapping[str, JsonValue]) -> Response:
        """Send it once, its parts in the order in which the SDK's own call sends them."""
        order = (name for name in (*_ORDER, *request) if name in request)
        return await super().post({name: request[name] for name in order})

    def answer(self, document: Document, prompt: JudgePrompt) -> Answer:
        """What a message says."""
        blocks = document["content"]
        calls = tuple(
            block.get("input")
            for block in blocks
            if block["type"] == "tool_use" and block.get("name") == TOOL
        )
        text = "\n".join(str(block["text"]) for block in blocks if block["type"] == "text")
        stop = document.get("stop_reason")
        details = document.get("stop_details") or {}
        return Answer(
            text=text,
            calls=calls,
            thought=any(block["type"] == "thinking" for block in blocks),
            tokens=_tokens(document.get("usage")),
            served=str(document.get("model") or ""),
            cut=stop in ("max_tokens", "model_context_window_exceeded"),
            refused=str(details.get("explanation") or "the provider refused")
            if stop == "refusal"
            else "",
        )

    def pause(self, headers: Mapping[str, str]) -> float:
        """Until requests or tokens are granted again, where none are left."""
        now = server_time(headers)
        return max(
            _until(headers.get(f"anthropic-ratelimit-{kind}-reset"), now)
            if headers.get(f"anthropic-ratelimit-{kind}-remaining") == "0"
            else 0.0
            for kind in ("requests", "tokens", "input-tokens", "output-tokens")
        )


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> Judge:
    """A Claude judge.

    Raises:
        UsageError: no key, or an output form the provider does not have.
    """
    return remote_judge(spec, rubric, AnthropicAdapter)


def _constant(spec: JudgeSpec, criteria: Sequence[str]) -> dict[str, JsonValue]:
    """What every request of a judge has in common."""
    request: dict[str, JsonValue] = {k: v for k, v in spec.parameters.items() if k != "max_tokens"}
    if spec.temperature is not None:
        request["temperature"] = spec.temperature
    shape = schema(criteria)
    if spec.output == "tool":
        tool: dict[str, JsonValue] = {
            "name": TOOL, "description": "Give the verdict on the case.", "input_schema": shape,
        }  # fmt: skip
        if spec.base_url is None:
            tool["strict"] = True
        request["tools"] = [tool]
        # A model that thinks takes no forced tool; it takes a limit to one call.
        request.setdefault("tool_choice", {"type": "auto", "disable_parallel_tool_use": True})
    elif spec.output == "json_schema":
        config = spec.parameters.get("output_config")
        given = config if isinstance(config, dict) else {}
        request["output_config"] = {**given, "format": {"type": "json_schema", "schema": shape}}
    return request


def _tokens(usage: Document | None) -> Tokens | None:
    if not isinstance(usage, dict) or usage.get("input_tokens") is None:
        return None
    cached, stored = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    plain = tokens_of(
        usage["input_tokens"], written=usage.get("output_tokens"), cached=cached, stored=stored
    )
    return replace(plain, input=plain.input + max(plain.cached, 0) + max(plain.written, 0))


def _until(moment: str | None, now: float) -> float:
    try:
        return max(0.0, datetime.fromisoformat(moment or "").timestamp() - now)
    except (ValueError, TypeError):
        return 0.0
