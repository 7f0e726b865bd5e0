"""One judged row of another tool's file: two models, two answers, and which of the models won.

A row keeps what its file says, with the models in the order in which they stand there. Which of the
two is the candidate is chosen afterwards (`brie.audit.sides`), and every number of the row turns
with it.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from brie.digest import digest, text_digest
from brie.reading.skipped import Skipped
from brie.records import Status, Winner

_LAST = 400
"""Characters of an answer's end that are looked at."""
_PROSE = 80
"""Characters of a last line from which it is prose, which ends in a full stop, and no verse or code."""
_ENDING = re.compile(r"[^\w\s,;:(\[{\-–—/\\&+=<]$")
"""A last sign that ends something: punctuation, a closing mark, an emoji."""
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+$", re.IGNORECASE)
_LINE = re.compile(r"\s*(?:[-*+•]|\d+[.)]|[a-z][.)]|#{1,6}|\|)\s*\S", re.IGNORECASE)
"""A line of a list, a heading or a table: it needs no full stop."""
_GOES_ON = re.compile(
    r"(?:[,;:(\-–—]|\b(?:and|or|but|the|an|of|to|with|for|from|by|as|that|which|because|is|are|was|were"
    r"|could|would|should|can|may|might|will|must|has|have|had|been|be|just|its|their|his|her|your"
    r"|our|my|if|when|than|into|at|in|on))$"
)
"""A last sign or word after which something must follow."""
_NEXT = re.compile(r"[a-z]{3}[.!?]\s+\S+\s+\S|[。！？]\S")
"""A sentence that ended before: what follows is prose too."""
_LABEL = re.compile(r"\w{3}\**:\**\s+\S+(?:\s+\S+){4}")
"""A list's line that explains what it names: prose."""

_BLANKS = re.compile(r"[ \t]+(?=\n)")
Models = tuple[str, str]
"""Names of the two models of a row, as they stand in the file."""
SIDES: Models = ("candidate", "baseline")
"""The models of a file that says candidate and baseline and names none."""
UNNAMED = "unnamed"
"""The judge of rows that name none."""


@dataclass(slots=True)
class Row:
    """One verdict as imported. Texts are reduced to what the analysis needs."""

    line: int
    prompt: str
    """Digest of the prompt."""
    judge: str
    status: Status
    models: Models = SIDES
    score: float = float("nan")
    """For the first of `models`, in [0, 1]; fractions are soft scores."""
    position: int = 0
    """+1 the first model was shown first, -1 second, 0 the file does not say."""
    label: int = 0
    """+1 the first model was A, -1 it was B, 0 the file does not say."""
    defined: bool = True
    """The format says that the first model is the candidate."""
    both: bool = False
    """The format plans each comparison in both orders."""
    pair: str = ""
    """Digest of both answers in whichever order; "" where the file has none."""
    turned: bool = False
    """The first model's answer is the greater of the two: which way round `pair` stands here."""
    sample: str = ""
    """What the file says to tell comparisons of one prompt apart: a turn, a trial."""
    rank: str = ""
    """What tells rows of one comparison by one judge apart, such as a time; no judge shares it."""
    name: str = ""
    """What to call the prompt: its id, or how it begins."""
    stored: Winner | None = None
    """The winner the file states, where the judge's own text says one too."""
    in_text: Winner | None = None
    """The winner in the judge's own text."""
    category: str = "all"
    source: str = "unknown"
    length_difference: float = float("nan")
    """Characters, first model minus second."""
    cut: tuple[bool, bool] = (False, False)
    """The first model's answer, and the second's, end without an ending."""
    length: tuple[int, int] = (0, 0)
    """Characters of both answers, where they are known."""
    right: tuple[bool, bool] | None = None
    """Whether each model was right, where answers are right or wrong."""
    answers: tuple[str, str] | None = None
    """The first model's and the second's, until `Texts` has taken or left them."""
    file: str = ""
    """The file it stands in, where several were read."""
    why: str = ""
    """Of a verdict that could not be read: what stood there instead."""


class Point(NamedTuple):
    """One answer judged alone: rows of two models on one prompt become a comparison."""

    line: int
    prompt: str
    name: str
    model: str
    judge: str
    status: Status
    value: float
    """The higher the better."""
    sample: str = ""
    category: str = "all"
    answer: str | None = None
    right: bool = False
    """The value is right or wrong, 1 or 0."""
    out_of: float = 0
    """The most it could be, where it says so."""


Item = Row | Point | Skipped


def is_cut(answer: str) -> bool:
    """Whether an answer's ending gives no sign that it was meant: a guess, never a finding by itself.

    Sentences, lists, headings, tables, short lines (verse, code, "Paris"), formulas, addresses and
    emoji are endings; a line of prose that stops in the middle is none.
    """
    end = answer.rstrip()[-_LAST:]
    line = end.rpartition("\n")[2]
    if not end or _ENDING.search(end) or _ADDRESS.search(end):
        return False
    if _GOES_ON.search(end):
        return True
    if _NEXT.search(line) or len(line) > _PROSE:
        return True
    return (
        bool(_LABEL.search(line)) if _LINE.match(line) else "\n" not in end and bool(_NEXT.search(end))
    )


class FromAnswers(TypedDict, total=False):
    """The fields of a row that come from its answers."""

    pair: str
    turned: bool
    length_difference: float
    cut: tuple[bool, bool]
    length: tuple[int, int]
    answers: tuple[str, str] | None


class FromTexts(FromAnswers):
    """The fields of a row that come from its texts."""

    prompt: str
    name: str


def one_form(text: str) -> str:
    """A text as it is told apart from others: what programs change in passing is nothing of it.

    Ends of lines, blanks at them and around the text, a no-break blank for a blank, and whether an
    accent is a sign of its own (Unicode's NFC) differ from one export of a text to the next.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace("\u00a0", " ")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if " \n" in text or "\t\n" in text:
        text = _BLANKS.sub("", text)
    return text.strip()


def text_id(text: str) -> str:
    """The digest of a text in its one form."""
    return digest(one_form(text))


def texts(*, prompt: str, first: str, second: str) -> FromTexts:
    """The fields of a row that come from its texts."""
    return {
        "prompt": text_id(prompt),
        "name": shortened(prompt),
        **of_answers(first=first, second=second),
    }


def of_answers(*, first: str, second: str) -> FromAnswers:
    """The fields of a row that come from its answers."""
    one, two = one_form(first), one_form(second)
    turned = one > two
    low, high = (two, one) if turned else (one, two)
    return {
        "pair": text_digest(f"{len(low)}:{low}{high}"),
        "turned": turned,
        "length_difference": float(len(first) - len(second)),
        "cut": (is_cut(first), is_cut(second)),
        "length": (len(first), len(second)),
        "answers": (first, second),
    }


def shortened(prompt: str, most: int = 48) -> str:
    """How a prompt begins, on one line."""
    plain = " ".join(prompt[: 4 * most].split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


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
        """Pair -> its answers, the lesser text first."""

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
        self.answers[row.pair] = (answers[1], answers[0]) if row.turned else answers

    def of(self, row: Row) -> tuple[str | None, str | None]:
        """The answers of a row, its first model's first; None where they were left."""
        low, high = self.answers.get(row.pair, (None, None))
        return (high, low) if row.turned else (low, high)
