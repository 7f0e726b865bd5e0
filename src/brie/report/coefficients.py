"""A coefficient as it is shown: a value with its interval, or the reason there is none."""

from __future__ import annotations

from dataclasses import dataclass

from brie.records.estimates import Estimate
from brie.report.agreement_words import REASONS

Measured = tuple[float, float | None, float | None]
"""Value and both ends of its interval."""


@dataclass(frozen=True)
class Coefficient:
    """One coefficient with its interval, or the reason there is none."""

    name: str
    meaning: str
    value: float | None
    low: float | None
    high: float | None
    note: str = ""
    share: bool = False
    """A plain share: 0 is not chance."""


def shown_coefficient(name: str, meaning: str, value: Estimate | None, note: str) -> Coefficient:
    """The coefficient, or its reason; `note` is what the document says of it."""
    if value is None:
        return Coefficient(name, meaning, None, None, None, REASONS.get(note, note) or "not defined")
    return Coefficient(name, meaning, value.value, value.low, value.high, note)


def measured(estimate: Estimate | None) -> Measured | None:
    """Value and interval of an estimate; None where there is none."""
    return None if estimate is None else (estimate.value, estimate.low, estimate.high)
