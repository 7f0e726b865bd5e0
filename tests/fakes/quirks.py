"""Servers as their makers document them where they differ: what they refuse, and in which words.

A quirk answers some requests in its own way and the others with a verdict. The wordings are those of
the published references and error pages; numbers and names in them are ours.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.judge_wire import Act, Seen

End = Literal["verdict", "refused", "invalid", "credit", "quota", "key", "model", "memory", "region"]
"""What it comes to: verdicts for all; one pair without; or a judge that stops at once, and why."""
_SOME = 5
"""Requests that a passing quirk spoils at the start."""


@dataclass(frozen=True)
class Quirk:
    """One server's way."""

    server: str
    what: str
    status: int
    body: Any
    when: Callable[[Seen], bool]
    end: End
    headers: Mapping[str, str] = field(default_factory=dict)
    judge: Mapping[str, Any] = field(default_factory=dict)
    """What else the judge's file says."""

    def __call__(self, seen: Seen) -> Act:
        """What happens to a request."""
        if not self.when(seen):
            return Act()
        raw = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return Act(status=self.status, body=raw.encode(), headers=dict(self.headers), free=True)

    def __str__(self) -> str:
        return f"{self.server}, {self.what}"


def always(seen: Seen) -> bool:
    """Every request."""
    return True


def first(seen: Seen) -> bool:
    """The first few."""
    return seen.number < _SOME


def one_pair(seen: Seen) -> bool:
    """The requests about one pair, in both orders."""
    return "Question 1?" in seen.text


def with_system(seen: Seen) -> bool:
    """Those with a system's turn."""
    return bool(seen.body["messages"][0]["role"] == "system")


def with_schema(seen: Seen) -> bool:
    """Those that ask for a form."""
    return "response_format" in seen.body or "tools" in seen.body


def named(setting: str) -> Callable[[Seen], bool]:
    """Those that send a setting."""
    return lambda seen: setting in seen.body


def _openai(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None,
                      **more}}  # fmt: skip


def _vllm(message: str) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": 400}


def _llama(code: int, message: str, kind: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": kind}}


def _google(code: int, message: str, status: str, *details: Any) -> list[Any]:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


def _violation(per: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": f"GenerateRequestsPer{per}PerProjectPerModel-FreeTier"}],
    }


_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}
_TOO_LARGE = (
    "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context length is "
    "4096 tokens and your request has 3500 input tokens (1024 > 4096 - 3500)."
)
_LIMIT = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
    "instead."
)


def _groq(span: str, per: str) -> dict[str, Any]:
    message = (
        f"Rate limit reached for model `a-model` in organization `org_x` service tier `on_demand` on "
        f"tokens per {per}: Limit 12000, Used 11974, Requested 540. Please try again in {span}. Need "
        "more tokens? Upgrade to Dev Tier today"
    )
    return {"error": {"message": message, "type": "tokens", "code": "rate_limit_exceeded"}}


