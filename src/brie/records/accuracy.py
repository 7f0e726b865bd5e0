"""Right and wrong: what machine checks and labels say of both sides (`Analysis.accuracy`)."""

from __future__ import annotations

from pydantic import Field

from brie.records.base import Record
from brie.records.estimates import Estimate


class LabelNumbers(Record):
    """One label: how often it was right to say it, and how often it was said."""

    prompts: int
    """Prompts whose reference it is."""
    answers: int
    """Answers that say it."""
    precision: float | None
    """Share of those answers that are right; None where nobody says it."""
    recall: float | None
    """Share of its prompts' answers that say it."""
    f1: Estimate | None
    """None where every prompt has this label: nothing could be mistaken for it."""


class Correct(Record):
    """How often one side is right."""

    accuracy: Estimate
    """Mean over prompts of the share of right answers."""
    macro_f1: Estimate | None = None
    """Mean of the labels' F1; None without labels, and where all prompts have the same one."""
    by_label: dict[str, LabelNumbers] = Field(default_factory=dict)
    outside: int | None = None
    """Answers that say no label: wrong, and a class of their own. None without labels."""


class AlwaysOne(Record):
    """What somebody scores who always gives the commonest label of all prompts."""

    label: str
    accuracy: float
    macro_f1: float | None


class AccuracyDifference(Record):
    """Candidate minus baseline, on the same prompts."""

    accuracy: Estimate
    p_value: float
    """Two-sided."""
    method: str
    """`mcnemar-exact` with one answer a prompt, else `sign-flip`."""
    candidate_only: int
    """Comparisons in which the candidate alone is right."""
    baseline_only: int
    macro_f1: Estimate | None = None


class AccuracyPart(Record):
    """The same on a part of the prompts."""

    prompts: int
    candidate: Correct
    baseline: Correct
    always: AlwaysOne | None = None
    only: str | None = None
    """The label of all its prompts, where they have one: recall is defined then, F1 is not."""


class Accuracy(Record):
    """Right and wrong of both sides on the prompts whose right answer is known."""

    prompts: int
    samples: int
    kinds: dict[str, int]
    """Kind of check -> prompts; `label`: the reference is one of few labels, and is to be said."""
    unchecked: int = 0
    """Prompts whose right answer is not known."""
    labels: tuple[str, ...] = ()
    """The labels among the references; empty where they are no few labels."""
    candidate: Correct
    baseline: Correct
    difference: AccuracyDifference
    always: AlwaysOne | None = None
    by_source: dict[str, AccuracyPart] = Field(default_factory=dict)
    by_training: dict[str, AccuracyPart] = Field(default_factory=dict)
    """Seen and unseen sources, where that is known."""
