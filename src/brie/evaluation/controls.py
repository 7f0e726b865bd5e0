"""Controls: answers damaged on purpose, so that any judge worth the name prefers the original."""

from __future__ import annotations

from typing import Literal

from brie.digest import digest
from brie.records import (
    Completion,
)


def damaged_key(source: str, kind: str) -> str:
    """Key of a completion damaged on purpose."""
    return digest({"damage": kind, "of": source})


def damage(source: Completion, kind: Literal["shuffled", "truncated"]) -> Completion:
    """A control: an answer damaged so that any judge worth the name prefers the original."""
    key = damaged_key(source.key, kind)
    words = source.text.split()
    if kind == "truncated":
        left_words = words[: len(words) // 3]
    else:
        numbered = sorted(range(len(words)), key=lambda n: digest([key, n]))
        left_words = [words[n] for n in numbered]
    return source.model_copy(update={"key": key, "text": " ".join(left_words), "seconds": 0.0})
