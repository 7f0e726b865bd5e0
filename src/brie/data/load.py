"""Training files in, conversations or located problems out.

JSON lines, JSON lists, CSV, TSV and Parquet, gzipped or not; `brie.data.rows` and `brie.data.forms`
say what a row may be, `brie.data.mapping` what `--map` says of it. A UTF-8 byte-order mark and Windows
line ends are accepted; they change nothing in the text of a row.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from brie.data.forms import Shaped, Tally, is_row, shaped
from brie.data.mapping import MAPPED, unreached
from brie.data.rows import to_conversation
from brie.data.talks import is_turn
from brie.data.turns import ROW_LEARN, Remarks, kind
from brie.digest import digest
from brie.errors import InputError
from brie.reading.skipped import Skipped
from brie.reading.stream import Kind, content
from brie.records import Conversation

Row = dict[str, JsonValue]
_ALWAYS_LINES = (".jsonl", ".ndjson")
_LINES = (*_ALWAYS_LINES, ".json")
_READ = (*_LINES, ".csv", ".tsv", ".parquet", ".gz")
_BOM = b"\xef\xbb\xbf"
_MAGIC = (b"PAR1", b"PK\x03\x04")


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
    """Harmless oddities, one a kind: a byte-order mark, unused keys, keys that stand twice, …"""
    extras: dict[int, Row] = field(default_factory=dict)
    """Line -> the row's other keys (labels, ids), for tables only."""
    read_as: tuple[str, ...] = ()
    """What rows of other tools' forms were read as, a line a form; none for brie's own."""


@dataclass(frozen=True)
class Stored:
    """A file's rows as they lie there."""

    kind: Kind
    rows: Iterator[tuple[int, JsonValue] | Problem]
    raw: bytes = b""
    """Of JSON lines: the whole file, unpacked."""


def load(path: Path, mapping: Mapping[str, str] | None = None) -> tuple[Conversation, ...]:
    """Every row of a training file.

    Raises:
        InputError: the file cannot be read, has no row, or a row is not a conversation that
            ends with a non-empty answer; the message names the file and the first bad line.
    """
    return whole(parse(path, mapping)).conversations


def whole(parsed: Parsed) -> Parsed:
    """What was read, if nothing is wrong with it.

    Raises:
        InputError: something is; names the first bad line.
    """
    if parsed.problems:
        first, more = parsed.problems[0], len(parsed.problems) - 1
        where = f"{parsed.path}:{first.line}" if first.line else str(parsed.path)
        rest = f" ({more} more: brie data check {parsed.path})" if more else ""
        raise InputError(f"{where}: {first.text}{rest}.")
    return parsed


def parse(path: Path, mapping: Mapping[str, str] | None = None) -> Parsed:
    """Read a training file row by row, collecting problems instead of stopping at the first.

    Args:
        path: the file.
        mapping: key of a row -> where in the row it stands, for rows that name it otherwise.

    Raises:
        InputError: the file cannot be opened at all.
    """
    mapping = mapping or {}
    remarks, tally = Remarks(), Tally()
    stored = stored_rows(path, mapping, remarks)
    conversations: list[Conversation] = []
    problems: list[Problem] = []
    extras: dict[int, Row] = {}
    objects: list[Row] = []
    for item in stored.rows:
        if isinstance(item, Problem):
            problems.append(item)
            continue
        number, value = item
        try:
            if mapping and isinstance(value, dict):
                objects.append(value)
            made = read_row(value, mapping)
            conversations.append(to_conversation(made.row, number, remarks, made.key))
            tally.add(made)
            extras[number] = _extras(made.row)
        except InputError as error:
            problems.append(Problem(number, str(error)))
    if absent := _absent(objects, mapping):
        problems = [absent]
    if not conversations and not problems:
        problems.append(Problem(0, "holds no rows; expected one JSON object a line"))
    notes = (*_notes(stored.raw, extras), *remarks.sentences())
    return Parsed(path, tuple(conversations), tuple(problems), notes, extras, tally.sentences())


def read_row(value: JsonValue, mapping: Mapping[str, str]) -> Shaped:
    """One row in brie's own form; a list of turns is a row too.

    Raises:
        InputError: it is of no form that is known.
    """
    if isinstance(value, list) and value and all(map(is_turn, value)):
        value = {"messages": value}
    if not isinstance(value, dict):
        raise InputError(f"expected a JSON object, found {kind(value)}")
    return shaped(value, mapping)


def stored_rows(path: Path, mapping: Mapping[str, str], remarks: Remarks) -> Stored:
    """The rows of a file of any kind, numbered as its kind numbers them.

    Args:
        path: the file.
        mapping: what `--map` said: it tells an object that is one row from one that holds a list.
        remarks: keys that stand twice are added here.

    Raises:
        InputError: the file is not there, or is of no kind that holds rows.
    """
    if not path.exists():
        raise InputError(_missing(path))
    raw = _read(path)
    if _is_lines(raw, path, mapping):
        return Stored("lines", _of_lines(raw, remarks), raw)
    opened = content(path, partial(is_row, mapping=mapping), "no training file")
    if opened.kind == "lines":  # as a whole it is no JSON, so that a line at a time says where
        return Stored("lines", _of_lines(raw, remarks), raw)
    if opened.kind == "log":
        raise InputError(f"{path} is a zip file; unpack it: unzip {path}")
    filled = opened.kind in ("table", "Parquet")
    return Stored(opened.kind, (_stored(item, filled=filled) for item in opened.rows))


