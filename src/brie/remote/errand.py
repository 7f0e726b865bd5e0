"""A piece of work before it is sent: what is run, what it reads, how much it is, what must come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from brie.records import Prompt
from brie.remote.jobs import Asked, Load


@dataclass(frozen=True)
class Errand:
    """What is to be done elsewhere."""

    kind: Literal["train", "generate"]
    subject: str
    """What it is, for people: `a run of tiny`, `the answers of eval-…`."""
    arguments: tuple[str, ...]
    """What is run there, after `brie`."""
    members: dict[str, bytes | Path]
    """Name in the zip -> file or content, of what it reads."""
    asked: Asked
    load: Load
    suite: tuple[Prompt, ...] = ()
    """Prompts of the validation rows of a run."""
    notes: tuple[str, ...] = field(default=())
    """What was decided on the way; to be shown."""


def bytes_of(members: Mapping[str, bytes | Path]) -> int:
    """Size of files that are to be sent, before they are packed."""
    return sum(len(m) if isinstance(m, bytes) else m.stat().st_size for m in members.values())
