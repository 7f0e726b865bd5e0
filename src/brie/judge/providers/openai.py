"""GPT, and every server that speaks the same protocol, through the official SDK.

With provider `openai-compatible` a server that refuses a JSON schema is asked in plain text from
then on, and a reply whose server counted far fewer tokens than the prompt has words is not used:
the front of the prompt was cut.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.judge.declined import is_filtered
from brie.judge.faults import Fault
from brie.judge.interface import Judge
from brie.judge.letters import OFFERED
from brie.judge.prices import Tokens, address_of
from brie.judge.prompt import JudgePrompt
from brie.judge.providers.adapter import Answer, Document, Shape
from brie.judge.providers.batches import Batches, OpenAIBatches
from brie.judge.providers.headers import own_headers
from brie.judge.providers.relaxed import LIMITS, relaxed, turns
from brie.judge.providers.remote import remote_judge
from brie.judge.providers.stainless import StainlessAdapter
from brie.judge.schema import TOOL, schema
from brie.judge.settings import destination, form_of, output_limit
from brie.judge.usage import tokens_of
from brie.records import JudgeSpec, Provider, Rubric
from brie.wire.client import capped_client, timeouts

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_SEEN_SHARE = 0.8
"""Every tokenizer makes at least one token of a word; below this share of that, words are missing."""
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{0,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class OpenAIAdapter(StainlessAdapter):
    """The chat completions protocol."""

    path = "/chat/completions"
    unread = "true"

    def __init__(self, spec: JudgeSpec, rubric: Rubric, key: str | None) -> None:
        self._spec = spec
        self._key = key
        self._compatible = spec.provider is Provider.OPENAI_COMPATIBLE
        self.reshape(Shape(form_of(spec), limit=_limit(spec)))

    @functools.cached_property
    def sdk(self) -> ModuleType:
        """The SDK, imported on first use."""
        import openai

        return openai

    @functools.cached_property
    def client(self) -> AsyncOpenAI:
        """The client all requests share."""
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        headers = own_headers(self._spec)
        where = destination(self._spec, self._key)
        with where.settings():
            return AsyncOpenAI(
                api_key=self._key or "none",
                base_url=address_of(self._spec),
                max_retries=0,
                timeout=timeouts(self._spec.timeout),
                default_headers=headers,
                http_client=capped_client(DefaultAsyncHttpxClient, where),
            )

    def batches(self) -> Batches | None:
        """The provider's batches; a compatible server is not known to have any."""
        return None if self._compatible else OpenAIBatches(self.client)

    def request(self, prompt: JudgePrompt) -> dict[str, JsonValue]:
        """The body of a chat completion."""
        messages: list[JsonValue] = turns(prompt, system=self._shape.system)
        return {"model": self._spec.model, "messages": messages, **self._constant(prompt.criteria)}

    def answer(self, document: Document, prompt: JudgePrompt) -> Answer:
        """What a completion says."""
        tokens = _tokens(document.get("usage"))
        marks = (document.get("model"), document.get("system_fingerprint"))
        served = " ".join(str(mark) for mark in marks if mark)
        if _is_withheld(document):
            return Answer(tokens=tokens, served=served, refused="the provider gave no answer")
        choice = document["choices"][0]
        message = choice.get("message") or {}
        finish = choice.get("finish_reason")
        filtered = f"the provider's filter refused ({finish})" if is_filtered(finish) else ""
        if not message and not filtered:
            raise KeyError("message")
        return Answer(
            text=_text(message.get("content")),
            calls=_calls(message),
            thought=any(message.get(field) for field in _THOUGHTS),
            tokens=tokens,
            served=served,
            cut=finish in ("length", "max_tokens", "model_length"),
            refused=str(message.get("refusal") or filtered),
            problem=self._cut_prompt(tokens, prompt),
            offered=_offered(choice) if self.form == "logprobs" else None,
        )

    def _cut_prompt(self, tokens: Tokens | None, prompt: JudgePrompt) -> str:
        if not self._compatible or tokens is None or tokens.input <= 0:
            return ""
        words = _words(prompt.system) + len(prompt.user.split())
        if tokens.input >= _SEEN_SHARE * words:
            return ""
        return (
            f"prompt truncated: the server read {tokens.input} tokens of a prompt of {words} words. "
            "Give the model a longer context on the server (Ollama: num_ctx or OLLAMA_CONTEXT_LENGTH; "
            "llama.cpp: --ctx-size; vLLM: --max-model-len; LM Studio: context length)."
        )

    @property
    def shape(self) -> Shape:
        """How the next request is put."""
        return self._shape

    def reshape(self, shape: Shape) -> None:
        """Put requests so from now on."""
        self._shape, self.form = shape, shape.form
        self._constant = functools.cache(functools.partial(_constant, self._spec, shape))

    def simpler(self, fault: Fault, sent: Shape) -> bool:
        """What a server refuses is put otherwise: the limit's name, the system's turn, the form.

        Plain text instead of a schema is for compatible servers alone.
        """
        other = relaxed(fault, sent, usual=_limit(self._spec), text=self._compatible)
        if other is None:
            return False
        if self._shape == sent:
            self.reshape(other)
        return True

    def pause(self, headers: Mapping[str, str]) -> float:
        """Until requests or tokens are granted again, where none are left."""
        return max(
            _span(headers.get(f"x-ratelimit-reset-{kind}", ""))
            if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
            else 0.0
            for kind in ("requests", "tokens")
        )


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> Judge:
    """A judge that speaks chat completions.

    Raises:
        UsageError: no key, no address, or an output form the protocol does not have.
    """
    return remote_judge(spec, rubric, OpenAIAdapter)


