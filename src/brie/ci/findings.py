"""One thing that was recomputed, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was recomputed."""

    what: str
    holds: bool
    note: bool = False
    """Something that is only said."""
