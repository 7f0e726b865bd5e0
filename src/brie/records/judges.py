"""What each judge alone said: `by_judge` of `analysis.json`."""

from __future__ import annotations

from brie.records.agreement import Consistency, PairAgreement
from brie.records.base import Digest, Record
from brie.records.estimates import Effect, Outcomes, PositionEffect, Rewards, WinRate


class Drift(Record):
    """Whether a judge had changed, as its sealed anchors told (docs/statistics.md 8.7)."""

    check: Digest
    """Of the check, in the judge's own chain."""
    at: str
    """When they were asked."""
    since: str
    """When they were asked the time before."""
    asked: int
    changed: int
    """How many stored verdicts came out otherwise."""
    expected: float
    """How many do where nothing has changed."""
    limit: int
    """More than this are an alarm."""
    alarm: bool = False
    """It had changed, and a second asking confirmed it."""
    doubt: bool = False
    """These verdicts were asked between `since` and `at`: of which of the two judges, nobody knows."""


class JudgeNumbers(Record):
    """One judge alone: who it is, its rate, what presentation does to it, its unusable verdicts."""

    provider: str | None = None
    """Absent for imported judgments."""
    model: str | None = None
    family: str | None = None
    instrument: bool = False
    """Stands beside the headline."""
    added: bool = False
    """Added after the seal, and therefore beside the headline."""
    stopped: str | None = None
    """Stopped answering, with what it said; therefore beside the headline."""
    win_rate: WinRate | None = None
    outcomes: Outcomes | None = None
    position: PositionEffect | None = None
    label: Effect | None = None
    layout: Effect | None = None
    rewards: Rewards | None = None
    half: int = 0
    """Comparisons judged in one of two planned orders."""
    ok: int = 0
    invalid: int = 0
    refused: int = 0
    error: int = 0
    missing: int = 0
    contradictions: int | None = None
    """Verdicts whose winner has the lower mean score of the same judge; absent where it gives none."""
    scored: int = 0
    """Verdicts with a winner and scores, among which those are."""
    consistency: Consistency | None = None
    """Absent where it was not asked again."""
    drift: Drift | None = None
    """Absent where it has no anchors, or was not asked them again."""
    votes: int = 0
    """Of a person: votes cast."""
    saw: tuple[str, ...] = ()
    """Of a person: what they had seen or could see when they voted, `result` or `viewer`."""
    agreement: tuple[PairAgreement, ...] = ()
    """Of a person: pairs with every judge."""

    @property
    def outside(self) -> bool:
        """Whether it stands beside the headline: an instrument, or added after the seal."""
        return self.added or self.instrument
