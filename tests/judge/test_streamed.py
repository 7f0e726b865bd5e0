"""A reply in pieces that nobody asked for is the reply that its pieces make."""

from __future__ import annotations

import json

import pytest
from pydantic import JsonValue

from brie.judge.streamed import completed, is_stream
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import judge
from tests.judge.test_replies import asked, reading


def stream(*pieces: JsonValue, done: str = "data: [DONE]\n\n") -> bytes:
    """A stream of events."""
    return ("".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + done).encode()


def delta(finish: str | None = None, **said: JsonValue) -> dict[str, JsonValue]:
    """One piece."""
    return {"model": "m", "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def test_a_gateway_that_always_streams_is_read() -> None:
    def script(seen: Seen) -> Act:
        text = json.dumps({"reasons": "x", "winner": "B", "case": seen.case})
        counts: dict[str, JsonValue] = {"prompt_tokens": 900, "completion_tokens": 30}
        usage: JsonValue = {"choices": [], "usage": counts}
        pieces = [delta(reasoning_content="Winner: A"), *(delta(content=sign) for sign in text)]
        return Act(body=b": ping\n\n" + stream(*pieces, delta("stop"), usage))

    with JudgeServer(script=script) as server:
        (reply,) = asked(judge(server), 1)
    assert (reading(reply), reply.usage.input_tokens, reply.usage.output_tokens) == ("B", 900, 30)


def test_a_call_in_pieces_is_put_together() -> None:
    def call(**function: JsonValue) -> dict[str, JsonValue]:
        return delta(tool_calls=[{"index": 0, "function": function}])

    pieces = (call(name="give_verdict"), call(arguments='{"winner"'), call(arguments=': "A"}'))
    told = json.dumps(completed(stream(*pieces, delta("tool_calls"))))
    assert json.dumps({"name": "give_verdict", "arguments": '{"winner": "A"}'}) in told


def test_an_error_in_a_stream_is_the_error() -> None:
    error: JsonValue = {"error": {"message": "no", "code": 429}}
    assert completed(stream(delta(content="{"), error)) == error


@pytest.mark.parametrize(
    "raw",
    [
        stream(delta(content="x")), stream(), b"data: 1\n\n", b"data: {\n\n", b"event: x\n\n",
        stream({"type": "message_start"}),
        stream(delta(tool_calls=[{"index": "x", "function": {}}, None, 3])),
        stream(delta(tool_calls=[{"index": 10**9, "function": {"name": 3, "arguments": []}}])),
    ],
)  # fmt: skip
def test_a_stream_without_an_end_or_of_another_kind_is_none(raw: bytes) -> None:
    assert is_stream(raw)
    with pytest.raises(ValueError, match=r"."):
        completed(raw)
