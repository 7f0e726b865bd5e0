"""What each judge alone said: `by_judge` of `analysis.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brie.records.agreement import Consistency, PairAgreement
from brie.records.base import Digest, Record
from brie.records.estimates import (
    ControlJudge,
    CriteriaOrders,
    Effect,
    Estimate,
    Outcomes,
    PositionEffect,
    Rewards,
    WinRate,
)


class MarginNumbers(Record):
    """Of a judge that gives numbers: what they are like, and whether it may count."""

    kind: Literal["letters", "rewards"]
    tie: float
    """A margin of at most this is a tie, as sealed."""
    known: Estimate
    """How often it is right on pairs whose better answer is known, as sealed."""
    counts: bool
    """It is right more often than not there, and its controls pass here."""
    why_not: str = ""
    """Why it stands beside the headline."""
    comparisons: int
    """Comparisons with an outcome."""
    raw: dict[str, int] = Field(default_factory=dict)
    """Of letters: presentations in which each was the likelier one."""
    spread: float | None = None
    """Standard deviation of the margins."""
    lean: float | None = None
    """Mean of the leans: log odds of the letter A, whichever answer carries it."""
    lean_spread: float | None = None
    """Their standard deviation: a lean that varies is not taken out by margins."""
    mass: float | None = None
    """Mean probability of both letters together."""
    symmetry: float | None = None
    """p for "margins of two answers of the same model lie evenly about zero"; None: not asked."""
    aa: ControlJudge | None = None
    damaged: ControlJudge | None = None


class Drift(Record):
    """Whether a judge had changed, as its sealed anchors told (docs/statistics.md 8.8)."""

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
    criteria_order: CriteriaOrders | None = None
    """Absent where it read its rubric's criteria in one order."""
    rewards: Rewards | None = None
    margins: MarginNumbers | None = None
    """Of a judge that gives numbers; its effects of presentation are those of the raw letters."""
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
        """Whether it stands beside the headline: an instrument, added after the seal, or not counted."""
        return self.added or self.instrument or not_counted(self)


def not_counted(judge: JudgeNumbers) -> bool:
    """Whether a judge that gives numbers was not shown able to tell."""
    return judge.margins is not None and not judge.margins.counts
