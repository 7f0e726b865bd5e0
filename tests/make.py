"""Small real records for tests: completions, verdicts, digests."""

from __future__ import annotations

from typing import Literal

from brie.digest import Canonical, digest
from brie.records import Completion, Status, Usage, Verdict


def name(text: Canonical) -> str:
    """A digest to use as a key."""
    return digest(["test", text])


def completion(key: str, text: str = "An answer.") -> Completion:
    """A completion under that key."""
    return Completion(
        key=name(key),
        pin=name("pin"),
        prompt=name("prompt"),
        sample=0,
        text=text,
        finish_reason="stop",
        tokens=len(text.split()),
        seconds=0.1,
    )


def verdict(
    key: str,
    status: Status = Status.OK,
    letter: Literal["A", "B", "tie"] | None = "A",
    *,
    reason: str = "because",
    usd: float = 0.0,
) -> Verdict:
    """A verdict under that key."""
    return Verdict(
        key=name(key),
        judge=name("judge"),
        rubric=name("rubric"),
        presentation=name("presentation"),
        status=status,
        letter=letter if status is Status.OK else None,
        reason=reason,
        usage=Usage(usd=usd),
    )
