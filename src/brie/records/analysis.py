"""What an analysis says: the records behind `analysis.json` (schema `brie.analysis/1`).

A quantity that is not identified, or has too few prompts, is `None` with its reason in
`Analysis.notes` under the quantity's path ("position", "by_category.maths", …). A quantity
this version does not compute is absent: documents are written with `exclude_unset`.
"""

from __future__ import annotations

import json
from typing import Any, Literal, Self

from pydantic import Field

from brie.records.asked import Message
from brie.records.base import Digest, Document, Letter, Order, Record, Winner, schema_field
from brie.records.plan import Check
from brie.records.verdicts import Status

VerdictWord = Literal["better", "worse", "equivalent", "undecided"]


class Estimate(Record):
    """A number with its interval; `n` counts what `method` resamples (prompts, unless it says so)."""

    value: float
    low: float
    high: float
    level: float
    n: int
    method: str


class WinRate(Record):
    """A win rate: mean over prompts of the prompts' mean scores, ties counting half."""

    value: float
    low: float | None
    """None below `FEWEST_PROMPTS`: no bootstrap interval holds there; the reason is in the notes."""
    high: float | None
    level: float
    method: str
    resamples: int | Literal["exact"]
    prompts: int
    effective_n: float
    p_value: float
    """Two-sided sign-flip p for "the sides are exchangeable"."""
    bounds: tuple[float, float]
    """The rate with every missing verdict lost, and with every one won."""
    betting_interval: tuple[float, float] | None = None
    """Below `FEWEST_PROMPTS`: the finite-sample interval shown instead."""
    by_source_interval: tuple[float, float] | None = None
    """Interval for new sources, sources as the unit."""
    interval_90: tuple[float, float] | None = None
    """The 90 % interval, for equivalence and not-worse."""
    p_adjusted: float | None = None
    prompts_needed: int | None = None
    """Prompts for 80 % power at the observed rate."""
    pooled: float | None = None
    """Partially pooled estimate, for categories with few prompts."""
    soft_interval: tuple[float, float] | None = None
    """t(G-1) on prompt means, a second line for soft scores."""


class Outcomes(Record):
    """Usable verdicts by their score for the candidate."""

    win: int
    tie: int
    loss: int


class Counts(Record):
    """Every planned presentation, accounted for."""

    prompts: int
    comparisons: int
    identical: int
    """Comparisons of byte-identical answers: ties without a call."""
    half: int
    """Comparisons judged in one of two planned orders: out of the mean."""
    presentations: int
    verdicts: int
    """Planned verdicts: presentations times judges."""
    ok: int
    invalid: int
    refused: int
    error: int
    missing: int
    not_needed: int


class SuiteSummary(Record):
    """The suite as the headline names it; `prompts` is how many it has."""

    name: str
    version: str
    digest: str
    prompts: int


class SideSummary(Record):
    """A side as the headline names it; no digest where the model is not known."""

    name: str
    digest: str | None
    step: int | None = None
    base: str | None = None


class Cost(Record):
    """What judging has cost so far."""

    usd: float
    calls: int
    """Calls made by this evaluation."""
    reused: int
    """Verdicts and completions found in the store."""
    input_tokens: int
    output_tokens: int


class Analysis(Document):
    """`analysis.json`."""

    schema_: str = schema_field("analysis")
    id: str
    created: str
    version: str = ""
    """Version of brie that computed the numbers."""
    seal: Digest | None
    rows_digest: Digest | None = None
    """Over every completion and verdict the numbers use."""
    interim: bool
    suite: SuiteSummary
    candidate: SideSummary
    baseline: SideSummary
    counts: Counts
    verdict: VerdictWord | None
    verdict_reason: str = ""
    """Which of the two conditions of a verdict held, in one sentence."""
    verdict_survives_missing: bool | None
    win_rate: WinRate | None
    outcomes: Outcomes
    by_judge: dict[str, dict[str, Any]] = Field(default_factory=dict)
    by_category: dict[str, dict[str, Any]] = Field(default_factory=dict)
    by_source: dict[str, dict[str, Any]] = Field(default_factory=dict)
    by_training: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Seen and unseen sources, prompts near to the training data and far from it; what is known."""
    by_sample: dict[str, dict[str, Any]] = Field(default_factory=dict)
    categories: dict[str, Any] | None = None
    """Omnibus test over categories."""
    ranges: dict[str, Any] = Field(default_factory=dict)
    """Leave-one-judge-out and leave-one-source-out ranges."""
    majority: dict[str, Any] | None = None
    length_controlled: dict[str, Any] | None = None
    position: dict[str, Any] | None = None
    label: dict[str, Any] | None = None
    layout: dict[str, Any] | None = None
    agreement: dict[str, Any] | None = None
    variance: dict[str, Any] | None = None
    sequential: dict[str, Any] | None = None
    """Where early stopping was sealed: the e-process, and where it stopped."""
    controls: dict[str, Any] = Field(default_factory=dict)
    generation: dict[str, dict[str, float]] = Field(default_factory=dict)
    audit: dict[str, Any] | None = None
    """Of imported judgments: where they come from, and what is odd about them."""
    checks: tuple[Check, ...] = ()
    cost: Cost | None = None
    notes: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def read(cls, document: str | bytes) -> Self:
        """The numbers of an `analysis.json` of any build; keys this one does not know are left out.

        Raises:
            ValueError: it is no such document.
        """
        return cls.model_validate_json(document, extra="ignore")

    def to_json(self) -> str:
        """The `analysis.json` document."""
        fields = self.model_dump(mode="json", exclude_unset=True)
        return json.dumps({"schema": self.schema_, **fields}, indent=2, ensure_ascii=False) + "\n"


class JudgedView(Record):
    """One verdict, unblinded, for people to read."""

    judge: str
    order: Order
    candidate_letter: Letter
    status: Status
    winner: Winner | None
    reason: str = ""
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Criterion -> "candidate" or "baseline" -> 1..5."""


class ComparisonView(Record):
    """One comparison with everything said of it: what reports and the viewer show."""

    prompt_id: str
    category: str
    source: str
    sample: int
    messages: tuple[Message, ...]
    reference: str | None
    candidate_text: str
    baseline_text: str
    candidate_finish: str
    baseline_finish: str
    score: float | None
    """Mean score for the candidate over judges with a usable verdict in every planned order."""
    verdicts: tuple[JudgedView, ...] = ()
