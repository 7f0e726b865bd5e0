"""`brie data convert`: a file of any form that is read, written as brie's own: a chat a line.

    {"messages": [{"role": "user", "content": "…"}, …], "source": "…", "label": "…"}

What a row has besides its turns stays in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from brie.data.load import Parsed, parse, whole
from brie.errors import UsageError
from brie.project import write_text
from brie.records import Conversation, Turn


def convert(
    path: Path, out: Path, mapping: Mapping[str, str] | None = None, *, skip: bool = False
) -> Parsed:
    """Write a training file's rows as chats.

    Args:
        path: the file; it stays as it is.
        out: the file to be written, JSON lines.
        mapping: keys of a row that stand elsewhere in it.
        skip: leave out rows that cannot be trained on.

    Returns:
        What was read.

    Raises:
        InputError: a row is wrong and may not be left out, or none is left; names the line.
        UsageError: `out` exists, or is to be something else than JSON lines.
    """
    if out.suffix.lower() not in (".jsonl", ".ndjson"):
        raise UsageError(f"{out}: chats are written as JSON lines; call it {out.stem}.jsonl")
    if out.exists():
        raise UsageError(f"{out} exists; move it away, or name another file.")
    parsed = parse(path, mapping)
    if not skip or not parsed.conversations:
        whole(parsed)
    write_text(out, lines_of(parsed.conversations, parsed.extras))
    return parsed


def lines_of(
    rows: Iterable[Conversation], extras: Mapping[int, dict[str, JsonValue]] | None = None
) -> str:
    """Conversations as JSON lines.

    Args:
        rows: the conversations.
        extras: line -> what else its row has.
    """
    written = (_row(row, (extras or {}).get(row.line, {})) for row in rows)
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in written)


def _row(row: Conversation, extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    made: dict[str, JsonValue] = {"messages": [_turn(turn) for turn in row.messages]}
    if row.tools:
        made["tools"] = list(row.tools)
    labels = row.model_dump(mode="json", include={"category", "source"}, exclude_defaults=True)
    return {**made, **labels, **extra}


def _turn(turn: Turn) -> JsonValue:
    """A turn as a training file has it."""
    made: dict[str, JsonValue] = {"role": turn.role, "content": turn.content}
    if turn.role == "assistant" and not turn.learned:
        made["weight"] = 0
    if turn.reasoning:
        made["reasoning_content"] = turn.reasoning
    if turn.tool_calls:
        made["tool_calls"] = list(turn.tool_calls)
    named = {"name": turn.name, "tool_call_id": turn.tool_call_id}
    return {**made, **{key: value for key, value in named.items() if value}}
