"""Benchmarks beside the win rate: what a plan seals of lm-eval's tasks, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from pydantic import Field

from brie.records.base import Digest, Record, later
from brie.records.estimates import Estimate

TaskVerdict = Literal["better", "worse", "undecided"]


class TaskSpec(Record):
    """One task of lm-eval, as a plan seals it."""

    name: str
    group: str = ""
    """The group it is a part of, which is read as a whole."""
    digest: Digest
    """Over the files that define it and its documents."""
    program: str
    """Version of lm-eval."""
    output: str
    """How lm-eval asks: `multiple_choice`, `generate_until` or `loglikelihood`."""
    chat: bool
    """Asked as a conversation, in each side's chat template; else as plain text."""
    fewshot: int
    """Examples before every document."""
    documents: int = Field(ge=1)
    """That are done."""
    metric: str
    filter: str = "none"
    """Which of lm-eval's filters the answers went through."""
    higher_is_better: bool = True
    of: int = later(0)
    """Documents it has, where some are drawn; 0: all are done."""

    @property
    def examples_by_document(self) -> bool:
        """Examples are drawn for every document by itself, so that it has the same ones in every draw.

        Else they are lm-eval's: drawn one document after the other, from the first to the last.
        """
        return bool(self.of and self.fewshot)

    @property
    def chosen(self) -> Sequence[int]:
        """The documents that are done, by their places in the task.

        A draw by the task's own digest, so that fewer documents are a part of more.
        """
        if not self.of:
            return range(self.documents)
        drawn = sorted(range(self.of), key=lambda at: sha256(f"{self.digest} {at}".encode()).digest())
        return sorted(drawn[: self.documents])

    @property
    def measure(self) -> str:
        """What its metric is kept under, in every document's measures."""
        return f"{self.metric},{self.filter}"

    @property
    def shown_as(self) -> str:
        """What it is read as: itself, or its group."""
        return self.group or self.name


class TaskNumbers(Record):
    """Both sides of a task on the same documents, and their difference."""

    metric: str
    filter: str
    higher_is_better: bool
    output: str
    chat: bool
    fewshot: int
    documents: int
    of: int = later(0)
    """Documents that there are, where some were drawn; 0: all were done."""
    parts: dict[str, int] = Field(default_factory=dict)
    """Of a group: task -> its documents; every document counts once."""
    missing: int = 0
    """Documents that lack a side's result; while there are any, there are no numbers."""
    candidate: Estimate | None = None
    """Mean of the metric over documents."""
    baseline: Estimate | None = None
    difference: Estimate | None = None
    """Candidate minus baseline; the intervals of all tasks hold together."""
    p_adjusted: float | None = None
    """Two-sided, for all tasks together: below 1 - level exactly where the interval excludes 0."""
    candidate_better: int = 0
    """Documents on which the candidate is better."""
    baseline_better: int = 0
    verdict: TaskVerdict | None = None
    """Of the candidate, by the interval of the difference."""

    @property
    def drop(self) -> tuple[float, float, float] | None:
        """How much worse the candidate is, with both ends; below 0: better."""
        gap = self.difference
        if gap is None or gap.low is None or gap.high is None:
            return None
        if self.higher_is_better:
            return -gap.value, -gap.high, -gap.low
        return gap.value, gap.low, gap.high


class Tasks(Record):
    """`Analysis.tasks`: lm-eval's tasks on both sides."""

    program: str
    """Version of lm-eval."""
    level: float
    """At which the intervals of all differences hold together."""
    by_task: dict[str, TaskNumbers]
