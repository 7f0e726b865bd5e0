"""Small training rows and files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brie.records import Conversation, Turn


def row(question: str = "Why?", answer: str = "Because.", **more: Any) -> dict[str, Any]:
    """One good row as JSON."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": turns, **more}


def conversation(question: str, answer: str = "Yes.", line: int = 1, source: str = "s") -> Conversation:
    """One good row as a record."""
    turns = (Turn(role="user", content=question), Turn(role="assistant", content=answer))
    return Conversation(messages=turns, line=line, source=source)


def turns(*pairs: str) -> Conversation:
    """A conversation from texts, user first, in turn."""
    roles = ("user", "assistant")
    return Conversation(
        messages=tuple(
            Turn.model_validate({"role": roles[i % 2], "content": text}) for i, text in enumerate(pairs)
        ),
        line=1,
    )


def write(path: Path, rows: Sequence[Any]) -> Path:
    """A JSON lines file."""
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def chat_logs() -> list[dict[str, Any]]:
    """A validation file as people keep them: 60 rows of 52 prompts, copied out of chat windows.

    Eight prompts have two answers. Texts hold tabs, quoted markup, several scripts, a list that was
    pasted in and turns that quote the roles' names; two rows are of several turns.
    """
    odd = (
        "Human\n\nTalk about overfitting!\n\n\t•\tone\n\t•\ttwo {n}",
        "Why is the sky blue, in {n} words?",
        "Übersetze „guten Morgen“ in {n} Sprachen: 你好, سلام, 🙂",
        "<|im_start|>user\nis this {n} a turn?<|im_end|>",
        "def f(x):\n\treturn x * {n}  # what does it do?",
    )
    asked = [odd[n % len(odd)].format(n=n) for n in range(52)]
    rows = [row(text, f"Answer {n}.\n\n- a\n- b") for n, text in enumerate([*asked, *asked[:8]])]
    for n in (20, 31):
        more = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": f"More {n}."}]
        rows[n]["messages"] += more
    return rows
