"""Rows of files of any size and kind, numbered; what is broken comes as `Skipped`.

JSON arrays, JSON lines, objects with a list inside, tables of text (`spreadsheet`), Parquet and
zipped logs (`archives`); gzip, byte order marks and UTF-16 included.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal, TextIO

from pydantic import JsonValue

from brie.errors import InputError
from brie.reading.archives import parquet, zipped
from brie.reading.arrays import CHUNK, MOST, ArrayReader, Named
from brie.reading.skipped import Skipped
from brie.reading.spreadsheet import spreadsheet

Object = dict[str, JsonValue]
Value = tuple[int, JsonValue] | Skipped
Kind = Literal["lines", "list", "objects", "table", "Parquet", "log"]
"""How a file holds its rows."""
_FEWEST_BY_ID = 3
_DEEP = "it is nested too deeply"


@dataclass
class Content:
    """A file's rows, and what stands around them."""

    rows: Iterator[Value]
    about: Object = field(default_factory=dict)
    """Keys of the object that the list of rows stands in, and of those inside it beside the list."""
    where: str = ""
    """The key of that list; "" where the file is the list."""
    kind: Kind = "objects"


def values(path: Path) -> Iterator[Value]:
    """Numbered rows of a file; rows that are broken come as `Skipped`.

    Raises:
        InputError: the file cannot be read, or is no text.
    """
    return content(path).rows


def content(
    path: Path,
    is_row: Callable[[Object], bool] = lambda value: False,
    what: str = "no judgment file",
) -> Content:
    """A file's rows and what stands around them.

    Args:
        path: the file.
        is_row: whether an object that is all of a file is a row itself, lists in it or not.
        what: what a file that is no text is said to be.

    Raises:
        InputError: the file cannot be read, or is no text.
    """
    with _reading(path, what):
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path} is no file.")
        with path.open("rb") as raw:
            magic = raw.read(4)
        if magic.startswith(b"PK\x03\x04"):
            return Content(zipped(path, decoded), kind="log")
        if magic == b"PAR1" or path.suffix == ".parquet":
            return Content(parquet(path), kind="Parquet")
        handle = _open(path, magic)
        _refuse_stand_in(handle, path)
        name = path.name.removesuffix(".gz").lower()
        opening = "" if name.endswith((".csv", ".tsv")) else _first(handle)
        if opening not in ("[", "{"):
            return Content(_guarded(path, spreadsheet(handle), what), kind="table")
        if opening == "{":
            whole = _whole(handle, path)
            if whole is not None:
                return _of_objects(whole, path, is_row)
            handle.seek(0)
        if opening == "[":
            return Content(_guarded(path, ArrayReader(handle, _STRICT).rows(), what), kind="list")
        return Content(_guarded(path, _lines(handle), what), kind="lines")


def decoded(text: str) -> JsonValue:
    """One JSON value in which no key stands twice.

    Raises:
        ValueError: it is none; the message says why.
    """
    try:
        value: JsonValue = _STRICT.decode(text)
        return value
    except RecursionError as error:
        raise ValueError(_DEEP) from error


class _Twice(Named):
    """An object names a key twice: which of the two is meant cannot be known."""


def _once(pairs: list[tuple[str, JsonValue]]) -> Object:
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name in counts if counts[name] > 1)
        raise _Twice(f"the key {twice!r} stands twice")
    return value


_STRICT = json.JSONDecoder(object_pairs_hook=_once)


class _reading:  # noqa: N801 (a with statement)
    """Turns what goes wrong while reading a file into one sentence."""

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path, what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        path = self._path
        if isinstance(error, UnicodeError):
            raise InputError(
                f"{path} is not UTF-8 text, so it is {self._what} (a spreadsheet: save it as "
                "`CSV UTF-8`)."
            ) from error
        if isinstance(error, csv.Error):
            raise InputError(f"{path} is not a CSV file: {error}.") from error
        if isinstance(error, OSError | EOFError | zlib.error):
            why = getattr(error, "strerror", None) or error
            raise InputError(f"{path} cannot be read: {why}.") from error


