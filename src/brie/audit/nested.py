"""Columns that lie deeper in a row, by dotted names: `responses.0.values.choice.value`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pydantic import JsonValue

from brie.reading.skipped import Skipped
from brie.reading.stream import Value, decoded

_DEEPEST = 6


def deepened(rows: Iterable[Value], columns: Collection[str]) -> Iterator[Value]:
    """Rows in which every named column that lies deeper stands beside the others, under its name.

    Args:
        rows: as read.
        columns: names of columns; a number in one counts a list's items from 0, and a text of JSON is
            gone into.
    """
    dotted = [column for column in columns if "." in column]
    for row in rows:
        if not dotted or isinstance(row, Skipped) or not isinstance(row[1], dict):
            yield row
            continue
        value = row[1]
        reached = {name: inner for name in dotted if name not in value for inner in _inside(value, name)}
        yield row[0], {**value, **reached}


def names_in(value: dict[str, JsonValue]) -> list[str]:
    """Names of everything in a row that is a text, a number or a truth value; of lists the first two."""
    return [path.removeprefix(".") for path in _paths(value, "", 0)]


def _inside(value: JsonValue, name: str) -> Iterator[JsonValue]:
    """What lies under a dotted name: one value, or none. A key may hold dots itself."""
    if not name:
        yield value
    elif isinstance(value, str):
        yield from _inside(_decoded(value), name)
    elif isinstance(value, list):
        item, _, rest = name.partition(".")
        if item.isdecimal() and int(item) < len(value):
            yield from _inside(value[int(item)], rest)
    elif isinstance(value, dict):
        key = max((key for key in value if f"{name}.".startswith(f"{key}.")), key=len, default=None)
        if key is not None:
            yield from _inside(value[key], name[len(key) + 1 :])


def _decoded(text: str) -> JsonValue:
    """What JSON in a text holds; nothing where it is none."""
    try:
        inner: JsonValue = decoded(text)
    except ValueError:
        return None
    return inner if isinstance(inner, dict | list) else None


def _paths(value: JsonValue, path: str, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for at, inner in enumerate(value[:2]):
            yield from _paths(inner, f"{path}.{at}", depth + 1)
    elif not isinstance(value, dict | list):
        yield path