@functools.lru_cache(maxsize=64)
def _words(text: str) -> int:
    """Words of a text that many requests share."""
    return len(text.split())


def _limit(spec: JudgeSpec) -> str:
    """The name under which a judge's limit is sent first."""
    named = [name for name in LIMITS if name in spec.parameters]
    usual = "max_tokens" if spec.provider is Provider.OPENAI_COMPATIBLE else "max_completion_tokens"
    return named[0] if named else usual


def _constant(spec: JudgeSpec, put: Shape, criteria: Sequence[str]) -> dict[str, JsonValue]:
    """What every request of a judge has in common."""
    request = {name: value for name, value in spec.parameters.items() if name not in LIMITS}
    request[put.limit] = output_limit(spec)
    form = put.form
    if spec.temperature is not None:
        request["temperature"] = spec.temperature
    shape = schema(criteria)
    if form == "json_schema":
        named: dict[str, JsonValue] = {"name": "verdict", "strict": True, "schema": shape}
        request["response_format"] = {"type": "json_schema", "json_schema": named}
    elif form == "logprobs":
        request |= {"logprobs": True, "top_logprobs": OFFERED}
    elif form == "tool":
        function: dict[str, JsonValue] = {
            "name": TOOL,
            "description": "Give the verdict on the case.",
            "parameters": shape,
        }
        if spec.provider is Provider.OPENAI:
            function["strict"] = True
            forced: JsonValue = {"type": "function", "function": {"name": TOOL}}
            request.setdefault("tool_choice", forced)
        request["tools"] = [{"type": "function", "function": function}]
    return request


_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
"""Fields of a message for what the model thought; none of it is its word."""
_SPOKEN = ("text", "output_text", None)
"""Kinds of parts of a message that are text to be read; others are thoughts, or pictures."""


def _is_withheld(document: Document) -> bool:
    """Whether a completion came without any choice, as from a provider that blocked the prompt."""
    if document.get("choices") or document.get("error"):
        return False
    blocked = document.get("prompt_feedback") or document.get("promptFeedback")
    used = document.get("usage")
    written = used.get("completion_tokens") if isinstance(used, dict) else None
    is_empty = document.get("object") == "chat.completion" and isinstance(used, dict) and not written
    return bool(blocked) or is_empty


def _offered(choice: Document) -> tuple[JsonValue, ...]:
    """The likeliest first tokens of a reply with their log-probabilities; none where none were given."""
    content = (choice.get("logprobs") or {}).get("content") or ()
    return (content[0], *(content[0].get("top_logprobs") or ())) if content else ()


def _calls(message: Document) -> tuple[JsonValue, ...]:
    """Arguments of the calls of our tool; one without a name can only be that."""
    old = message.get("function_call")
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    calls = [*functions, old] if isinstance(old, dict) else functions
    names = [str(call.get("name") or TOOL).rpartition(".")[2].casefold() for call in calls]
    return tuple(c.get("arguments") for c, name in zip(calls, names, strict=True) if name == TOOL)


def _text(content: str | list[Document] | Document | None) -> str:
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    if isinstance(content, list):
        spoken = [part for part in content if isinstance(part, dict) and part.get("type") in _SPOKEN]
        return "\n".join(str(part.get("text") or "") for part in spoken)
    return str(content or "")


def _tokens(usage: Document | None) -> Tokens | None:
    if not isinstance(usage, dict) or usage.get("prompt_tokens") is None:
        return None
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    return tokens_of(
        usage["prompt_tokens"],
        written=usage.get("completion_tokens"),
        cached=details.get("cached_tokens"),
        stored=details.get("cache_write_tokens"),
    )


def _span(text: str) -> float:
    """Seconds of a span such as `6m0s` or `120ms`."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _SPAN.findall(text))