def _guarded(path: Path, rows: Iterator[Value], what: str) -> Iterator[Value]:
    with _reading(path, what):
        yield from rows


def _open(path: Path, magic: bytes) -> TextIO:
    raw = path.open("rb")
    if magic[:2] == b"\x1f\x8b":
        packed = gzip.GzipFile(fileobj=raw)
        marks = packed.read(4)
        packed.seek(0)
        return io.TextIOWrapper(packed, encoding=_encoding(marks), newline="")
    return io.TextIOWrapper(raw, encoding=_encoding(magic), newline="")


def _encoding(marks: bytes) -> str:
    """The encoding by a file's first bytes: a mark, or every second byte of ASCII text."""
    if marks[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(marks) == 4 and b"\0" in marks:
        if not marks[1] and not marks[3] and marks[0] and marks[2]:
            return "utf-16-le"
        if not marks[0] and not marks[2] and marks[1] and marks[3]:
            return "utf-16-be"
    return "utf-8-sig"


def _refuse_stand_in(handle: TextIO, path: Path) -> None:
    """A file that stands where another should: a pointer, or a page that says why there is none.

    Raises:
        InputError: it is one.
    """
    head = handle.read(64).lstrip().lower()
    handle.seek(0)
    if head.startswith("version https://git-lfs"):
        raise InputError(
            f"{path} is a pointer of Git LFS, not the file itself: `git lfs pull` fetches it."
        )
    if head.startswith(("<!doctype html", "<html")):
        raise InputError(f"{path} is a web page, not the file it should be.")


def _first(handle: TextIO) -> str:
    """The first character that is not a space; the handle is at the start again."""
    head = handle.read(4096).lstrip()
    handle.seek(0)
    return head[:1]


def _lines(handle: TextIO) -> Iterator[Value]:
    number = 0
    while line := handle.readline(MOST + 1):
        number += 1
        if len(line) > MOST:
            yield Skipped(number, f"is longer than {MOST >> 20} million characters")
            return
        if line.strip():
            try:
                yield number, _STRICT.decode(line)
            except _Twice as twice:
                yield Skipped(number, str(twice))
            except RecursionError:
                yield Skipped(number, _DEEP)
            except ValueError:
                yield Skipped(number, "not JSON (a half-written line?)")


def _whole(handle: TextIO, path: Path) -> list[JsonValue | _Twice] | None:
    """The values of a file that is no JSON lines: one object, or several over many lines each.

    None where it is JSON lines, or broken, which is the same: a line at a time tells where.

    Raises:
        InputError: the object names a key twice.
    """
    line = next((text for text in iter(lambda: handle.readline(MOST + 1), "") if text.strip()), "")
    if len(line) > MOST:
        return None
    try:
        first = _MARKING.decode(line)
        return [first] if not isinstance(first, _Twice) and not handle.read(CHUNK).strip() else None
    except (ValueError, RecursionError):
        text, found = line + handle.read(MOST), []
    at = 0
    try:
        while at < len(text):
            value, at = _MARKING.raw_decode(text, at)
            found.append(value)
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
    except (ValueError, RecursionError):
        return None
    if len(found) == 1 and isinstance(found[0], _Twice):
        raise InputError(f"{path}: {found[0]}, so what it says cannot be known.")
    return found


def _mark_twice(pairs: list[tuple[str, JsonValue | _Twice]]) -> Object | _Twice:
    """As `_once`, but the object that names a key twice is the error: it costs its row alone."""
    whole: list[tuple[str, JsonValue]] = []
    for name, value in pairs:
        if isinstance(value, _Twice):
            return value
        whole.append((name, value))
    try:
        return _once(whole)
    except _Twice as twice:
        return twice


_MARKING = json.JSONDecoder(object_pairs_hook=_mark_twice)


def _of_objects(
    found: list[JsonValue | _Twice], path: Path, is_row: Callable[[Object], bool]
) -> Content:
    """Several objects are rows; a single one is a row, or holds a list of them."""
    whole = found[0]
    if len(found) > 1 or not isinstance(whole, dict) or is_row(whole):
        return Content(_numbered(found))
    if columns := _of_columns(whole):
        return Content(_numbered(columns))
    lists = _lists(whole)
    if not lists:
        named = _rows_by_id(whole)
        return Content(_numbered(named or found), where="" if not named else "(its keys)")
    most = max(len(rows) for _, rows in lists)
    longest = [(key, rows) for key, rows in lists if len(rows) == most]
    if len(longest) > 1:
        keys = ", ".join(f"`{key}`" for key, _ in longest)
        raise InputError(
            f"{path} is one object with several lists of {most} rows ({keys}): "
            "write the one that is meant to a file of its own."
        )
    key, rows = longest[0]
    about = _about(whole)
    if key == "samples" and isinstance(about.get("eval"), dict):  # a log whose header each sample needs
        rows = [{**row, "eval": about["eval"]} if isinstance(row, dict) else row for row in rows]
    return Content(_numbered(rows), about, key)


def _of_columns(whole: Object) -> list[JsonValue | _Twice]:
    """Rows of an object that holds columns, as data frames are written: lists, or cells by row number.

    {"question": ["…", "…"], "answer": ["…", "…"]}      {"question": {"0": "…", "1": "…"}, …}
    """
    columns: dict[str, dict[str, JsonValue]] = {}
    for name, column in whole.items():
        if isinstance(column, list) and not any(isinstance(cell, dict) for cell in column):
            columns[name] = {str(number): cell for number, cell in enumerate(column)}
        elif isinstance(column, dict) and column and all(key.isdecimal() for key in column):
            columns[name] = column
    numbers = next(iter(columns.values()), {}).keys()
    alike = all(column.keys() == numbers for column in columns.values())
    if len(columns) < max(2, len(whole)) or len(numbers) < 2 or not alike:
        return []
    return [{name: column[number] for name, column in columns.items()} for number in numbers]


def _rows_by_id(whole: Object) -> list[JsonValue | _Twice]:
    """Rows that an object holds under their ids: several objects that share most of their keys."""
    rows = {key: row for key, row in whole.items() if isinstance(row, dict)}
    if len(rows) < _FEWEST_BY_ID or 2 * len(rows) <= len(whole):
        return []
    shared = set.intersection(*(set(row) for row in rows.values()))
    widest = max(len(row) for row in rows.values())
    if not shared or 2 * len(shared) < widest:
        return []
    return [{"id": key, **row} for key, row in rows.items()]


def _numbered(found: Sequence[JsonValue | _Twice]) -> Iterator[Value]:
    for number, value in enumerate(found, 1):
        yield Skipped(number, str(value)) if isinstance(value, _Twice) else (number, value)


def _lists(value: Object, path: str = "", depth: int = 0) -> list[tuple[str, list[JsonValue]]]:
    """Lists of objects inside an object, by their dotted keys; none inside a list's rows."""
    found: list[tuple[str, list[JsonValue]]] = []
    for key, inner in value.items():
        name = f"{path}.{key}" if path else key
        if isinstance(inner, list) and 2 * sum(isinstance(row, dict) for row in inner) > len(inner):
            found.append((name, inner))
        elif isinstance(inner, dict) and depth < 4:
            found += _lists(inner, name, depth + 1)
    return found


def _about(value: Object) -> Object:
    """What is said beside the list: texts and numbers of the object, and of the objects in it."""
    inner = [part for part in value.values() if isinstance(part, dict)]
    return {
        name: said
        for name, said in chain(*(part.items() for part in inner), value.items())
        if isinstance(said, str | int | float) or name == "eval"
    }
