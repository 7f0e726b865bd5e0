"""Letters and sides: what a verdict's letter stands for, one by one and many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from brie.digest import text_digests
from brie.records import Digest, Letter, MachineCheck, Message, Order, Prompt, Side, Winner
from brie.records.base import CriteriaOrder, Record, later

Choice = Literal["A", "B", "tie"]
"""What a verdict or a vote says."""
T = TypeVar("T")
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_SIDES: tuple[Side, Side] = ("candidate", "baseline")


def other(letter: Letter) -> Letter:
    """The letter that the other answer carries."""
    return "B" if letter == "A" else "A"


def constant_letter(*, candidate_is_a: bool) -> Letter:
    """The candidate's letter in a design that never exchanges the letters, for sentences about it."""
    return "A" if candidate_is_a else "B"


def first_side(order: Order) -> Side:
    """The side whose answer is shown first."""
    return "candidate" if order == "candidate_first" else "baseline"


def first_letter(order: Order, candidate_letter: Letter) -> Letter:
    """The letter that the answer shown first carries."""
    return candidate_letter if order == "candidate_first" else other(candidate_letter)


def in_order(order: Order, *, candidate: T, baseline: T) -> tuple[T, T]:
    """What belongs to the two sides, that of the answer shown first before the other."""
    return (candidate, baseline) if first_side(order) == "candidate" else (baseline, candidate)


def presentation_digests(
    shown: Iterable[tuple[str, str, str]], letter: Letter, criteria: CriteriaOrder
) -> list[str]:
    """`Presentation.digest` of many that are alike in letters and criteria.

    Args:
        shown: key of the answer shown first, digest of what is read, key of the other answer.
        letter: of the answer shown first.
        criteria: in which order the judge reads the criteria.
    """
    # Canonical JSON written out, for plans of a million verdicts.
    read = "" if criteria == "own" else f'"criteria":"{criteria}",'
    before, between = f'{{{read}"first":"', f'","first_letter":"{letter}","prompt":"'
    return text_digests(
        f'{before}{first}{between}{prompt}","second":"{second}"}}' for first, prompt, second in shown
    )


class Presentation(Record):
    """A comparison in one order and one lettering, as one judge sees it."""

    prompt: Digest
    candidate: Digest
    """Key of the candidate's completion."""
    baseline: Digest
    order: Order
    candidate_letter: Letter
    criteria: CriteriaOrder = later("own")
    """In which order the judge reads the criteria."""

    def digest(self) -> str:
        """Names what the judge sees: it stays the same when the two models exchange roles."""
        first, second = self.in_order(candidate=self.candidate, baseline=self.baseline)
        (name,) = presentation_digests([(first, self.prompt, second)], self.first_letter, self.criteria)
        return name

    @property
    def baseline_letter(self) -> Letter:
        """The letter the candidate does not carry."""
        return other(self.candidate_letter)

    @property
    def first_letter(self) -> Letter:
        """The letter of the answer shown first."""
        return first_letter(self.order, self.candidate_letter)

    @property
    def position(self) -> int:
        """+1 where the candidate is shown first, -1 where second."""
        return 1 if self.order == "candidate_first" else -1

    @property
    def label(self) -> int:
        """+1 where the candidate is A, -1 where it is B."""
        return 1 if self.candidate_letter == "A" else -1

    @property
    def first_label(self) -> int:
        """+1 where the answer shown first is A, -1 where it is B."""
        return 1 if self.first_letter == "A" else -1

    def in_order(self, *, candidate: T, baseline: T) -> tuple[T, T]:
        """What belongs to the two sides, that of the answer shown first before the other."""
        return in_order(self.order, candidate=candidate, baseline=baseline)

    def unblind(self, letter: Choice) -> Winner:
        """The side that a verdict's letter stands for.

        Raises:
            ValueError: `letter` is none of "A", "B", "tie".
        """
        if letter == "tie":
            return "tie"
        if letter not in ("A", "B"):
            raise ValueError(f"a verdict is A, B or tie, not {letter!r}")
        return "candidate" if letter == self.candidate_letter else "baseline"

    def letter_of(self, winner: Winner) -> Choice:
        """The letter under which a side stood: the inverse of `unblind`."""
        if winner == "tie":
            return "tie"
        return "A" if self.unblind("A") == winner else "B"

    def letters_as(self, shown: Presentation) -> bool:
        """Whether the sides carry the same letters as in another presentation of the comparison."""
        return self.candidate_letter == shown.candidate_letter

    def by_side(self, by_letter: Mapping[str, float]) -> dict[Side, float]:
        """Scores that a judge gave under letters, by side; a side it gave none has none."""
        letters = zip(_SIDES, (self.candidate_letter, self.baseline_letter), strict=True)
        return {side: by_letter[letter] for side, letter in letters if letter in by_letter}


