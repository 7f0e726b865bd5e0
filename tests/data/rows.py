"""Small training rows and files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brie.records import Conversation, Message

ORIGINAL = Path(__file__).parents[3] / "shared" / "data"
"""Real data to run against, beside the checkout; tests that use it skip where it is absent."""


def row(question: str = "Why?", answer: str = "Because.", **more: Any) -> dict[str, Any]:
    """One good row as JSON."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": turns, **more}


def conversation(question: str, answer: str = "Yes.", line: int = 1, source: str = "s") -> Conversation:
    """One good row as a record."""
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Conversation(messages=turns, line=line, source=source)


def turns(*pairs: str) -> Conversation:
    """A conversation from texts, user first, in turn."""
    roles = ("user", "assistant")
    return Conversation(
        messages=tuple(
            Message.model_validate({"role": roles[i % 2], "content": text})
            for i, text in enumerate(pairs)
        ),
        line=1,
    )


def write(path: Path, rows: Sequence[Any]) -> Path:
    """A JSON lines file."""
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path
