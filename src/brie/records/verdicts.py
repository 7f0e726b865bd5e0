"""What is said of two answers: presentations, un-blinding, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import from_json

from brie.records.base import Digest, Letter, Margin, Record, WholeText, later


class Status(StrEnum):
    """What became of asking a judge."""

    OK = "ok"
    INVALID = "invalid"
    REFUSED = "refused"
    ERROR = "error"


class Measured(Record):
    """What a judge without words measured of a presentation, unrounded."""

    by_letter: dict[Letter, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        min_length=2, max_length=2
    )
    """Letter -> its log-probability as the next token (natural logarithm), or the answer's reward."""
    mass: float | None = None
    """Probability of both letters together; None where no letter was asked for."""


class Usage(Record):
    """What a call consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    attempts: int = 1
    """Requests sent, retries included."""


@dataclass(slots=True)
class VerdictLite:
    """The part of a stored verdict that numbers are made of: a million of them fit into memory.

    Nobody changes one; to be frozen would make reading them half as fast.
    """

    key: str
    judge: str
    presentation: str
    status: Status
    letter: Literal["A", "B", "tie"] | None
    reason: str
    reply: str
    scores: Mapping[str, Mapping[str, float]]
    """Criterion -> letter -> 1..5; equal ones are one object, so nobody may change them."""
    margin: Margin | None = None
    measured: Measured | None = None

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictLite:
        """The same of a whole verdict."""
        return cls(
            verdict.key, verdict.judge, verdict.presentation, verdict.status, verdict.letter,
            verdict.reason, verdict.reply, verdict.scores, verdict.margin, verdict.measured,
        )  # fmt: skip

    @classmethod
    def parse(cls, key: str, body: str) -> VerdictLite:
        """From the stored JSON; what is not as it was written gets the whole record's error."""
        try:
            row = from_json(body)
            if row["letter"] not in LETTERS or row.get("margin") not in MARGINS:
                raise ValueError(row["letter"])
            scores = _scores(tuple((name, tuple(by.items())) for name, by in row["scores"].items()))
            return cls(
                key if row["key"] == key else row["key"], intern(row["judge"]),
                intern(row["presentation"]), _STATUSES[row["status"]], row["letter"],
                str(row["reason"]), str(row["reply"]), scores,
                row.get("margin"),
                Measured.model_validate(row["measured"]) if "measured" in row else None,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls.of(Verdict.model_validate_json(body))


LETTERS = (None, "A", "B", "tie")
MARGINS = (None, "much", "slightly")


_STATUSES = {str(status): status for status in Status}
_Given = tuple[tuple[str, float], ...]
"""Letter and score."""


@lru_cache(maxsize=50_000)
def _scores(items: tuple[tuple[str, _Given], ...]) -> Mapping[str, Mapping[str, float]]:
    return {intern(name): _shared(given) for name, given in items}


@lru_cache(maxsize=4096)
def _shared(given: _Given) -> Mapping[str, float]:
    return {letter: float(score) for letter, score in given}


class Verdict(Record):
    """What a judge said of one presentation; the letter is kept, the winner is derived."""

    key: Digest
    judge: Digest
    rubric: Digest
    presentation: Digest
    repeat: int = 0
    attempt: int = 0
    status: Status
    letter: Literal["A", "B", "tie"] | None
    reason: WholeText = ""
    reply: WholeText = ""
    """The judge's raw reply."""
    served: WholeText = ""
    """What the provider said answered: the model's snapshot and its fingerprint."""
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Criterion -> letter -> 1..5."""
    margin: Margin | None = later(None)
    """How much better the winner is, where the judge said so; no number depends on it."""
    measured: Measured | None = later(None)
    """Of a judge that gives numbers: the letter is only what they say of this presentation alone."""
    usage: Usage = Usage()
    supersedes: bool = False
    """A voter's correction: earlier attempts of the key no longer count."""
