"""What is said of two answers: presentations, un-blinding, verdicts."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

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
