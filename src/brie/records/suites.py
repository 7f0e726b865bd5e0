"""Several suites in one plan: what is sealed together, and the table that comes of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brie.digest import digest
from brie.records.analysis import SideSummary, VerdictWord
from brie.records.base import Digest, Document, Record, schema_field
from brie.records.estimates import Ends
from brie.records.standing import Standing

Kept = Literal["not worse", "not shown", "worse"]
"""What is shown outside the domain: nothing was forgotten, that is not shown, or something was."""
Compared = Literal["higher", "lower", "no difference shown"]


class SuitePart(Record):
    """One suite of a plan: an evaluation with a sealed plan of its own."""

    suite: str
    """What it is called in the table."""
    evaluation: str = Field(pattern=r"^eval-[a-z0-9-]{1,200}$")
    seal: Digest


class SuitesPlan(Record):
    """What is sealed of several suites, before the first verdict of any."""

    parts: tuple[SuitePart, ...] = Field(min_length=2, max_length=50)
    """The first is the domain, the others are outside it."""
    level: float = 0.95
    """At which the intervals of all suites hold together."""
    margin: float
    """How far below one half is still not worse, as a share of comparisons."""

    def seal(self) -> str:
        """Digest over the whole."""
        return digest(self)


class SuitesManifest(Document):
    """`runs/suites-*/manifest.json`: the evaluations that were sealed together."""

    schema_: str = schema_field("suites-plan")
    id: str = Field(pattern=r"^suites-[a-z0-9-]{1,200}$")
    name: str | None = None
    created: str
    seal: Digest
    plan: SuitesPlan
    command: str


class SuiteLine(Record):
    """One suite's rate."""

    suite: str
    evaluation: str
    prompts: int
    value: float | None
    """None where nothing is judged yet; the same as in its own evaluation."""
    low: float | None = None
    """Ends of the interval at which those of all suites hold together."""
    high: float | None = None
    level: float
    """Of this interval by itself."""
    method: str = ""
    own: Ends | None = None
    """The interval of its own evaluation."""
    p_value: float | None = None
    p_adjusted: float | None = None
    """Holm over the suites."""
    word: Literal["better", "worse", "undecided"] | None = None
    """As one of all these suites: the interval excludes one half, and the adjusted p is below .05."""
    verdict: VerdictWord | None = None
    """Of its own evaluation."""
    standing: Standing | None = None
    kept: Kept | None = None
    """Outside the domain; None for the first suite, and where nothing can be said yet."""
    kept_reason: str = ""


class Together(Record):
    """The rate on the prompts of all suites; one that several ask counts once."""

    value: float
    low: float
    high: float
    level: float
    method: str
    prompts: int
    shared: int
    """Prompts that more than one suite asks."""


class DomainGap(Record):
    """The rate in the domain minus the rate outside it."""

    inside: str
    outside: tuple[str, ...]
    value: float
    low: float
    high: float
    level: float
    method: str
    p_value: float
    """By dealing the prompts anew to inside and outside."""
    word: Compared
    prompts_inside: int
    prompts_outside: int


class SuitesDocument(Document):
    """One table over several suites (`brie.suites/1`)."""

    schema_: str = schema_field("suites")
    id: str
    created: str
    version: str
    seal: Digest
    interim: bool
    """Some suite is not judged to the end: nothing is said of all together."""
    candidate: SideSummary
    baseline: SideSummary
    level: float
    margin: float
    suites: tuple[SuiteLine, ...]
    together: Together | None = None
    difference: DomainGap | None = None
    warnings: tuple[str, ...] = ()
