"""One judged row of another tool's file, in brie's terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from brie.digest import digest
from brie.records import Status, Winner

_ENDS = re.compile(r"[.!?…。！？\"”’')\]*`}>:|_]\s*$")
"""How an answer that was not cut off ends: punctuation, a closing mark, or code."""


@dataclass(slots=True)
class Row:
    """One verdict as imported. Texts are reduced to what the analysis needs."""

    line: int
    prompt: str
    """Digest of the prompt."""
    pair: str
    """Digest of prompt and both answers."""
    judge: str
    status: Status
    score: float = float("nan")
    """For the candidate, in [0, 1]; fractions are soft scores."""
    position: int = 0
    """+1 the candidate was shown first, -1 second, 0 the file does not say."""
    label: int = 0
    """+1 the candidate was A, -1 it was B, 0 the file does not say."""
    stored: Winner | None = None
    """The winner the file states, where the judge's own text says one too."""
    own: Winner | None = None
    """The winner in the judge's own text."""
    category: str = "all"
    source: str = "unknown"
    length_difference: float = float("nan")
    """Characters, candidate minus baseline."""
    cut: bool = False
    """An answer ends without an ending."""


class Skipped(NamedTuple):
    """A row that could not be used, and why."""

    line: int
    why: str


Item = Row | Skipped
Rows = Iterator[Item]


def is_cut(answer: str) -> bool:
    """Whether an answer looks cut off: it is not empty and does not end as sentences or code do."""
    return bool(answer.strip()) and _ENDS.search(answer[-80:]) is None


def texts(prompt: str, candidate: str, baseline: str) -> dict[str, Any]:
    """The fields of a row that come from its texts."""
    return {
        "prompt": digest(prompt),
        "pair": digest([prompt, candidate, baseline]),
        "length_difference": float(len(candidate) - len(baseline)),
        "cut": is_cut(candidate) or is_cut(baseline),
    }
