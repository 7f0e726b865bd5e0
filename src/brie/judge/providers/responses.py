"""GPT through OpenAI's Responses interface, and the official SDK.

Newer models are asked here only, or think longer here. Nothing is kept at the provider: `store` is
false unless the judge's file says otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from pydantic import JsonValue

from brie.judge.interface import Judge
from brie.judge.prices import Tokens
from brie.judge.prompt import JudgePrompt
from brie.judge.providers.adapter import Answer, Document, Shape
from brie.judge.providers.batches import Batches
from brie.judge.providers.openai import OpenAIAdapter
from brie.judge.providers.remote import remote_judge
from brie.judge.schema import TOOL, schema
from brie.judge.settings import output_limit
from brie.judge.usage import tokens_of
from brie.records import JudgeSpec, Rubric

LIMIT = "max_output_tokens"


class ResponsesAdapter(OpenAIAdapter):
    """The Responses protocol."""

    path = "/responses"

    def batches(self) -> Batches | None:
        """None: batches are handed over as chat completions."""
        return None

    def reshape(self, shape: Shape) -> None:
        """Put requests so from now on."""
        self._shape, self.form = shape, shape.form
        self._constant = functools.cache(functools.partial(_constant, self._spec, shape))

    def request(self, prompt: JudgePrompt) -> dict[str, JsonValue]:
        """The body of a request for a response."""
        turns: dict[str, JsonValue] = {"instructions": prompt.system, "input": prompt.user}
        if not self._shape.system:
            turns = {"input": f"{prompt.system}\n\n{prompt.user}"}
        return {"model": self._spec.model, **self._constant(prompt.criteria), **turns}

    def answer(self, document: Document, prompt: JudgePrompt) -> Answer:
        """What a response says."""
        items = [item for item in document["output"] if isinstance(item, dict)]
        parts = [
            part
            for item in items
            if item.get("type") == "message"
            for part in item.get("content") or ()
            if isinstance(part, dict)
        ]
        details = document.get("incomplete_details") or {}
        why = details.get("reason") if isinstance(details, dict) else ""
        refused = next((str(p.get("refusal")) for p in parts if p.get("type") == "refusal"), "")
        if document.get("status") == "failed":
            raise KeyError("output")
        return Answer(
            text="\n".join(str(p.get("text") or "") for p in parts if p.get("type") == "output_text"),
            calls=tuple(
                item.get("arguments")
                for item in items
                if item.get("type") == "function_call" and item.get("name") == TOOL
            ),
            thought=any(item.get("type") == "reasoning" for item in items),
            tokens=_tokens(document.get("usage")),
            served=str(document.get("model") or ""),
            cut=why == LIMIT,
            refused=refused
            or ("the provider's filter refused (content_filter)" if why == "content_filter" else ""),
        )


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> Judge:
    """A judge that speaks the Responses protocol.

    Raises:
        UsageError: no key, or an output form the protocol does not have.
    """
    return remote_judge(spec, rubric, ResponsesAdapter)


def _constant(spec: JudgeSpec, put: Shape, criteria: Sequence[str]) -> dict[str, JsonValue]:
    """What every request of a judge has in common."""
    limits = (LIMIT, "max_tokens", "max_completion_tokens")
    given = {name: value for name, value in spec.parameters.items() if name not in limits}
    request: dict[str, JsonValue] = {"store": False, **given, LIMIT: output_limit(spec)}
    if spec.temperature is not None:
        request["temperature"] = spec.temperature
    shape = schema(criteria)
    if put.form == "json_schema":
        text = given.get("text")
        shown: dict[str, JsonValue] = {
            "type": "json_schema", "name": "verdict", "strict": True, "schema": shape,
        }  # fmt: skip
        request["text"] = {**(text if isinstance(text, dict) else {}), "format": shown}
    elif put.form == "tool":
        request["tools"] = [
            {
                "type": "function",
                "name": TOOL,
                "description": "Give the verdict on the case.",
                "parameters": shape,
                "strict": True,
            }
        ]
        request["tool_choice"] = {"type": "function", "name": TOOL}
    return request


def _tokens(usage: Document | None) -> Tokens | None:
    if not isinstance(usage, dict) or usage.get("input_tokens") is None:
        return None
    details = usage.get("input_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return tokens_of(usage["input_tokens"], written=usage.get("output_tokens"), cached=cached)
