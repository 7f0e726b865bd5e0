"""Reading judgment files of any size: JSON arrays, JSON lines, CSV; gzip and marks included."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from pydantic import JsonValue

from brie.audit.rows import Skipped
from brie.errors import InputError

_CHUNK = 1 << 20
Value = tuple[int, JsonValue] | Skipped


def values(path: Path) -> Iterator[Value]:
    """Numbered rows of a file; rows that are broken come as `Skipped`.

    Raises:
        InputError: the file cannot be read, or is no text.
    """
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    try:
        with _open(path) as handle:
            if path.name.removesuffix(".gz").endswith(".csv"):
                yield from _csv(handle)
            elif _first(handle) == "[":
                yield from _array(handle)
            else:
                yield from _lines(handle)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text, so it is no judgment file.") from error
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {why}.") from error
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV file: {error}.") from error


class _Twice(Exception):
    """An object names a key twice: which of the two is meant cannot be known."""


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"the key {twice!r} stands twice")
    return value


_STRICT = json.JSONDecoder(object_pairs_hook=_once)


def _element(buffer: str, start: int) -> tuple[JsonValue | _Twice, int]:
    """The value that begins at a place, or why it is none, and where it ends.

    Raises:
        ValueError: it is not whole.
    """
    try:
        return _STRICT.raw_decode(buffer, start)
    except _Twice as twice:
        _, end = json.JSONDecoder().raw_decode(buffer, start)
        return twice, end


def _open(path: Path) -> TextIO:
    raw = path.open("rb")
    magic = raw.read(2)
    raw.seek(0)
    binary = gzip.GzipFile(fileobj=raw) if magic == b"\x1f\x8b" else raw
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def _first(handle: TextIO) -> str:
    """The first character that is not a space; the handle is at the start again."""
    head = handle.read(4096).lstrip()
    handle.seek(0)
    return head[:1]


def _parquet(path: Path) -> Iterator[Value]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise InputError(f"{path}: reading Parquet needs pyarrow: pip install pyarrow") from error
    try:
        number = 0
        for batch in ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet file: {error}.") from error


def _csv(handle: TextIO) -> Iterator[Value]:
    csv.field_size_limit(1 << 28)
    yield from enumerate(csv.DictReader(handle), 2)


def _lines(handle: TextIO) -> Iterator[Value]:
    for number, line in enumerate(handle, 1):
        if line.strip():
            try:
                yield number, _STRICT.decode(line)
            except _Twice as twice:
                yield Skipped(number, str(twice))
            except ValueError:
                yield Skipped(number, "not JSON (a half-written line?)")


def _array(handle: TextIO) -> Iterator[Value]:
    """Elements of one JSON array, holding one element in memory at a time."""
    buffer, at, number, ended = handle.read(_CHUNK), 0, 0, False
    at = buffer.index("[") + 1
    while True:
        while at < len(buffer) and buffer[at] in " \t\r\n,":
            at += 1
        if at < len(buffer) and buffer[at] == "]":
            return
        try:
            value, at = _element(buffer, at)
        except ValueError:
            if ended:
                yield Skipped(number + 1, "the array ends in the middle of a row")
                return
            more = handle.read(_CHUNK)
            ended = not more
            buffer, at = buffer[at:] + more, 0
            continue
        number += 1
        yield Skipped(number, str(value)) if isinstance(value, _Twice) else (number, value)
        if at > _CHUNK:
            buffer, at = buffer[at:], 0
