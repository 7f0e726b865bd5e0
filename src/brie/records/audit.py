"""What an audit adds to an analysis: `audit` of `analysis.json`."""

from __future__ import annotations

from brie.records.base import Record
from brie.records.estimates import Ends


class FirstSkipped(Record):
    """A row that could not be used."""

    line: int
    why: str


class Confound(Record):
    """A letter that is always the same side."""

    letter: str
    undone_by: float | None
    """Share of comparisons in which naming it blindly would undo the result."""
    why: str


class AuditClaim(Record):
    """A win rate somebody claims, against the interval."""

    value: float
    inside_interval: bool | None
    interval: Ends | None


class AuditFacts(Record):
    """Where imported judgments come from, and what is odd about them."""

    format: str
    reason: str
    """Why they were read as that."""
    identifies: str
    """What their design can tell."""
    rows: int
    skipped: int
    first_skipped: FirstSkipped | None
    pairs: int
    prompts: int
    row_mean: float | None
    row_standard_error: float | None
    """As if rows were independent: what others print."""
    restated: int
    """Rows with a stored winner and a judge's own text."""
    contradictions: int
    """Of these, those whose text says otherwise."""
    cut_pairs: int
    confound: Confound | None
    claim: AuditClaim | None
    findings: tuple[str, ...] = ()
    """The same in sentences."""