_AS_NUMBER: dict[Choice | None, float] = {"A": 1.0, "B": -1.0, "tie": 0.0, None: float("nan")}


def by_sides(by_letter: Mapping[str, float], label: int) -> tuple[float | None, float | None]:
    """`Presentation.by_side`: the candidate's number, and the baseline's; None where there is none.

    Args:
        by_letter: letter -> number.
        label: +1 where the candidate is A, -1 where it is B (`Presentation.label`).
    """
    of_a, of_b = by_letter.get("A"), by_letter.get("B")
    return (of_a, of_b) if label > 0 else (of_b, of_a)


def said_as_number(letters: Iterable[Choice | None], count: int) -> Floats:
    """+1 for A, -1 for B, 0 for a tie, NaN for none, one entry a verdict.

    Args:
        letters: what was said.
        count: how many there are.
    """
    return np.fromiter((_AS_NUMBER[letter] for letter in letters), np.float64, count)


def ahead(given: Iterable[Mapping[str, float]], count: int) -> Floats:
    """How far answer A is ahead of answer B by numbers given to both; NaN where one has none.

    Args:
        given: letter -> number, one mapping a verdict.
        count: how many there are.
    """
    nothing = float("nan")
    return np.fromiter((by.get("A", nothing) - by.get("B", nothing) for by in given), np.float64, count)


def towards_candidate(of_a: Floats, label: Ints) -> Floats:
    """How far the candidate is ahead, one entry a verdict.

    Args:
        of_a: how far answer A is ahead of answer B; NaN where it is not known.
        label: +1 where the candidate is A, -1 where it is B (`Presentation.label`).
    """
    return of_a * label + 0.0  # level is 0, never -0


def scored(said: Floats, label: Ints) -> Floats:
    """Scores for the candidate, 1, 0.5 or 0, one entry a verdict: `unblind` for many at once.

    Args:
        said: `said_as_number`, NaN also where a verdict cannot be used.
        label: +1 where the candidate is A, -1 where it is B (`Presentation.label`).
    """
    return (1 + towards_candidate(said, label)) / 2


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the presentations of one comparison measured together (docs/statistics.md 8.7)."""

    margin: float
    """How far the candidate's answer is ahead; exchanging the two answers turns its sign round."""
    lean: float
    """How far the letter A is ahead, whichever answer carries it."""

    def winner(self, tie: float) -> Winner:
        """The one outcome of the comparison.

        Args:
            tie: a margin of at most this is a tie.
        """
        if abs(self.margin) <= tie:
            return "tie"
        return "candidate" if self.margin > 0 else "baseline"


def weigh(heard: Sequence[tuple[Presentation, Mapping[Letter, float]]]) -> Weighed:
    """The margin and the lean of a comparison.

    With l the log-probability of A less that of B, the candidate carrying A in the first
    presentation and B in the second: margin (l1 - l2) / 2, lean (l1 + l2) / 2.

    Args:
        heard: every planned presentation, with what was measured for each letter.
    """
    ahead = []
    for presentation, by_letter in heard:
        sides = presentation.by_side({str(letter): value for letter, value in by_letter.items()})
        ahead.append((sides["candidate"] - sides["baseline"], presentation.label))
    return Weighed(
        sum(value for value, _ in ahead) / len(ahead),
        sum(value * label for value, label in ahead) / len(ahead),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeInput:
    """Exactly what a judge sees of a comparison: no side, no model, no path."""

    messages: tuple[Message, ...]
    reference: str | None
    check: MachineCheck | None
    first: str
    """The answer shown first."""
    second: str
    first_letter: Letter
    criteria: CriteriaOrder = "own"
    """In which order the rubric's criteria are read."""
    code: str = ""
    """Stands in the marks around everything foreign; "": one is drawn."""

    def letter(self, which: Literal["first", "second", "tie"]) -> Choice:
        """The letter of the answer in a place."""
        if which == "tie":
            return "tie"
        return self.first_letter if which == "first" else other(self.first_letter)

    @property
    def answers(self) -> tuple[tuple[Letter, str], tuple[Letter, str]]:
        """Both answers with their letters, in the order shown."""
        return (self.first_letter, self.first), (other(self.first_letter), self.second)


def judge_input(
    presentation: Presentation, prompt: Prompt, messages: tuple[Message, ...], texts: Mapping[str, str]
) -> JudgeInput:
    """What a judge sees of a presentation: two texts in an order, under letters, and nothing else.

    Args:
        presentation: order and lettering.
        prompt: its prompt.
        messages: the conversation as it was answered.
        texts: completion key -> text.
    """
    first, second = presentation.in_order(
        candidate=texts[presentation.candidate], baseline=texts[presentation.baseline]
    )
    return JudgeInput(
        messages=messages,
        reference=prompt.reference,
        check=prompt.check,
        first=first,
        second=second,
        first_letter=presentation.first_letter,
        criteria=presentation.criteria,
    )
