"""A row that cannot be used, and why."""

from __future__ import annotations

from typing import NamedTuple


class Skipped(NamedTuple):
    """A row that is not what the file should hold, or cannot be read at all, and why."""

    line: int
    why: str
