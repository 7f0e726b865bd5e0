"""`--map KEY=PATH`: where in a row stands what brie calls KEY.

--map source=meta.source                    points go into objects
--map prompt=question+context               a plus joins texts, a blank line between them
--map role=speaker --map content=said       keys of every turn
--map role.assistant=agent                  whose turns a word names
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from brie.errors import InputError, UsageError

MAPPED = ("messages", "prompt", "completion", "system", "tools", "category", "source")
"""Keys of a row that may stand elsewhere in it."""
TURN = {"role": ("from",), "content": ("value", "parts")}
"""Keys of a turn, with what else they are called."""
ROLE = "role."
_ROLES = tuple(f"{ROLE}{role}" for role in ("system", "user", "assistant", "tool"))
_JOINED = ("prompt", "completion", "system")


def mapping_of(named: Iterable[str]) -> dict[str, str]:
    """`--map KEY=PATH` as a table.

    Raises:
        UsageError: a pair is malformed, or names no key of a row.
    """
    pairs = [pair.partition("=") for pair in named]
    known = (*MAPPED, *TURN, *_ROLES)
    for key, equals, path in pairs:
        if not equals or not path or key not in known:
            raise UsageError(
                f"--map {key}{equals}{path}: expected KEY=PATH with KEY one of {', '.join(known)}, for "
                "example --map source=meta.source"
            )
    return {key: path for key, _, path in pairs}


def parts_of(path: str) -> list[str]:
    """What a path joins."""
    return [part.strip() for part in path.split("+") if part.strip()]


def mapped(row: dict[str, JsonValue], mapping: Mapping[str, str]) -> dict[str, JsonValue]:
    """A row with the keys that stand elsewhere in it put where they belong.

    Raises:
        InputError: a path leads nowhere.
    """
    placed: dict[str, JsonValue] = {}
    moved: set[str] = set()
    for key, path in mapping.items():
        if key not in MAPPED:
            continue
        parts = [path] if path in row or key not in _JOINED else parts_of(path)
        value = joined(row, parts) if len(parts) > 1 else reached(row, parts[0])
        if value is None:
            raise InputError(f"has no `{parts[0]}`, which --map takes for `{key}`")
        if key in _JOINED and isinstance(value, bool | int | float):
            value = json.dumps(value)
        placed[key] = value
        moved.update(parts)
    return {**{key: value for key, value in row.items() if key not in moved}, **placed}


def reached(row: Mapping[str, JsonValue], path: str) -> JsonValue:
    """What stands at a path: a key by that name, or one inside objects."""
    if path in row:
        return row[path]
    value: JsonValue = dict(row)
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def joined(row: Mapping[str, JsonValue], paths: Sequence[str]) -> str | None:
    """Texts at some paths, a blank line between them; None where the first is not there."""
    texts = [reached(row, path) for path in paths]
    if not texts or texts[0] is None:
        return None
    for path, text in zip(paths, texts, strict=True):
        if text is not None and not isinstance(text, str):
            raise InputError(f"`{path}` must be a string to be joined with others")
    return "\n\n".join(text for text in texts if isinstance(text, str) and text.strip())


def unreached(rows: Iterable[Mapping[str, JsonValue]], mapping: Mapping[str, str]) -> dict[str, str]:
    """Parts of the mapping that stand in no row -> the key they were to be."""
    left = {
        part: key
        for key, path in mapping.items()
        if key in MAPPED
        for part in (parts_of(path) if key in _JOINED else [path])
    }
    for row in rows:
        left = {part: key for part, key in left.items() if reached(row, part) is None}
        if not left:
            break
    return left
