"""What may be said of a verdict: whether it stands, and every reason why not (docs/checks.md)."""

from __future__ import annotations

from typing import Literal

from brie.records.base import Record

VerdictWord = Literal["better", "worse", "equivalent", "undecided"]
State = Literal["stands", "conditional", "withheld"]


class Reason(Record):
    """One reason why a verdict does not stand by itself."""

    cause: str
    """Id of the check that found it, or `missing`: what `brie gate --allow` lifts."""
    text: str
    """A statement ("all 36 prompts were trained on"), or a condition ("only if …", "only with …")."""


class Standing(Record):
    """Whether a verdict stands; the reasons of a withheld one come before the conditions."""

    state: State
    reasons: tuple[Reason, ...] = ()


class MissingVerdicts(Record):
    """Planned verdicts that could not be used, and what they could do to the verdict."""

    verdicts: int
    prompts: int
    """Prompts with a planned verdict; `judged_prompts` of them have a rate."""
    judged_prompts: int
    comparisons: int
    unusable_comparisons: int
    """Comparisons of which no judge's verdict could be used in every planned order."""
    against: Literal["losses", "wins"] | None = None
    """What missing verdicts would have to be to take the verdict away; None: it names no side."""
    tipping: float | None = None
    """Share of the missing ones up to which the verdict holds if they were that; None: not sought."""
    judged: float | None = None
    """The same share among the judged ones, ties counting half."""