def _is_lines(raw: bytes, path: Path, mapping: Mapping[str, str]) -> bool:
    """Whether every line is a row of its own: the first one is, or nothing else is possible."""
    text = raw.removeprefix(_BOM).lstrip()
    first, _, more = text.partition(b"\n")
    if text[:1] != b"{":
        named = path.name.removesuffix(".gz").lower()
        if text[:1] == b"[":
            return bool(more.strip()) and _is_talk_alone(first)
        return named.endswith(_LINES) and raw[:4] not in _MAGIC
    try:
        whole_row = json.loads(first)
    except UnicodeDecodeError:  # a line at a time says which
        return True
    except (ValueError, RecursionError):
        return False
    alone = not more.strip() and not path.name.removesuffix(".gz").lower().endswith(_ALWAYS_LINES)
    return not alone or not isinstance(whole_row, dict) or is_row(whole_row, mapping)


def _is_talk_alone(line: bytes) -> bool:
    """Whether a line is a list of turns and nothing else."""
    try:
        turns = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(turns, list) and bool(turns) and all(map(is_turn, turns))


def row_bytes(path: Path, mapping: Mapping[str, str] | None = None) -> dict[int, bytes]:
    """Number -> the row as a JSON line: of JSON lines byte for byte as it is, else with all its keys.

    Raises:
        InputError: as `stored_rows`.
    """
    stored = stored_rows(path, mapping or {}, Remarks())
    if stored.kind == "lines":
        lines = stored.raw.removeprefix(_BOM).split(b"\n")
        return {number: line.rstrip(b"\r") for number, line in enumerate(lines, 1)}
    return {
        item[0]: json.dumps(item[1], ensure_ascii=False, default=str).encode()
        for item in stored.rows
        if not isinstance(item, Problem)
    }


def rows_digest(conversations: tuple[Conversation, ...]) -> str:
    """Digest of what training sees: messages and labels in order, not their line numbers."""
    return digest([c.model_dump(mode="json", exclude={"line"}) for c in conversations])


_USED = {*MAPPED, *ROW_LEARN}


def _stored(item: tuple[int, JsonValue] | Skipped, *, filled: bool) -> tuple[int, JsonValue] | Problem:
    """A row, without the cells that a table leaves empty."""
    if isinstance(item, Skipped):
        return Problem(item.line, item.why)
    number, value = item
    if filled and isinstance(value, dict):
        value = {key: cell for key, cell in value.items() if cell is not None}
    return number, value


def _of_lines(raw: bytes, remarks: Remarks) -> Iterator[tuple[int, JsonValue] | Problem]:
    for number, line in enumerate(raw.removeprefix(_BOM).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, _decode(line, number, remarks)
        except InputError as error:
            yield Problem(number, str(error))


def _absent(rows: list[Row], mapping: Mapping[str, str]) -> Problem | None:
    """What `--map` names and no row has: one mistake, not one a row."""
    left = unreached(rows, mapping) if rows else {}
    for path, key in left.items():
        keys = sorted({name for row in rows for name in row})
        near = get_close_matches(path, keys, n=2, cutoff=0.5)
        guess = f"near it: {', '.join(near)}" if near else f"its keys: {', '.join(keys)}"
        return Problem(0, f"no row has `{path}`, which --map takes for `{key}`; {guess}")
    return None


def _missing(path: Path) -> str:
    """What to say of a file that is not there: what lies near it, or how to get one."""
    folder = path.parent if path.parent.is_dir() else Path()
    here = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in _READ and p.is_file())
    near = get_close_matches(path.name, here, n=3, cutoff=0.4) or here[:3]
    listed = "".join(f"\n  brie data check {folder / name}" for name in near)
    hint = (
        f"; there is:{listed}" if listed else ", and no training file beside it: brie data check --help"
    )
    return f"cannot read {path}: there is no such file{hint}"


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"cannot read {path}: it is no file.")
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}.") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16").encode()
        except UnicodeError as error:
            raise InputError(f"{path} begins as UTF-16 and is not; save it as UTF-8.") from error
    return raw


def _extras(row: Row) -> Row:
    return {k: v for k, v in row.items() if k not in _USED}


def _decode(line: bytes, number: int, remarks: Remarks) -> JsonValue:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"is not valid UTF-8 (byte {error.start + 1} of the line)") from error

    def once(pairs: list[tuple[str, JsonValue]]) -> Row:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [key for key, _ in pairs]
            twice = sorted({key for key in names if names.count(key) > 1})
            for key in twice:
                remarks.add(f"`{key}` stands twice in one object, and the last one counts", number)
        return made

    try:
        value: JsonValue = json.loads(text, object_pairs_hook=once)
        return value
    except json.JSONDecodeError as error:
        raise InputError(f"is not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError:
        raise InputError("is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"cannot be read as JSON: {error}") from error


def _notes(raw: bytes, extras: dict[int, Row]) -> tuple[str, ...]:
    notes = []
    if raw.startswith(_BOM):
        notes.append("starts with a byte-order mark (ignored)")
    if b"\r\n" in raw:
        notes.append("has Windows line ends (harmless)")
    unused = sorted({key for row in extras.values() for key in row})
    if unused:
        notes.append(f"keys not used in training: {', '.join(unused)}")
    return tuple(notes)
