"""One row of a training file as a conversation, or why it is none.

A row is either a chat or a prompt with its completion; other keys are kept out of training:

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"prompt": "…", "completion": "…"}          (each a string or a list of messages)

`category` and `source` may stand beside either, `tools` and `system` too; `brie.data.turns` says what
a turn may hold, and `brie.data.forms` which other rows are read.
"""

from __future__ import annotations

import json
from itertools import pairwise

from pydantic import JsonValue

from brie.data.turns import Remarks, kind, learned, read_turn, refuse_media
from brie.errors import InputError
from brie.records import Conversation, Turn


def to_conversation(
    row: JsonValue, line: int, remarks: Remarks | None = None, key: str | None = None
) -> Conversation:
    """One row as a conversation.

    Args:
        row: as the file has it.
        line: where it stands.
        remarks: harmless oddities are added here.
        key: what the file calls `messages` or `completion`, for the error's text.

    Raises:
        InputError: what is missing or cannot be honoured, and where in the row (no file name: the
            caller knows it).
    """
    if not isinstance(row, dict):
        raise InputError(f"expected a JSON object, found {kind(row)}")
    remarks = remarks if remarks is not None else Remarks()
    _refuse_row(row)
    turns = [read_turn(turn, where, line, remarks) for where, turn in _turns(row, key)]
    messages = _with_system(row, turns)
    _check_order(messages)
    if any(a.role == b.role == "user" for a, b in pairwise(messages)):
        remarks.add("two user turns in a row", line)
    labels = {key: _label(row, key) for key in ("category", "source") if row.get(key) is not None}
    return Conversation.model_validate(
        {"messages": messages, "tools": _tools(row), "line": line, **labels}
    )


def _refuse_row(row: dict[str, JsonValue]) -> None:
    """Keys of a row that say it is no good answer, or hold what cannot be trained on."""
    for key in _LABELS:
        if _is_bad(row.get(key), row.get("completion")):
            raise InputError(
                f"is labelled a bad answer (`{key}`: false) and would be learned as a good one; leave "
                "it out, or call the key otherwise where it judges no answer"
            )
    if not learned(row, "the row", whose="row"):
        raise InputError("is marked as not to be learned; leave it out")
    refuse_media(row)
    if row.get("functions"):
        raise InputError("`functions` is the older form; write them as `tools`")
    options = row.get("chat_template_kwargs")
    if options and options != {"enable_thinking": False}:
        raise InputError(
            "`chat_template_kwargs` would have the row rendered otherwise than the model will be asked; "
            "leave it out (the thinking mode: brie train --set thinking=true)"
        )
    if row.get("documents"):
        raise InputError("`documents` would not be rendered; write what the answer needs into a turn")


_LABELS = ("label", "kto_tag")
"""What trainers call the switch that says whether an answer is a good one (KTO)."""


def _is_bad(label: JsonValue, answer: JsonValue) -> bool:
    """Whether a label calls its row's answer bad; one that is the answer itself is a class."""
    if isinstance(label, str) and label.strip().lower() == "false":
        return not isinstance(answer, str) or answer.strip().lower() != "false"
    return label is False


def _with_system(row: dict[str, JsonValue], turns: list[Turn]) -> tuple[Turn, ...]:
    """The turns behind a system prompt that stands beside them."""
    system = row.get("system")
    if system is None or system == "":
        return tuple(turns)
    if not isinstance(system, str):
        raise InputError(f"`system` must be a string, found {kind(system)}")
    if turns[0].role == "system":
        if turns[0].content == system:
            return tuple(turns)
        raise InputError("has a `system` prompt and another one as its first turn")
    return (Turn(role="system", content=system), *turns)


def _tools(row: dict[str, JsonValue]) -> list[JsonValue]:
    tools = row.get("tools")
    if isinstance(tools, str) and tools.strip():  # data sets keep them as text
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError) as error:
            raise InputError("`tools` is text that is not JSON") from error
    if tools in (None, "", []):
        return []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise InputError(f"`tools` must be a list of objects, found {kind(tools)}")
    return tools


def _turns(row: dict[str, JsonValue], key: str | None) -> list[tuple[str, JsonValue]]:
    """The row's turns with where each stands, for messages."""
    if "messages" in row:
        turns = row["messages"]
        key = key or "messages"
        if not isinstance(turns, list) or not turns:
            raise InputError(f"`{key}` must be a list of turns with at least one in it")
        return [(f"{key}[{i}]", turn) for i, turn in enumerate(turns)]
    if "prompt" in row and "completion" in row:
        called = key if key not in (None, "messages") else "completion"
        answer = _part(row["completion"], called, role="assistant")
        return [*_part(row["prompt"], "prompt", role="user"), *answer]
    raise InputError("has neither `messages` nor `prompt` and `completion`")


def _part(value: JsonValue, key: str, *, role: str) -> list[tuple[str, JsonValue]]:
    if isinstance(value, str):
        return [(f"`{key}`", {"role": role, "content": value})]
    if isinstance(value, list) and value:
        return [(f"{key}[{i}]", turn) for i, turn in enumerate(value)]
    if isinstance(value, dict) and "content" in value:
        return [(f"`{key}`", {"role": role, **value})]
    raise InputError(f"`{key}` must be a string or a list of turns, found {kind(value)}")


def _check_order(messages: tuple[Turn, ...]) -> None:
    if messages[-1].role != "assistant":
        raise InputError(f"ends with a {messages[-1].role} turn; the last turn must be the assistant's")
    if all(message.role != "user" for message in messages):
        raise InputError("has no user turn")
    for index, message in enumerate(messages):
        if message.role != "assistant" or message.tool_calls:
            continue
        if not message.content.strip():
            raise InputError(f"the assistant's answer in turn {index + 1} is empty")
    if not any(message.learned for message in messages if message.role == "assistant"):
        raise InputError("none of its answers is to be learned; leave it out")


def _label(row: dict[str, JsonValue], key: str) -> str:
    if not isinstance(row[key], str):
        raise InputError(f"`{key}` must be a string, found {kind(row[key])}")
    return str(row[key])
