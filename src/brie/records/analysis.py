"""What an analysis says: the records behind `analysis.json` (schema `brie.analysis/1`).

A quantity that is not identified, or has too few prompts, is `None` with its reason in
`Analysis.notes` under the quantity's path ("position", "by_category.maths", …). A quantity
this version does not compute is absent: documents are written with `exclude_unset`.
"""

from __future__ import annotations

import json
from typing import Self

from pydantic import Field

from brie.records.accuracy import Accuracy
from brie.records.agreement import Agreement
from brie.records.asked import Message
from brie.records.audit import AuditFacts
from brie.records.base import (
    Digest,
    Document,
    Letter,
    Margin,
    Order,
    Record,
    Winner,
    later,
    schema_field,
)
from brie.records.benchmarks import Tasks
from brie.records.estimates import (
    ControlResults,
    CriteriaOrders,
    Effect,
    Estimate,
    LengthControlled,
    LengthSlice,
    Omnibus,
    Outcomes,
    PairedNoise,
    PositionEffect,
    Ranges,
    SequentialResult,
    SliceNumbers,
    VarianceComponents,
    WinRate,
)
from brie.records.judges import JudgeNumbers
from brie.records.models import SidePrompt
from brie.records.people import HumanAnchored
from brie.records.plan import Check
from brie.records.standing import MissingVerdicts, Standing, VerdictWord
from brie.records.verdicts import Status

__all__ = [
    "Analysis",
    "ComparisonView",
    "Cost",
    "Counts",
    "Estimate",
    "JudgedView",
    "Outcomes",
    "RowCounts",
    "SideSummary",
    "SuiteSummary",
    "VerdictWord",
    "WinRate",
]


class Counts(Record):
    """Every planned presentation, accounted for."""

    prompts: int
    comparisons: int
    identical: int
    """Comparisons of byte-identical answers: one half each, without a call."""
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
    told: SidePrompt | None = later(None)
    """What this side alone was told before every prompt."""


class Cost(Record):
    """What judging has cost so far."""

    usd: float
    calls: int
    """Calls made by this evaluation: verdicts that were asked for, however many requests each took."""
    requests: int = 0
    """Requests sent for them, with those that failed or were asked again, and those that asked only
    whether a judge can be asked."""
    lost: int = 0
    """Calls of killed processes, charged in full because nobody knows what became of them."""
    lost_usd: float = 0.0
    """US dollars charged for those."""
    reused: int
    """Verdicts and completions found in the store."""
    input_tokens: int
    output_tokens: int


class RowCounts(Record):
    """How many rows of the store the numbers were made from."""

    answers: int
    verdicts: dict[str, int]
    """Judge or voter -> its rows, controls and repeats included; a withdrawn vote is a row as well."""


class Analysis(Document):
    """`analysis.json`."""

    schema_: str = schema_field("analysis")
    id: str
    created: str
    version: str = ""
    """Version of brie that computed the numbers."""
    methods: dict[str, int] = Field(default_factory=dict)
    """Quantity -> version of its method (`versions.METHODS`); one that is absent is of version 1."""
    seal: Digest | None
    rows_digest: Digest | None = None
    """Over every completion and verdict the numbers use."""
    rows: RowCounts | None = None
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
    standing: Standing | None = None
    """What may be said of the verdict; None where there is none, and in documents made before it."""
    missing: MissingVerdicts | None = None
    """Only where a planned verdict could not be used."""
    human_anchored: HumanAnchored | None = None
    """Only where people were asked about prompts drawn at random; from 50 of them on `win_rate` and
    `verdict` are people's, and the judges' own stand here."""
    by_judge: dict[str, JudgeNumbers] = Field(default_factory=dict)
    by_category: dict[str, SliceNumbers] = Field(default_factory=dict)
    by_source: dict[str, SliceNumbers] = Field(default_factory=dict)
    by_training: dict[str, SliceNumbers] = Field(default_factory=dict)
    """Seen and unseen sources, prompts near to the training data and far from it; what is known."""
    by_sample: dict[str, SliceNumbers] = Field(default_factory=dict)
    by_length: dict[str, LengthSlice] = Field(default_factory=dict)
    """Thirds of the prompts by their length and by that of the baseline's answers, where there are
    prompts enough: `prompt_short`, `answer_long`, …"""
    categories: Omnibus | None = None
    """Omnibus test over categories."""
    ranges: Ranges = Ranges()
    """Leave-one-judge-out and leave-one-source-out ranges."""
    majority: WinRate | None = None
    length_controlled: LengthControlled | None = None
    position: PositionEffect | None = None
    label: Effect | None = None
    layout: Effect | None = None
    criteria_order: CriteriaOrders | None = None
    """Only where judges read their rubric's criteria in several orders."""
    agreement: Agreement | None = None
    variance: VarianceComponents | None = None
    paired_noise: PairedNoise | None = None
    """Only where both sides met the same draws."""
    sequential: SequentialResult | None = None
    """Where early stopping was sealed: the e-process, and where it stopped."""
    controls: ControlResults = ControlResults()
    generation: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Side -> what its answers are like: shares of answers, mean tokens and seconds."""
    accuracy: Accuracy | None = None
    """Right and wrong of both sides; only where prompts say what is right."""
    tasks: Tasks | None = None
    """Benchmarks that both sides did; only where the plan has any."""
    audit: AuditFacts | None = None
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
        return json.dumps(self.written(), indent=2, ensure_ascii=False) + "\n"


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
    margin: Margin | None = None
    """How much better the winner is, where the judge said so."""


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
