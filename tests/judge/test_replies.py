"""Every reply in the table is read as it says, whatever form the verdict was asked for in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import JsonValue

from brie.blinding import JudgeInput
from brie.judge.interface import Reply
from brie.judge.providers import open_judge
from brie.records import Message, PanelJudge
from tests.fakes.judge_servers import JudgeServer
from tests.fakes.judge_wire import Act, Seen
from tests.judge.arena import judge
from tests.judge.replies import ARGUMENTS, SHAPES, fields, made

FORMS = (
    ("openai", "text"),
    ("openai", "json_schema"),
    ("openai", "tool"),
    ("anthropic", "json_schema"),
    ("anthropic", "tool"),
)


def shown(number: int) -> JudgeInput:
    """What a judge is asked, with a number the server knows the reply by."""
    return JudgeInput(
        messages=(Message(role="user", content=f"Question {number}?"),), reference=None, check=None,
        first=f"one {number}", second=f"two {number}", first_letter="A",
    )  # fmt: skip


def placed(text: str, case: str) -> str:
    """A reply of the table with the numbers of this request."""
    return text.replace("1234", case).replace("9876", str(1000 + (int(case) + 4321) % 9000))


def asked(panel_judge: PanelJudge, count: int) -> list[Reply]:
    """The replies to so many requests."""

    async def ask() -> list[Reply]:
        opened = open_judge(panel_judge)
        try:
            return [await opened.ask(shown(number)) for number in range(count)]
        finally:
            await opened.close()

    return asyncio.run(ask())


def reading(reply: Reply) -> str:
    """A reply as the table writes it."""
    return str(reply.letter or reply.status)


def wrong(replies: list[Reply], wanted: Mapping[str, str]) -> dict[str, tuple[str, str, str]]:
    """What was read otherwise: name -> read, right, reason."""
    return {
        name: (reading(reply), right, reply.reason[:80])
        for reply, (name, right) in zip(replies, wanted.items(), strict=True)
        if reading(reply) != right
    }


def number_of(seen: Seen) -> int:
    match = re.search(r"Question (\d+)\?", seen.text)
    assert match is not None
    return int(match[1])


def document(seen: Seen, text: str | None, calls: list[JsonValue]) -> Act:
    """A reply with a text and calls, in the protocol's own shape."""
    body: dict[str, Any]
    if seen.api == "anthropic":
        blocks: list[dict[str, Any]] = [] if text is None else [{"type": "text", "text": text}]
        blocks += [{"type": "tool_use", "id": "t", "name": "give_verdict", "input": c} for c in calls]
        usage = {"input_tokens": 900, "output_tokens": 30}
        body = {"content": blocks, "model": "m", "stop_reason": "end_turn", "usage": usage}
    else:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {"type": "function", "function": {"name": "give_verdict", "arguments": call}}
                for call in calls
            ]
        usage = {"prompt_tokens": 900, "completion_tokens": 30}
        body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage, "model": "m"}
    return Act(body=json.dumps(body).encode())


@pytest.mark.parametrize(("api", "output"), FORMS)
def test_every_reply_is_read_rightly_or_called_unreadable(api: str, output: str) -> None:
    shapes = list(SHAPES.values())
    assert len(shapes) > 200

    def script(seen: Seen) -> Act:
        return document(seen, placed(shapes[number_of(seen)].text, seen.case), [])

    with JudgeServer(script=script) as server:
        replies = asked(judge(server, api, output=output), len(shapes))
    assert wrong(replies, {name: shape.reading for name, shape in SHAPES.items()}) == {}


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_every_shape_of_arguments_is_read_rightly_or_called_unreadable(api: str) -> None:
    shapes = list(ARGUMENTS.values())

    def script(seen: Seen) -> Act:
        call = json.loads(placed(json.dumps(shapes[number_of(seen)][0]), seen.case))
        # A text beside a call is never believed instead of it.
        return document(seen, f"Case: {seen.case}\nWinner: A", [call])

    with JudgeServer(script=script) as server:
        replies = asked(judge(server, api, output="tool"), len(shapes))
    assert wrong(replies, {name: right for name, (_, right) in ARGUMENTS.items()}) == {}


def _message(**changes: JsonValue) -> Callable[[Seen], Act]:
    def script(seen: Seen) -> Act:
        message = {"role": "assistant", "content": None, **changes}
        placed_message = json.loads(placed(json.dumps(message), seen.case))
        choice = {"message": placed_message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 900, "completion_tokens": 30}
        return Act(body=json.dumps({"choices": [choice], "usage": usage, "model": "m"}).encode())

    return script


MESSAGES: dict[str, tuple[Callable[[Seen], Act], str, str]] = {
    "a thought in its own field": (_message(content=made("B"), reasoning_content=made("A")), "B", ""),
    "only a thought": (_message(reasoning_content=made("A")), "invalid", "max_tokens"),
    "only a thought, elsewhere": (_message(content="", reasoning=made("A")), "invalid", "max_tokens"),
    "an object for a text": (_message(content=fields("B")), "B", ""),
    "parts": (_message(content=[{"type": "text", "text": made("B")}]), "B", ""),
    "a thought among the parts": (
        _message(content=[{"type": "thinking", "text": made("A")}, {"type": "text", "text": made("B")}]),
        "B", "",
    ),
    "the old field for a call": (
        _message(function_call={"name": "give_verdict", "arguments": made("B")}), "B", "",
    ),
    "a call without a name": (
        _message(tool_calls=[{"function": {"name": None, "arguments": made("B")}}]), "B", "",
    ),
    "a call with a prefix": (
        _message(tool_calls=[{"function": {"name": "functions.give_verdict", "arguments": made("B")}}]),
        "B", "",
    ),
    "a call of another tool": (
        _message(tool_calls=[{"function": {"name": "search", "arguments": made("B")}}]),
        "invalid", "empty",
    ),
    "two calls that differ": (
        _message(
            tool_calls=[{"function": {"name": "give_verdict", "arguments": made(w)}} for w in "AB"]
        ),
        "invalid", "different winners",
    ),
    "a refusal": (_message(refusal="I will not."), "refused", "I will not"),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_the_fields_of_a_message_are_read_by_what_they_are(name: str) -> None:
    script, right, told = MESSAGES[name]
    with JudgeServer(script=script) as server:
        (reply,) = asked(judge(server, output="tool"), 1)
    assert reading(reply) == right
    assert told in reply.reason
