"""Requests and replies of the two protocols, as a server sees them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

_ANSWER = re.compile(r"⟦answer ([AB]) · (\w+)⟧\n(.*?)\n⟦end of answer \1 · \2⟧", re.DOTALL)
_CASE = re.compile(r"Case number: (\d+)")


@dataclass
class Seen:
    """A request to judge."""

    api: str
    number: int
    headers: dict[str, str]
    raw: bytes
    body: dict[str, Any]
    text: str
    """The user message."""
    answers: dict[str, str]
    """Letter -> answer."""
    letters: tuple[str, ...]
    """The letters in the order shown."""
    case: str

    @classmethod
    def read(cls, path: str, headers: dict[str, str], raw: bytes, number: int) -> Self:
        """Read a request by its path."""
        ends = {"/messages": "anthropic", "/responses": "responses"}
        api = next((api for end, api in ends.items() if path.endswith(end)), "openai")
        return cls.of(api, headers, raw, number)

    @classmethod
    def of(cls, api: str, headers: dict[str, str], raw: bytes, number: int) -> Self:
        """Read a request's body."""
        body = json.loads(raw)
        content = body["input"] if api == "responses" else body["messages"][-1]["content"]
        text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        found = [(m[1], m[3]) for m in _ANSWER.finditer(text)]
        case = _CASE.search(text)
        letters = tuple(letter for letter, _ in found)
        return cls(api, number, headers, raw, body, text, dict(found), letters, case[1] if case else "")

    @property
    def key(self) -> str:
        """The API key that came with it."""
        alone = self.headers.get("x-api-key") or self.headers.get("api-key")
        return alone or self.headers.get("authorization", "")[7:]

    @property
    def form(self) -> str:
        """How the verdict is wanted: tool, json_schema or text."""
        if self.body.get("tools"):
            return "tool"
        wants = self.body.get("response_format") or self._within.get("format")
        return "json_schema" if wants else "text"

    @property
    def _within(self) -> dict[str, Any]:
        """Where the protocols put a form that stands inside something else."""
        within: dict[str, Any] = self.body.get("output_config") or self.body.get("text") or {}
        return within

    @property
    def criteria(self) -> list[str]:
        """Keys of the scores the schema asks for."""
        tools = self.body.get("tools")
        if tools:
            flat = tools[0].get("input_schema") or tools[0].get("parameters")
            schema = flat or tools[0]["function"]["parameters"]
        elif self.api in ("anthropic", "responses"):
            schema = (self._within.get("format") or {}).get("schema")
        else:
            schema = ((self.body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        return list(((schema or {}).get("properties") or {}).get("scores", {}).get("properties", {}))


@dataclass
class Act:
    """What happens to a request."""

    status: int = 200
    body: bytes | None = None
    """Sent as it stands, instead of a verdict."""
    text: str | None = None
    """The reply's text, instead of a verdict."""
    changed: dict[str, Any] | None = None
    """Fields of the verdict to change."""
    stop: str | None = None
    """Stop reason, in the protocol's own word."""
    twice: str | None = None
    """Winner of a second tool call."""
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    delay: float = 0.0
    until: Callable[[], bool] | None = None
    """Held back until this is true."""
    reset: bool = False
    free: bool = False
    tokens: tuple[int, int] | None = None
    """Usage to report and bill."""
    top: list[Any] | None = None
    """Entries of `top_logprobs` for the first token; None: the server gives none."""
    snapshot: str = "snapshot"
    """What the served model's name ends in."""


def usage_of(seen: Seen, act: Act) -> tuple[int, int]:
    """Input and output tokens."""
    return act.tokens or (len(seen.raw) // 4, 60)


def reply_body(seen: Seen, mind: Callable[[Seen], str], act: Act) -> bytes:
    """The body of a reply."""
    if act.body is not None:
        return act.body
    if act.status != 200:
        return json.dumps({"error": {"message": f"status {act.status}", "type": "test"}}).encode()
    return json.dumps(document(seen, mind, act), ensure_ascii=False).encode("utf-8", "surrogatepass")


def document(seen: Seen, mind: Callable[[Seen], str], act: Act) -> dict[str, Any]:
    """The JSON document of a reply with a verdict."""
    verdict = _verdict(seen, mind(seen) if act.text is None else "tie", act)
    by_api = {"anthropic": _anthropic, "responses": _responses}
    return by_api.get(seen.api, _openai)(seen, verdict, act)


def _verdict(seen: Seen, winner: str, act: Act) -> dict[str, Any]:
    good = {"A": 4, "B": 2} if winner == "A" else {"A": 2, "B": 4}
    return {
        "reasons": f"{winner} it is.",
        **({"scores": dict.fromkeys(seen.criteria, good)} if seen.criteria else {}),
        "winner": winner,
        "case": seen.case,
        **(act.changed or {}),
    }


def _as_text(seen: Seen, verdict: dict[str, Any], act: Act) -> str:
    if act.text is not None:
        return act.text
    if seen.form == "json_schema":
        return json.dumps(verdict)
    return f"{verdict['reasons']}\n\nCase: {verdict['case']}\nWinner: {verdict['winner']}"


def _anthropic(seen: Seen, verdict: dict[str, Any], act: Act) -> dict[str, Any]:
    asked, said = usage_of(seen, act)
    content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "", "signature": "x"}]
    if seen.form == "tool" and act.text is None:
        name = seen.body["tools"][0]["name"]
        content.append({"type": "tool_use", "id": "t1", "name": name, "input": verdict})
        if act.twice:
            again = {**verdict, "winner": act.twice}
            content.append({"type": "tool_use", "id": "t2", "name": name, "input": again})
    else:
        content.append({"type": "text", "text": _as_text(seen, verdict, act)})
    return {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": f"{seen.body['model']}-{act.snapshot}",
        "content": content,
        "stop_reason": act.stop or ("tool_use" if seen.form == "tool" else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": asked, "output_tokens": said},
    }


def _responses(seen: Seen, verdict: dict[str, Any], act: Act) -> dict[str, Any]:
    asked, said = usage_of(seen, act)
    output: list[dict[str, Any]] = [{"id": "rs_1", "type": "reasoning", "summary": []}]
    if seen.form == "tool" and act.text is None:
        name = seen.body["tools"][0]["name"]
        wanted = [verdict] + ([{**verdict, "winner": act.twice}] if act.twice else [])
        output += [
            {"id": f"fc_{n}", "type": "function_call", "call_id": f"c{n}", "name": name,
             "arguments": json.dumps(one)}
            for n, one in enumerate(wanted)
        ]  # fmt: skip
    else:
        text = {"type": "output_text", "text": _as_text(seen, verdict, act), "annotations": []}
        output.append({"id": "msg_1", "type": "message", "role": "assistant", "content": [text]})
    reason = {"length": "max_output_tokens"}.get(act.stop or "", act.stop)
    return {
        "id": "resp_test",
        "object": "response",
        "created_at": 0,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "error": None,
        "model": f"{seen.body['model']}-{act.snapshot}",
        "output": output,
        "usage": {
            "input_tokens": asked,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": said,
            "total_tokens": asked + said,
        },
    }


def _openai(seen: Seen, verdict: dict[str, Any], act: Act) -> dict[str, Any]:
    asked, said = usage_of(seen, act)
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    if seen.form == "tool" and act.text is None:
        name = seen.body["tools"][0]["function"]["name"]
        wanted = [verdict] + ([{**verdict, "winner": act.twice}] if act.twice else [])
        message["tool_calls"] = [
            {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(one)}}
            for n, one in enumerate(wanted)
        ]
    else:
        message["content"] = _as_text(seen, verdict, act)
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 0,
        "model": f"{seen.body['model']}-{act.snapshot}",
        "system_fingerprint": "fp_test",
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": act.stop or "stop",
                "logprobs": _logprobs(seen, act),
            }
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _logprobs(seen: Seen, act: Act) -> dict[str, Any] | None:
    if act.top is None or not seen.body.get("logprobs"):
        return None
    most = act.top[: seen.body.get("top_logprobs", 0)]
    return {"content": [{**(most[0] if most else {}), "top_logprobs": most}], "refusal": None}
