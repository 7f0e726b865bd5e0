"""Who sees what under which letter: every translation between letters and sides is in this file.

Orders and letters are crossed (invariant I1). A cell is an order (candidate first or second) with
a lettering (candidate A or B). With `positions = "both"` a comparison takes two complementary
cells, in one of two ways:

    "0"  {candidate first & A, candidate second & B}     the answer shown first carries A
    "1"  {candidate first & B, candidate second & A}     the answer shown first carries B

With "balanced" it takes one of four cells. Prompts of a category go in blocks, in the suite's
order, and each block is dealt by a hash of the seed and the judge, so that within every judge x
category the counts differ by at most one, whatever the number of prompts and samples. Adding
samples or judges, or appending prompts to a suite, moves nothing.

Where a plan asks for it, the order of the rubric's criteria is dealt as well (`deal_criteria`): the two
presentations of a comparison then take two orders, evenly within every judge x category x cell.

A stored verdict keeps the letter (invariant I2). `Presentation.unblind` turns it into a side on
reading, and nothing else does: `letter_of`, its inverse for votes that come as sides, and `by_side`,
for scores, ask it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lcm
from sys import intern
from typing import Literal, TypeVar

from brie.digest import Canonical, digest, text_digest
from brie.records import Digest, Letter, MachineCheck, Message, Order, Positions, Prompt, Side, Winner
from brie.records.base import CRITERIA_ORDERS, CriteriaOrder, Record, later

Choice = Literal["A", "B", "tie"]
"""What a verdict or a vote says."""
T = TypeVar("T")
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
        criteria = "" if self.criteria == "own" else f'"criteria":"{self.criteria}",'
        # Canonical JSON written out, for plans of a million verdicts.
        return text_digest(
            f'{{{criteria}"first":"{first}","first_letter":"{self.first_letter}",'
            f'"prompt":"{self.prompt}","second":"{second}"}}'
        )

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
        return (candidate, baseline) if self.order == "candidate_first" else (baseline, candidate)

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
        letters = {side: self.letter_of(side) for side in _SIDES}
        return {side: by_letter[letter] for side, letter in letters.items() if letter in by_letter}


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


Cell = tuple[Order, Letter]

BOTH: dict[str, tuple[Cell, ...]] = {
    "0": (("candidate_first", "A"), ("baseline_first", "B")),
    "1": (("candidate_first", "B"), ("baseline_first", "A")),
}
BALANCED: dict[str, tuple[Cell, ...]] = {
    "0": (("candidate_first", "A"),),
    "1": (("candidate_first", "B"),),
    "2": (("baseline_first", "A"),),
    "3": (("baseline_first", "B"),),
}
OWN_ORDER: tuple[CriteriaOrder, ...] = ("own", "own")
"""The criteria as the rubric has them, in both presentations."""
_BIT_REVERSED = (0, 2, 1, 3)
"""Rows `s ^ r` of this order form a Latin square whose every corner rectangle is balanced."""


def assign(
    prompts: Sequence[tuple[str, str]],
    samples: int,
    positions: Positions,
    *,
    seed: int,
    judge: str,
    only: Collection[str] | None = None,
) -> dict[str, str]:
    """Codes of one judge's presentations: prompt id -> one digit a sample.

    Args:
        prompts: ids and categories, in the suite's order.
        samples: samples a prompt.
        positions: two complementary cells a comparison, or one of four.
        seed: the plan's.
        judge: the judge's digest.
        only: prompts whose codes are wanted; the others still take their places.
    """
    width = 2 if positions == "both" else 4
    seen: dict[str, int] = {}
    codes: dict[str, str] = {}
    deals: dict[tuple[str, int], list[int]] = {}
    for name, category in prompts:
        rank = seen.get(category, 0)
        seen[category] = rank + 1
        if only is not None and name not in only:
            continue
        block = (category, rank // width)
        if block not in deals:
            deals[block] = _deal(width, [seed, judge, category, positions, rank // width])
        deal = deals[block]
        row = rank % width if width == 2 else _BIT_REVERSED[rank % width]
        codes[name] = "".join(str(deal[(sample % width) ^ row]) for sample in range(samples))
    return codes


def presentations(
    code: str,
    *,
    positions: Positions,
    prompt: str,
    candidate: str,
    baseline: str,
    criteria: tuple[CriteriaOrder, ...] = OWN_ORDER,
) -> tuple[Presentation, ...]:
    """The presentations of one comparison.

    Args:
        code: one digit from `assign`.
        positions: what the code belongs to.
        prompt: digest of the messages.
        candidate: key of the candidate's completion.
        baseline: key of the baseline's completion.
        criteria: the order of the criteria in each of them.
    """
    cells = (BOTH if positions == "both" else BALANCED)[code]
    return tuple(
        Presentation(
            prompt=prompt,
            candidate=candidate,
            baseline=baseline,
            order=order,
            candidate_letter=letter,
            criteria=read,
        )
        for (order, letter), read in zip(cells, criteria, strict=False)
    )


@lru_cache(maxsize=64)  # judges of one comparison share them
def named_presentations(
    code: str,
    *,
    positions: Positions,
    prompt: str,
    candidate: str,
    baseline: str,
    criteria: tuple[CriteriaOrder, ...] = OWN_ORDER,
) -> tuple[tuple[Presentation, str], ...]:
    """`presentations`, each with its digest."""
    shown = presentations(
        code, positions=positions, prompt=prompt, candidate=candidate, baseline=baseline,
        criteria=criteria,
    )  # fmt: skip
    return tuple((presentation, intern(presentation.digest())) for presentation in shown)


CriteriaCodes = tuple[tuple[CriteriaOrder, ...], ...]
"""Digit -> the order of the criteria in each presentation of a comparison."""


def criteria_codes(positions: Positions, orders: int, *, alike: bool = False) -> CriteriaCodes:
    """What a digit of `deal_criteria` stands for: the order of the criteria in each presentation.

    Args:
        positions: two presentations a comparison, or one.
        orders: 2 or 3.
        alike: both presentations take the same order, for judges whose two are read against each other.
    """
    names = CRITERIA_ORDERS[:orders]
    if positions == "balanced":
        return tuple((name,) for name in names)
    if alike:
        return tuple((name, name) for name in names)
    turns = range(1, orders)
    return tuple((names[k], names[(k + turn) % orders]) for turn in turns for k in range(orders))


def deal_criteria(
    prompts: Sequence[tuple[str, str]],
    cells: Mapping[str, str],
    codes: int,
    positions: Positions,
    *,
    seed: int,
    judge: str,
) -> dict[str, str]:
    """Orders of the criteria of one judge's presentations: prompt id -> one digit a sample.

    Within every category each digit comes equally often, to within one, after each block of cells, and
    with every cell alike after as many blocks as there are digits.

    Args:
        prompts: ids and categories, in the suite's order.
        cells: `assign`'s codes of the same judge.
        codes: how many digits there are (`criteria_codes`).
        positions: what the cells belong to.
        seed: the plan's.
        judge: the judge's digest.
    """
    width = 2 if positions == "both" else 4
    turn, whole = lcm(width, codes), width * codes
    seen: dict[str, int] = {}
    dealt: dict[str, str] = {}
    for name, category in prompts:
        rank = seen.get(category, 0)
        seen[category] = rank + 1
        start = rank // width * width
        places = [start + int(cell) for cell in cells[name]]
        deal = _deal(codes, ["criteria", seed, judge, category, positions, start // whole])
        dealt[name] = "".join(str(deal[(place + place // turn) % codes]) for place in places)
    return dealt


def drawn(lot: str, *, prompt: str, candidate: str, baseline: str) -> Presentation:
    """A presentation in one of the four cells, whichever a lot gives.

    For comparisons whose sides are named after each vote: dealt in blocks, as `assign` does, the earlier
    ones would tell the last of a block.

    Args:
        lot: drawn anew for each, from what nobody can guess.
        prompt: digest of the messages.
        candidate: key of the candidate's completion.
        baseline: key of the baseline's completion.
    """
    (code,) = assign([("", "")], 1, "balanced", seed=0, judge=lot).values()
    (shown,) = presentations(
        code, positions="balanced", prompt=prompt, candidate=candidate, baseline=baseline
    )
    return shown


def _deal(width: int, block: Sequence[Canonical]) -> list[int]:
    """A permutation of the codes, drawn by a hash of the block."""
    return sorted(range(width), key=lambda code: digest([*block, code]))
