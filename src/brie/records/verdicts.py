"""What is said of two answers: presentations, un-blinding, verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Any, Literal

from pydantic import Field

from brie.digest import digest
from brie.records.base import Digest, Letter, Order, Record, Winner


class Presentation(Record):
    """A comparison in one order and one lettering, as one judge sees it."""

    prompt: Digest
    candidate: Digest
    """Key of the candidate's completion."""
    baseline: Digest
    order: Order
    candidate_letter: Letter

    def digest(self) -> str:
        """Names what the judge sees: it stays the same when the two models exchange roles."""
        first_is_candidate = self.order == "candidate_first"
        first, second = (
            (self.candidate, self.baseline) if first_is_candidate else (self.baseline, self.candidate)
        )
        first_letter = self.candidate_letter if first_is_candidate else self.baseline_letter
        return digest(
            {"prompt": self.prompt, "first": first, "second": second, "first_letter": first_letter}
        )

    @property
    def baseline_letter(self) -> Letter:
        """The letter the candidate does not carry."""
        return "B" if self.candidate_letter == "A" else "A"

    @property
    def position(self) -> int:
        """+1 where the candidate is shown first, -1 where second."""
        return 1 if self.order == "candidate_first" else -1

    @property
    def label(self) -> int:
        """+1 where the candidate is A, -1 where it is B."""
        return 1 if self.candidate_letter == "A" else -1

    def unblind(self, letter: Literal["A", "B", "tie"]) -> Winner:
        """The only translation from a letter to a side.

        Raises:
            ValueError: `letter` is none of "A", "B", "tie".
        """
        if letter == "tie":
            return "tie"
        if letter not in ("A", "B"):
            raise ValueError(f"a verdict is A, B or tie, not {letter!r}")
        return "candidate" if letter == self.candidate_letter else "baseline"


class Status(StrEnum):
    """What became of asking a judge."""

    OK = "ok"
    INVALID = "invalid"
    REFUSED = "refused"
    ERROR = "error"


class Usage(Record):
    """What a call consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    attempts: int = 1
    """Requests sent, retries included."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The part of a stored verdict that numbers are made of: a million of them fit into memory."""

    key: str
    judge: str
    presentation: str
    status: Status
    letter: Literal["A", "B", "tie"] | None
    reason: str
    reply: str
    scores: Mapping[str, Mapping[str, float]]
    """Criterion -> letter -> 1..5; equal ones are one object, so nobody may change them."""

    @classmethod
    def of(cls, verdict: Verdict) -> Kept:
        """The same of a whole verdict."""
        return cls(
            verdict.key, verdict.judge, verdict.presentation, verdict.status, verdict.letter,
            verdict.reason, verdict.reply, verdict.scores,
        )  # fmt: skip

    @classmethod
    def parse(cls, key: str, body: str) -> Kept:
        """From the stored JSON; what is not as it was written gets the whole record's error."""
        try:
            row = json.loads(body)
            if row["letter"] not in _LETTERS:
                raise ValueError(row["letter"])
            scores = {intern(name): _scores(by) for name, by in row["scores"].items()}
            return cls(
                key if row["key"] == key else row["key"], intern(row["judge"]),
                intern(row["presentation"]), Status(row["status"]), row["letter"],
                str(row["reason"]), str(row["reply"]), scores,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls.of(Verdict.model_validate_json(body))


_LETTERS = (None, "A", "B", "tie")


def _scores(by: Mapping[str, Any]) -> Mapping[str, float]:
    return _shared(tuple((letter, float(score)) for letter, score in by.items()))


@lru_cache(maxsize=4096)
def _shared(items: tuple[tuple[str, float], ...]) -> Mapping[str, float]:
    return dict(items)


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
    reason: str = ""
    reply: str = ""
    """The judge's raw reply."""
    served: str = ""
    """What the provider said answered: the model's snapshot and its fingerprint."""
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Criterion -> letter -> 1..5."""
    usage: Usage = Usage()
    supersedes: bool = False
    """A voter's correction: earlier attempts of the key no longer count."""
