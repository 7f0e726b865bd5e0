"""One turn of a training row: what it says, whether it is learned, and what cannot be honoured.

    {"role": "assistant", "content": "…", "weight": 0}                     seen, not learned
    {"role": "assistant", "content": "…", "reasoning_content": "…"}        a thought
    {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": …, "arguments": {…}}}]}
    {"role": "tool", "content": "…", "tool_call_id": "…"}
    {"role": "user", "content": [{"type": "text", "text": "…"}]}           parts of text are joined

A key that would change what is learned is honoured, or the row is refused; every other key is noted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from brie.errors import InputError
from brie.records import Turn

ROLES = ("system", "user", "assistant", "tool")
ROW_LEARN = ("weight", "train", "loss", "loss_mask", "loss_weight", "loss_scale")
"""What trainers call the switch that says whether a row is learned."""
LEARN = (*ROW_LEARN, "training", "step_loss_mask", "output_with_loss")
"""The same of a turn."""
_OF_LEARNING = re.compile(r"loss|weight|train|mask|learn", re.IGNORECASE)
"""In the name of a key that may say what of a turn is learned."""
_MEDIA_KEY = re.compile(
    r"(image|img|audio|video)s?(_(path|url|uri|file|base64|byte|data|name)s?)?", re.I
)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_MEDIA = ("image", "audio", "video", "file")
_USED = {"role", "content", "tool_calls", "name", "tool_call_id", *LEARN, *_THOUGHTS}
SHOWN = 5
"""Lines named in a note."""


@dataclass
class Remarks:
    """Kinds of harmless oddities, each with the lines it was seen in."""

    kinds: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, line: int) -> None:
        """One row has it; a row counts once."""
        lines = self.kinds.setdefault(kind, [])
        if not lines or lines[-1] != line:
            lines.append(line)

    def sentences(self) -> tuple[str, ...]:
        """One line a kind, with how many rows and the first of them."""
        return tuple(f"{kind} ({counted(lines)})" for kind, lines in self.kinds.items())


def counted(lines: list[int]) -> str:
    """How many rows, and the first lines: `3 rows: line 1, 2, 9`."""
    more = ", …" if len(lines) > SHOWN else ""
    named = ", ".join(map(str, lines[:SHOWN]))
    return f"{len(lines):,} row{'' if len(lines) == 1 else 's'}: line {named}{more}"


def read_turn(turn: JsonValue, where: str, line: int, remarks: Remarks) -> Turn:
    """A turn of a row.

    Args:
        turn: as the file has it.
        where: how to name it in a message.
        line: the row's.
        remarks: what is odd about it and harmless is added here.

    Raises:
        InputError: it says something that cannot be trained on; names the key.
    """
    if not isinstance(turn, dict):
        raise InputError(f"{where} must be an object with `role` and `content`, found {kind(turn)}")
    role = _text(turn, "role", where)
    if role not in ROLES:
        raise InputError(f"{where}: role {role!r} is none of {', '.join(ROLES)}")
    if turn.get("function_call"):
        raise InputError(f"{where}: `function_call` is the older form; write it as `tool_calls`")
    calls = _calls(turn, role, where)
    content = _content(turn, where, line, remarks, empty=bool(calls))
    thought = _thought(turn, role, where)
    for text in (content, thought):
        _refuse_half_characters(text, where)
    refuse_media(turn, f"{where} ")
    for key in turn:
        if key not in _USED and turn[key] is not None:
            _refuse_unknown_switch(key, role, where)
            remarks.add(f"key of a turn not used in training: {key}", line)
    named = {key: str(turn[key]) for key in ("name", "tool_call_id") if turn.get(key) and role == "tool"}
    return Turn.model_validate(
        {
            "role": role,
            "content": content,
            "learned": learned(turn, where, whose=role) or role != "assistant",
            "reasoning": thought or None,
            "tool_calls": calls,
            **named,
        }
    )


def refuse_media(holder: Mapping[str, JsonValue], where: str = "") -> None:
    """Refuse a row or turn with pictures, sounds or films beside its text.

    Args:
        holder: the row or turn.
        where: how to name it in a message, with a blank behind it; "": it is the row.

    Raises:
        InputError: it has some.
    """
    for key in holder:
        if holder[key] and _MEDIA_KEY.fullmatch(key):
            raise InputError(f"{where}holds `{key}`; brie trains on text alone")


def _refuse_unknown_switch(key: str, role: str, where: str) -> None:
    if role == "assistant" and _OF_LEARNING.search(key):
        raise InputError(
            f"{where}: `{key}` may say what of the answer is learned, in a way that brie does not know; "
            "write `weight`, 0 or 1, or leave it out"
        )


def learned(holder: Mapping[str, JsonValue], where: str, *, whose: str = "assistant") -> bool:
    """Whether a turn (or row) is to be learned, as its keys say; without one it is.

    Raises:
        InputError: a key says something between yes and no, two contradict each other, or one asks
            to learn what is no answer.
    """
    keys = ROW_LEARN if whose == "row" else LEARN
    said = {key: _switch(holder[key], key, where) for key in keys if holder.get(key) is not None}
    if len(set(said.values())) > 1:
        raise InputError(f"{where}: {' and '.join(f'`{key}`' for key in said)} contradict each other")
    on = next(iter(said.values()), True)
    if on and said and whose not in ("assistant", "row"):
        key = next(iter(said))
        raise InputError(f"{where}: `{key}` asks to learn a {whose} turn; only answers are learned")
    return on


def _switch(value: JsonValue, key: str, where: str) -> bool:
    if value in (0, 1) and isinstance(value, (bool, int, float)):
        return bool(value)
    raise InputError(f"{where}: `{key}` must be 0 or 1, true or false, found {_short(value)}")


def _calls(turn: Mapping[str, JsonValue], role: str, where: str) -> list[JsonValue]:
    calls = turn.get("tool_calls")
    if calls is None or calls == []:
        return []
    if role != "assistant":
        raise InputError(f"{where}: `tool_calls` belong to the assistant's turns")
    if not isinstance(calls, list):
        raise InputError(f"{where}: `tool_calls` must be a list, found {kind(calls)}")
    for call in calls:
        wanted = call.get("function", call) if isinstance(call, dict) else None
        if not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str):
            raise InputError(f"{where}: a tool call must be an object with the function's `name`")
    return calls


def _thought(turn: Mapping[str, JsonValue], role: str, where: str) -> str:
    said = {key: turn[key] for key in _THOUGHTS if turn.get(key) not in (None, "", False)}
    for key, value in said.items():
        if not isinstance(value, str):
            raise InputError(f"{where}: `{key}` must be a string, found {kind(value)}")
        if role != "assistant":
            raise InputError(f"{where}: `{key}` belongs to the assistant's turns")
    texts = {str(value) for value in said.values()}
    if len(texts) > 1:
        raise InputError(f"{where}: {' and '.join(f'`{key}`' for key in said)} are two thoughts")
    return next(iter(texts), "")


def _content(
    turn: Mapping[str, JsonValue], where: str, line: int, remarks: Remarks, *, empty: bool
) -> str:
    value = turn.get("content")
    if value is None and empty:
        return ""
    if "content" not in turn:
        raise InputError(f"{where} has no `content`")
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        remarks.add("content in parts, joined", line)
        return "".join(_part(part, f"{where}.content[{i}]") for i, part in enumerate(value))
    raise InputError(f"{where}: `content` must be a string, found {kind(value)}")


def _part(part: JsonValue, where: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise InputError(f"{where} must be text, found {kind(part)}")
    what = str(part.get("type", "text"))
    text = part.get("text")
    if what in ("text", "input_text", "output_text") and isinstance(text, str):
        return text
    if medium := next((name for name in _MEDIA if name in what), None):
        article = "an" if medium[0] in "ia" else "a"
        raise InputError(f"{where} is {article} {medium} (`{what}`); brie trains on text alone")
    raise InputError(f"{where}: a part of type {what!r} is no text; brie trains on text alone")


def _text(turn: Mapping[str, JsonValue], key: str, where: str) -> str:
    if key not in turn:
        raise InputError(f"{where} has no `{key}`")
    value = turn[key]
    if not isinstance(value, str):
        raise InputError(f"{where}: `{key}` must be a string, found {kind(value)}")
    return value


def _refuse_half_characters(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{where}: the text holds half a surrogate pair; it is not Unicode") from None


def _short(value: JsonValue) -> str:
    return repr(value) if isinstance(value, (int, float, str)) and len(repr(value)) < 20 else kind(value)


def kind(value: JsonValue) -> str:
    """What a JSON value is, for messages."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