QUIRKS = [
    Quirk("vLLM", "no system role", 400, _vllm("System role not supported"), with_system, "verdict"),
    Quirk("vLLM", "roles alternate", 400, _vllm("Conversation roles must alternate user/assistant/..."),
          with_system, "verdict"),
    Quirk("vLLM", "context", 400, _vllm(_TOO_LARGE), one_pair, "invalid"),
    Quirk("vLLM", "schema", 400, _openai("The provided JSON schema contains features not supported by "
          "xgrammar."), with_schema, "verdict"),
    Quirk("vLLM", "model", 404, _vllm("The model `a-model` does not exist."), always, "model"),
    Quirk("vLLM", "a body that repeats the request", 422, {"detail": [{"type": "extra_forbidden", "loc": [
          "body", "response_format"], "msg": "Extra inputs are not permitted", "input": "invalid api key"}]},
          with_schema, "verdict"),
    Quirk("llama.cpp", "loading", 503, _llama(503, "Loading model", "unavailable_error"), first, "verdict"),
    Quirk("llama.cpp", "no system role", 500, _llama(500, "Jinja Exception: System role not supported",
          "server_error"), with_system, "verdict"),
    Quirk("llama.cpp", "context", 400, _llama(400, "the request exceeds the available context size, try "
          "increasing it", "exceed_context_size_error"), one_pair, "invalid"),
    Quirk("llama.cpp", "grammar", 400, _llama(400, "Failed to parse grammar", "invalid_request_error"),
          with_schema, "verdict"),
    Quirk("llama.cpp", "key", 401, _llama(401, "Invalid API Key", "authentication_error"), always, "key"),
    Quirk("Ollama", "model", 404, _openai("model 'a-model' not found", type="not_found_error"), always,
          "model"),
    Quirk("Ollama", "runner", 500, _openai("llama runner process has terminated", type="api_error"), first,
          "verdict"),
    Quirk("Ollama", "no tools", 400, _openai("registry.ollama.ai/library/a-model does not support tools",
          type="api_error"), with_schema, "verdict", judge={"output": "tool"}),
    Quirk("LM Studio", "nothing loaded", 404, _openai("No models loaded. Please load a model in the "
          "developer page or use the 'lms load' command.", code="model_not_found"), always, "model"),
    Quirk("LM Studio", "form", 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"},
          with_schema, "verdict"),
    Quirk("LM Studio", "context", 400, {"error": "The number of tokens to keep from the initial prompt is "
          "greater than the context length (n_keep: 5000>= n_ctx: 4096)."}, one_pair, "invalid"),
    Quirk("OpenRouter", "limit behind it", 200, {"error": {"message": "Provider returned error", "code": 429,
          "metadata": {"raw": "a-model is temporarily rate-limited upstream", "provider_name": "X"}}}, first,
          "verdict"),
    Quirk("OpenRouter", "error in a choice", 200, {"id": "x", "choices": [{"finish_reason": "error", "error":
          {"code": 502, "message": "Upstream error"}, "message": {"content": ""}}]}, first, "verdict"),
    Quirk("OpenRouter", "no credit in a 200", 200, {"error": {"message": "Insufficient credits. Add more.",
          "code": 402}}, always, "credit"),
    Quirk("OpenRouter", "no credit", 402, {"error": {"message": "This request requires more credits, or "
          "fewer max_tokens.", "code": 402}}, always, "credit"),
    Quirk("OpenRouter", "free models", 429, {"error": {"message": "Rate limit exceeded: free-models-per-day. "
          "Add 10 credits to unlock 1000 free model requests per day", "code": 429}}, always, "quota"),
    Quirk("OpenRouter", "moderation", 403, {"error": {"message": "a-model requires moderation on X. Your "
          "input was flagged for \"violence\".", "code": 403}}, one_pair, "refused"),
    Quirk("OpenRouter", "parameters", 404, {"error": {"message": "No endpoints found that can handle the "
          "requested parameters.", "code": 404}}, with_schema, "verdict"),
    Quirk("Azure", "key", 401, {"error": {"code": "401", "message": "Access denied due to invalid "
          "subscription key or wrong API endpoint."}}, always, "key"),
    Quirk("Azure", "filter", 400, {"error": {"message": "The response was filtered due to the prompt "
          "triggering Azure OpenAI's content management policy.", "code": "content_filter"}}, one_pair,
          "refused"),
    Quirk("Azure", "deployment", 404, {"error": {"code": "DeploymentNotFound", "message": "The API "
          "deployment for this resource does not exist."}}, always, "model"),
    Quirk("Azure", "rate", 429, {"error": {"code": "429", "message": "Requests to the ChatCompletions "
          "Operation have exceeded the call rate limit. Please retry after 1 seconds."}}, first, "verdict"),
    Quirk("Azure", "limit", 400, _openai(_LIMIT, param="max_tokens", code="unsupported_parameter"),
          named("max_tokens"), "verdict"),
    Quirk("Groq", "minute", 429, _groq("150ms", "minute (TPM)"), first, "verdict"),
    Quirk("Groq", "day", 429, _groq("7m12.5s", "day (TPD)"), always, "quota"),
    Quirk("Groq", "its own check", 400, {"error": {"message": "Failed to generate JSON. Please adjust your "
          "prompt.", "type": "invalid_request_error", "code": "json_validate_failed",
          "failed_generation": "{\"response_format"}}, first, "verdict"),
    Quirk("Groq", "too large", 413, {"error": {"message": "Request too large for model `a-model` on tokens "
          "per minute (TPM): Limit 6000, Requested 9000", "code": "rate_limit_exceeded"}}, one_pair,
          "invalid"),
    Quirk("DeepSeek", "balance", 402, _openai("Insufficient Balance", type="unknown_error"), always,
          "credit"),
    Quirk("DeepSeek", "form", 400, _openai("This response_format type is unavailable now"), with_schema,
          "verdict"),
    Quirk("DeepSeek", "key", 401, _openai("Authentication Fails, Your api key: ****0000 is invalid"), always,
          "key"),
    Quirk("DeepSeek", "busy", 503, _openai("Service is too busy. We advise users to temporarily switch"),
          first, "verdict"),
    Quirk("Mistral", "limit", 422, {"detail": [{"type": "extra_forbidden", "loc": ["body",
          "max_completion_tokens"], "msg": "Extra inputs are not permitted", "input": 99}]},
          named("max_completion_tokens"), "verdict", judge={"parameters": {"max_completion_tokens": 99}}),
    Quirk("Mistral", "key", 401, {"detail": "Unauthorized"}, always, "key"),
    Quirk("Mistral", "rate", 429, {"message": "Requests rate limit exceeded"}, first, "verdict"),
    Quirk("Mistral", "capacity", 429, {"object": "error", "message": "Service tier capacity exceeded for "
          "this model.", "type": "service_tier_capacity_exceeded", "code": "3505"}, first, "verdict"),
    Quirk("Gemini", "minute", 429, _google(429, _QUOTA, "RESOURCE_EXHAUSTED", _violation("Minute"), _RETRY),
          first, "verdict"),
    Quirk("Gemini", "day", 429, _google(429, _QUOTA, "RESOURCE_EXHAUSTED", _violation("Day"), _RETRY), always,
          "quota"),
    Quirk("Gemini", "key", 400, _google(400, "API key not valid. Please pass a valid API key.",
          "INVALID_ARGUMENT"), always, "key"),
    Quirk("Gemini", "no system role", 400, _google(400, "Developer instruction is not enabled for "
          "models/gemma-3-27b-it", "INVALID_ARGUMENT"), with_system, "verdict"),
    Quirk("Gemini", "overloaded", 503, _google(503, "The model is overloaded. Please try again later.",
          "UNAVAILABLE"), first, "verdict"),
    Quirk("Gemini", "blocked", 200, {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens":
          900, "completion_tokens": 0, "total_tokens": 900}}, one_pair, "refused"),
    Quirk("OpenAI", "no credit", 429, _openai(_QUOTA, type="insufficient_quota", code="insufficient_quota"),
          always, "credit"),
    Quirk("OpenAI", "day", 429, _openai("Rate limit reached for a-model on requests per day (RPD): Limit 200, "
          "Used 200, Requested 1. Please try again in 7m12s."), always, "quota"),
    Quirk("Gemini", "place", 400, _google(400, "User location is not supported for the API use.",
          "FAILED_PRECONDITION"), always, "region"),
    Quirk("Gemini", "schema", 400, _google(400, "The specified schema produces a constraint that has too many "
          "states for serving.", "INVALID_ARGUMENT"), with_schema, "verdict"),
    Quirk("Gemini", "billing", 403, _google(403, "This API method requires billing to be enabled.",
          "PERMISSION_DENIED"), always, "credit"),
    Quirk("OpenAI", "place", 403, _openai("Country, region, or territory not supported",
          code="unsupported_country_region_territory"), always, "region"),
    Quirk("Bedrock", "rate", 400, {"__type": "ThrottlingException", "message": "Rate exceeded"}, first,
          "verdict"),
    Quirk("Bedrock", "model", 400, {"message": "The provided model identifier is invalid."}, always, "model"),
    Quirk("Hugging Face", "model", 400, _openai("The requested model 'x' is not supported by any provider you "
          "have enabled.", code="model_not_supported"), always, "model"),
    Quirk("Hugging Face", "context", 422, {"error": "Input validation error: `inputs` tokens + "
          "`max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 1024 `max_new_tokens`"}, one_pair,
          "invalid"),
    Quirk("vLLM", "a prompt too long", 400, _vllm("The decoder prompt (length 5001) is longer than the maximum "
          "model length of 4096."), one_pair, "invalid"),
    Quirk("Ollama", "memory", 500, _openai("model requires more system memory (9.2 GiB) than is available "
          "(5.1 GiB)", type="api_error"), always, "memory"),
    Quirk("LM Studio", "crash", 400, {"error": "The model has crashed without additional information. (Exit "
          "code: 6)"}, first, "verdict"),
    Quirk("LM Studio", "unloaded", 400, {"error": "Model unloaded."}, first, "verdict"),
    Quirk("OpenRouter", "key's limit", 403, {"error": {"message": "Key limit exceeded (total limit).",
          "code": 403}}, always, "credit"),
    Quirk("Cohere", "month", 429, {"message": "You are using a Trial key, which is limited to 1000 API calls / "
          "month."}, always, "quota"),
    Quirk("Cohere", "minute", 429, {"message": "You are using a Trial key, which is limited to 20 API calls / "
          "minute."}, first, "verdict"),
    Quirk("nginx", "size", 413, "<html><title>413 Request Entity Too Large</title></html>", one_pair,
          "invalid"),
    Quirk("Together", "no credit", 402, {"error": {"message": "Credit limit exceeded, please add credits"}},
          always, "credit"),
]  # fmt: skip
