"""What people's votes say of a win rate: `human_anchored` of `analysis.json`."""

from __future__ import annotations

from pydantic import Field

from brie.records.agreement import PanelCoefficients
from brie.records.base import Record
from brie.records.estimates import Ends, Estimate, WinRate
from brie.records.standing import VerdictWord


class HumanAnchored(Record):
    """Votes of people on prompts drawn at random, and what they make of the judges' rate."""

    planned: int
    """Prompts that people were to vote on, chosen before the first of these votes."""
    labelled: int
    """Of those, prompts with a vote; identical answers count, as a tie."""
    identical: int = 0
    """Of the labelled ones, prompts with identical answers, on which nobody votes."""
    votes: int
    voters: int
    not_blind: int = 0
    """Voters left out of all of this: they had seen a result, or could open the viewer."""
    complete: bool
    """Every planned prompt is labelled; before, nothing is computed."""
    skipped: int = 0
    """Prompts given up when fewer were asked for than were planned first."""
    weight: float | None = None
    """How much the judges count (lambda); 0: people alone."""
    p_value: float | None = None
    """Two-sided t test that people's rate is one half."""
    interval_90: Ends | None = None
    """For equivalence and not-worse."""
    new_prompts: Estimate | None = None
    """The rate people would give on new prompts like these; it decides. None below 50 prompts."""
    this_suite: Estimate | None = None
    """The rate had people voted on every prompt of this suite; it never decides."""
    verdict: VerdictWord | None = None
    """What people's rate on new prompts says; None where there is none."""
    verdict_reason: str = ""
    lean: Estimate | None = None
    """Judges minus people, on the same prompts: above 0 the judges favour the candidate."""
    by_judge: dict[str, Estimate] = Field(default_factory=dict)
    """Each judge's own lean."""
    judges: WinRate | None = None
    """The judges' rate by themselves."""
    judges_verdict: VerdictWord | None = None
    """The verdict they would have given."""
    agreement: PanelCoefficients | None = None
    """How far people agree among themselves, on prompts that two or more voted on."""
