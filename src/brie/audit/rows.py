"""One judged row of another tool's file, in brie's terms."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from brie.digest import digest
from brie.records import Status, Winner

_ENDS = re.compile(r"[.!?…。！？\"”’')\]*`}>:|_]\s*$")
"""How an answer that was not cut off ends: punctuation, a closing mark, or code."""


@dataclass(slots=True)
class Row:
    """One verdict as imported. Texts are reduced to what the analysis needs."""

    line: int
    prompt: str
    """Digest of the prompt."""
    pair: str
    """Digest of prompt and both answers."""
    judge: str
    status: Status
    score: float = float("nan")
    """For the candidate, in [0, 1]; fractions are soft scores."""
    position: int = 0
    """+1 the candidate was shown first, -1 second, 0 the file does not say."""
    label: int = 0
    """+1 the candidate was A, -1 it was B, 0 the file does not say."""
    stored: Winner | None = None
    """The winner the file states, where the judge's own text says one too."""
    in_text: Winner | None = None
    """The winner in the judge's own text."""
    category: str = "all"
    source: str = "unknown"
    length_difference: float = float("nan")
    """Characters, candidate minus baseline."""
    cut: tuple[bool, bool] = (False, False)
    """The candidate's answer, and the baseline's, end without an ending."""
    answers: tuple[str, str] | None = None
    """The candidate's and the baseline's, until `Texts` has taken or left them."""


UNNAMED = "unnamed"
"""The judge of rows that name none."""


class Skipped(NamedTuple):
    """A row that could not be used, and why."""

    line: int
    why: str


Item = Row | Skipped
Rows = Iterator[Item]


def is_cut(answer: str) -> bool:
    """Whether an answer looks cut off: it is not empty and does not end as sentences or code do."""
    return bool(answer.strip()) and _ENDS.search(answer[-80:]) is None


class FromAnswers(TypedDict, total=False):
    """The fields of a row that come from its answers."""

    length_difference: float
    cut: tuple[bool, bool]
    answers: tuple[str, str] | None


class FromTexts(FromAnswers):
    """The fields of a row that come from its texts."""

    prompt: str
    pair: str


def texts(*, prompt: str, candidate: str, baseline: str) -> FromTexts:
    """The fields of a row that come from its texts."""
    return {
        "prompt": digest(prompt),
        "pair": digest([prompt, candidate, baseline]),
        **of_answers(candidate=candidate, baseline=baseline),
    }


def of_answers(*, candidate: str, baseline: str) -> FromAnswers:
    """The fields of a row that come from its answers."""
    return {
        "length_difference": float(len(candidate) - len(baseline)),
        "cut": (is_cut(candidate), is_cut(baseline)),
        "answers": (candidate, baseline),
    }


class Texts:
    """The answers of a sample of pairs: all of them in a file of usual size.

    The pairs with the smallest digests are kept, which is a random sample that does not depend on the
    order of the rows or on how often a pair occurs.
    """

    def __init__(self, most: int = 5_000) -> None:
        """An empty sample of at most so many pairs: what the bag of words looks at."""
        self._most = most
        self._largest: list[tuple[int, str]] = []
        self.answers: dict[str, tuple[str, str]] = {}

    def take(self, row: Row) -> None:
        """Take the row's answers or leave them; the row no longer holds them."""
        answers, row.answers = row.answers, None
        if answers is None or row.pair in self.answers:
            return
        rank = (-int(row.pair.removeprefix("sha256:"), 16), row.pair)
        if len(self.answers) < self._most:
            heapq.heappush(self._largest, rank)
        elif rank > self._largest[0]:
            _, gone = heapq.heapreplace(self._largest, rank)
            del self.answers[gone]
        else:
            return
        self.answers[row.pair] = answers
