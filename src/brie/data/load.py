"""Training files: JSON lines in, conversations or located problems out.

A row is either a chat or a prompt with its completion; other keys are kept out of training:

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
    {"prompt": "…", "completion": "…"}          (each a string or a list of messages)

`category` and `source` may stand beside either, `tools` and `system` too; `brie.data.turns` says what
a turn may hold. `--map source=meta.source` reads a key from elsewhere in the row. A UTF-8 byte-order
mark and Windows line ends are accepted; they change nothing in the text of a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from brie.data.turns import Remarks, kind, learned, read_turn
from brie.digest import digest
from brie.errors import InputError, UsageError
from brie.records import Conversation, Turn

MAPPED = ("messages", "prompt", "completion", "system", "tools", "category", "source")
"""Keys of a row that `--map KEY=PATH` reads from elsewhere in it."""
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
    """Harmless oddities, one a kind: a byte-order mark, unused keys, keys that stand twice, …"""
    extras: dict[int, dict[str, JsonValue]] = field(default_factory=dict)
    """Line -> the row's other keys (labels, ids), for tables only."""


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


def mapping_of(named: Iterable[str]) -> dict[str, str]:
    """`--map KEY=PATH` as a table; a path goes into objects with points: `meta.source`.

    Raises:
        UsageError: a pair is malformed, or names no key of a row.
    """
    pairs = [pair.partition("=") for pair in named]
    for key, equals, path in pairs:
        if not equals or not path or key not in MAPPED:
            raise UsageError(
                f"--map {key}{equals}{path}: expected KEY=PATH with KEY one of {', '.join(MAPPED)}, for "
                "example --map source=meta.source"
            )
    return {key: path for key, _, path in pairs}


def parse(path: Path, mapping: Mapping[str, str] | None = None) -> Parsed:
    """Read a training file line by line, collecting problems instead of stopping at the first.

    Args:
        path: the file.
        mapping: key of a row -> where in the row it stands, for rows that name it otherwise.

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
    remarks = Remarks()
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = mapped(_decode(line, number, remarks), mapping or {})
            conversations.append(to_conversation(row, number, remarks))
            extras[number] = _extras(row)
        except InputError as error:
            problems.append(Problem(number, str(error)))
    if not conversations and not problems:
        problems.append(Problem(0, "holds no rows; expected one JSON object a line"))
    notes = (*_notes(raw, extras), *remarks.sentences())
    return Parsed(path, tuple(conversations), tuple(problems), notes, extras)


def mapped(row: JsonValue, mapping: Mapping[str, str]) -> JsonValue:
    """A row with the keys that stand elsewhere in it put where they belong.

    Raises:
        InputError: a path leads nowhere.
    """
    if not isinstance(row, dict) or not mapping:
        return row
    found: dict[str, JsonValue] = {}
    for key, path in mapping.items():
        value: JsonValue = row
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            raise InputError(f"has no `{path}`, which --map takes for `{key}`")
        found[key] = value
    return {**{key: value for key, value in row.items() if key not in mapping.values()}, **found}


def to_conversation(row: JsonValue, line: int, remarks: Remarks | None = None) -> Conversation:
    """One row as a conversation.

    Args:
        row: as the file has it.
        line: where it stands.
        remarks: harmless oddities are added here.

    Raises:
        InputError: what is missing or cannot be honoured, and where in the row (no file name: the
            caller knows it).
    """
    if not isinstance(row, dict):
        raise InputError(f"expected a JSON object, found {kind(row)}")
    remarks = remarks if remarks is not None else Remarks()
    _refuse_row(row)
    turns = [read_turn(turn, where, line, remarks) for where, turn in _turns(row)]
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
    if row.get("label") is False:
        raise InputError(
            "is labelled a bad answer (`label`: false) and would be learned as a good one; leave it out"
        )
    if not learned(row, "the row", whose="row"):
        raise InputError("is marked as not to be learned; leave it out")
    for key in ("images", "image", "audio", "audios", "video", "videos"):
        if row.get(key):
            raise InputError(f"holds `{key}`; brie trains on text alone")
    if row.get("functions"):
        raise InputError("`functions` is the older form; write them as `tools`")


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


def rows_digest(conversations: tuple[Conversation, ...]) -> str:
    """Digest of what training sees: messages and labels in order, not their line numbers."""
    return digest([c.model_dump(mode="json", exclude={"line"}) for c in conversations])


_USED = {*MAPPED, "weight", "train", "loss", "loss_mask"}


def _read(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is UTF-16; save it as UTF-8.")
    if other := _other_format(path, raw):
        raise InputError(f"{path} is {other}")
    return raw


_AS_LINES = (
    "write it as JSON lines: python -c \"import pandas; pandas.{}('{}'{}).to_json('{}', "
    "orient='records', lines=True)\""
)


def _other_format(path: Path, raw: bytes) -> str | None:
    """What a file is that is no JSON lines, and the command that makes them of it."""
    out = f"{path.name.split('.')[0]}.jsonl"
    if raw.startswith(b"\x1f\x8b"):
        return f"compressed; unpack it: gunzip -k {path}"
    if raw.startswith(b"PAR1"):
        return "a Parquet table; " + _AS_LINES.format("read_parquet", path, "", out)
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return None
    if path.suffix.lower() in (".csv", ".tsv"):
        tab = ", sep='\\t'" if path.suffix.lower() == ".tsv" else ""
        return f"a table ({path.suffix.lower()}); " + _AS_LINES.format("read_csv", path, tab, out)
    return None


def _is_json(raw: bytes) -> bool:
    """Whether a whole file is one JSON value over several lines, rather than JSON lines."""
    try:
        json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def _extras(row: JsonValue) -> dict[str, JsonValue]:
    return {k: v for k, v in row.items() if k not in _USED} if isinstance(row, dict) else {}


def _decode(line: bytes, number: int, remarks: Remarks) -> JsonValue:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"is not valid UTF-8 (byte {error.start + 1} of the line)") from error

    def once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
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
