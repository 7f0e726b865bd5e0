"""Looking things up in a row whose values may be of any type."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from brie.audit.rows import UNNAMED

Object = Mapping[str, JsonValue]


def text(value: Object, *keys: str, default: str = "") -> str:
    """The first of some keys that holds a text, a number or a truth value, as text."""
    for key in keys:
        cell = value.get(key)
        if isinstance(cell, str | int | float) and str(cell).strip():
            return str(cell)
    return default


def judge(value: Object, *keys: str) -> str:
    """Who judged: a name, the first of a list of names, or a person's address or id."""
    for key in keys:
        cell = value.get(key)
        if isinstance(cell, list) and cell:
            cell = cell[0]
        if isinstance(cell, dict):
            cell = text(cell, "email", "name", "username", "id")
        if isinstance(cell, str | int | float) and str(cell).strip():
            return str(cell)
    return UNNAMED


def last_said(conversation: JsonValue, role: str) -> str:
    """The last message of a role in a list of messages; "" where there is none."""
    messages = conversation if isinstance(conversation, list) else []
    said = [m.get("content") for m in messages if isinstance(m, dict) and m.get("role") == role]
    return _spoken(said[-1]) if said else ""


def asked(conversation: JsonValue) -> str:
    """All that the user asks in a list of messages, or the text itself."""
    if isinstance(conversation, str):
        return conversation
    messages = conversation if isinstance(conversation, list) else []
    said = [
        _spoken(m.get("content"))
        for m in messages
        if isinstance(m, dict) and m.get("role") != "assistant"
    ]
    return "\n\n".join(said)


def _spoken(content: JsonValue) -> str:
    """A message's text; of one in parts, those that are text."""
    if not isinstance(content, list):
        return str(content)
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "\n".join(part for part in parts if isinstance(part, str)) or str(content)


def lacks(value: Object, keys: set[str]) -> str:
    """What a row lacks, in words."""
    return f"lacks {', '.join(sorted(keys - value.keys()))}"
