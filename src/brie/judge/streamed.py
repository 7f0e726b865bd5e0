"""A chat completion that came in pieces although none was asked for: some gateways always stream.

data: {"choices": [{"delta": {"content": "{\\"winner\\""}}]}

data: {"choices": [{"delta": {"content": ": \\"A\\"}"}, "finish_reason": "stop"}]}

data: [DONE]
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

_MOST_CALLS = 20
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def is_stream(raw: bytes) -> bool:
    """Whether a body is a stream of events."""
    return raw.lstrip()[:6].startswith((b"data:", b"event:", b": "))


def completed(raw: bytes) -> JsonValue:
    """The completion whose pieces a stream of events holds, or the error it ends in.

    Raises:
        ValueError: it is of another kind, or has no end.
    """
    pieces = list(_pieces(raw))
    error = next((piece for piece in pieces if piece.get("error")), None)
    if error is not None:
        return error
    whole: dict[str, JsonValue] = {}
    message: dict[str, JsonValue] = {"role": "assistant", "content": None}
    finish: JsonValue = None
    for piece in pieces:
        whole |= {key: said for key, said in piece.items() if key != "choices" and said is not None}
        choices = piece.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict):
            _add(message, delta)
        if isinstance(choice, dict):
            finish = choice.get("finish_reason") or finish
    if finish is None:
        raise ValueError("a stream of another kind, or one without an end")
    return {
        **whole,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }


def _pieces(raw: bytes) -> Iterator[dict[str, JsonValue]]:
    for line in raw.splitlines():
        data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
        piece = json.loads(data) if data and data != b"[DONE]" else None
        if isinstance(piece, dict):
            yield piece


def _add(message: dict[str, JsonValue], delta: dict[str, JsonValue]) -> None:
    for name in _TEXTS:
        said = delta.get(name)
        if isinstance(said, str):
            message[name] = f"{message.get(name) or ''}{said}"
    calls = delta.get("tool_calls")
    known = message.get("tool_calls")
    whole = known if isinstance(known, list) else []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(call, dict) and isinstance(function, dict):
            _continue(whole, call.get("index"), function)
    if whole:
        message["tool_calls"] = whole


def _continue(whole: list[JsonValue], at: JsonValue, piece: dict[str, JsonValue]) -> None:
    """Add a piece to the call it belongs to; one with a new number begins a call."""
    if not (isinstance(at, int) and 0 <= at < len(whole)):
        if len(whole) == _MOST_CALLS:
            return
        at = len(whole)
        whole.append({"type": "function", "function": {"name": None, "arguments": ""}})
    call = whole[at]
    function = call["function"] if isinstance(call, dict) else None
    if isinstance(function, dict):
        function["name"] = piece.get("name") or function["name"]
        function["arguments"] = f"{function['arguments']}{piece.get('arguments') or ''}"
