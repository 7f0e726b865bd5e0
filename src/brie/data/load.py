"""Training files: JSON lines in, conversations or located problems out.

A row is either a chat or a prompt with its completion; other keys are kept out of training:

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"prompt": "…", "completion": "…"}          (each a string or a list of messages)

`category` and `source` may stand beside either. A UTF-8 byte-order mark and Windows line ends
are accepted; they change nothing in the text of a row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from brie.digest import digest
from brie.errors import InputError
from brie.records import Conversation, Message

ROLES = ("system", "user", "assistant")
_FOREIGN = {
    "text": "rendered text hides which tokens are the answer; give `messages` instead",
    "conversations": 'rename it to `messages`, with "role" and "content" in every turn',
    "instruction": "rename instruction and output to `prompt` and `completion`",
    "chosen": "preference pairs train another objective; give `messages` instead",
}


class Problem(NamedTuple):
    """Something wrong with one line; `line` counts from 1, 0 means the whole file."""

    line: int
    text: str


@dataclass(frozen=True)
class Parsed:
    """A training file as read."""

    path: Path
    conversations: tuple[Conversation, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    """Harmless oddities: a byte-order mark, Windows line ends, blank lines, unused keys."""
    extras: dict[int, dict[str, JsonValue]] = field(default_factory=dict)
    """Line -> the row's other keys (labels, ids), for tables only."""


def load(path: Path) -> tuple[Conversation, ...]:
    """Every row of a training file.

    Raises:
        InputError: the file cannot be read, has no row, or a row is not a conversation that
            ends with a non-empty answer; the message names the file and the first bad line.
    """
    parsed = parse(path)
    if parsed.problems:
        first, more = parsed.problems[0], len(parsed.problems) - 1
        where = f"{path}:{first.line}" if first.line else str(path)
        rest = f" ({more} more: brie data check {path})" if more else ""
        raise InputError(f"{where}: {first.text}{rest}.")
    return parsed.conversations


def parse(path: Path) -> Parsed:
    """Read a training file line by line, collecting problems instead of stopping at the first.

    Raises:
        InputError: the file cannot be opened at all.
    """
    raw = _read(path)
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and _is_json(raw):
        listed = "is one JSON list; write one object a line, for example with: jq -c '.[]'"
        return Parsed(path, (), (Problem(0, listed),))
    conversations: list[Conversation] = []
    problems: list[Problem] = []
    extras: dict[int, dict[str, JsonValue]] = {}
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = _decode(line)
            conversations.append(to_conversation(row, number))
            extras[number] = _extras(row)
        except InputError as error:
            problems.append(Problem(number, str(error)))
    if not conversations and not problems:
        problems.append(Problem(0, "holds no rows; expected one JSON object a line"))
    return Parsed(path, tuple(conversations), tuple(problems), _notes(raw, extras), extras)


def to_conversation(row: JsonValue, line: int) -> Conversation:
    """One row as a conversation.

    Raises:
        InputError: what is missing, and where in the row (no file name: the caller knows it).
    """
    if not isinstance(row, dict):
        raise InputError(f"expected a JSON object, found {_kind(row)}")
    messages = tuple(_message(turn, where) for where, turn in _turns(row))
    _check_order(messages)
    labels = {key: _label(row, key) for key in ("category", "source") if row.get(key) is not None}
    return Conversation.model_validate({"messages": messages, "line": line, **labels})


def rows_digest(conversations: tuple[Conversation, ...]) -> str:
    """Digest of what training sees: messages and labels in order, not their line numbers."""
    return digest([c.model_dump(mode="json", exclude={"line"}) for c in conversations])


_USED = {"messages", "prompt", "completion", "category", "source"}


def _read(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is UTF-16; save it as UTF-8.")
    return raw


def _is_json(raw: bytes) -> bool:
    """Whether a whole file is one JSON value over several lines, rather than JSON lines."""
    try:
        json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def _extras(row: JsonValue) -> dict[str, JsonValue]:
    return {k: v for k, v in row.items() if k not in _USED} if isinstance(row, dict) else {}


def _decode(line: bytes) -> JsonValue:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"is not valid UTF-8 (byte {error.start + 1} of the line)") from error
    try:
        value: JsonValue = json.loads(text)
        return value
    except json.JSONDecodeError as error:
        raise InputError(f"is not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError:
        raise InputError("is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"cannot be read as JSON: {error}") from error


def _turns(row: dict[str, JsonValue]) -> list[tuple[str, JsonValue]]:
    """The row's turns with where each stands, for messages."""
    if "messages" in row:
        turns = row["messages"]
        if not isinstance(turns, list) or not turns:
            raise InputError("`messages` must be a list of turns with at least one in it")
        return [(f"messages[{i}]", turn) for i, turn in enumerate(turns)]
    if "prompt" in row and "completion" in row:
        return [*_part(row, "prompt", "user"), *_part(row, "completion", "assistant")]
    for key, advice in _FOREIGN.items():
        if key in row:
            raise InputError(
                f"has `{key}` but neither `messages` nor `prompt` and `completion`; {advice}"
            )
    raise InputError("has neither `messages` nor `prompt` and `completion`")


def _part(row: dict[str, JsonValue], key: str, role: str) -> list[tuple[str, JsonValue]]:
    value = row[key]
    if isinstance(value, str):
        return [(f"`{key}`", {"role": role, "content": value})]
    if isinstance(value, list) and value:
        return [(f"{key}[{i}]", turn) for i, turn in enumerate(value)]
    raise InputError(f"`{key}` must be a string or a list of turns, found {_kind(value)}")


def _message(turn: JsonValue, where: str) -> Message:
    if not isinstance(turn, dict):
        raise InputError(f"{where} must be an object with `role` and `content`, found {_kind(turn)}")
    role, content = _text(turn, "role", where), _text(turn, "content", where)
    if role not in ROLES:
        raise InputError(f"{where}: role {role!r} is none of {', '.join(ROLES)}")
    try:
        content.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{where}: the text holds half a surrogate pair; it is not Unicode") from None
    return Message(role=role, content=content)


def _text(turn: dict[str, JsonValue], key: str, where: str) -> str:
    if key not in turn:
        raise InputError(f"{where} has no `{key}`")
    value = turn[key]
    if not isinstance(value, str):
        raise InputError(f"{where}: `{key}` must be a string, found {_kind(value)}")
    return value


def _check_order(messages: tuple[Message, ...]) -> None:
    if messages[-1].role != "assistant":
        raise InputError(f"ends with a {messages[-1].role} turn; the last turn must be the assistant's")
    if all(message.role != "user" for message in messages):
        raise InputError("has no user turn")
    for index, message in enumerate(messages):
        if message.role == "assistant" and not message.content.strip():
            raise InputError(f"the assistant's answer in turn {index + 1} is empty")


def _label(row: dict[str, JsonValue], key: str) -> str:
    if not isinstance(row[key], str):
        raise InputError(f"`{key}` must be a string, found {_kind(row[key])}")
    return str(row[key])


def _notes(raw: bytes, extras: dict[int, dict[str, JsonValue]]) -> tuple[str, ...]:
    notes = []
    if raw.startswith(b"\xef\xbb\xbf"):
        notes.append("starts with a byte-order mark (ignored)")
    if b"\r\n" in raw:
        notes.append("has Windows line ends (harmless)")
    unused = sorted({key for row in extras.values() for key in row})
    if unused:
        notes.append(f"keys not used in training: {', '.join(unused)}")
    return tuple(notes)


def _kind(value: JsonValue) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
