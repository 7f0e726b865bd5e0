"""What a comparison's verdicts prefer: one side, or why no pair can be made of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from brie.evaluation.rows import VerdictRow
from brie.records import CompletionLite, Order, Side, Winner

Word = Literal["candidate", "baseline", "tie", "flipped", "half"]
"""What a judge said of a comparison: the same in both orders, another side in each (`flipped`), or
nothing usable in one of them (`half`)."""
Reason = Literal[
    "identical", "half", "tie", "flipped", "disagree", "cut off", "empty", "repeated", "contradicted",
    "length",
]  # fmt: skip
REASONS: dict[Reason, str] = {
    "identical": "both answers are the same text",
    "half": "no judge gave a usable verdict in both orders",
    "tie": "a tie",
    "flipped": "the verdict turned round with the order",
    "disagree": "fewer judges agree than were asked for",
    "cut off": "an answer ended at the token limit",
    "empty": "an answer is empty",
    "repeated": "the same pair stands in the file already",
    "contradicted": "the same two answers were preferred the other way round elsewhere",
    "length": "length alone predicts the winner",
}
"""Why a comparison is no pair, in the order in which it is asked."""
_SIDES: tuple[Side, Side] = ("candidate", "baseline")
_ALIKE = math.log(1.1)
"""Answers whose lengths differ by less than a tenth are equally long."""


@dataclass(frozen=True)
class Rule:
    """When verdicts make a pair."""

    min_agreement: float = 1.0
    """Share of the judges, people's votes with their own weight, that must prefer the side."""
    people_weight: float = 1.0
    """What a person's vote weighs against a judge's verdicts in both orders."""


@dataclass(frozen=True)
class Preferred:
    """One comparison's better and worse answer."""

    side: Side
    """Whose answer is the better one."""
    agreement: float
    """Share of the judges that prefer it in both orders."""
    margin: float
    """Weighted share for it minus the share for the other."""
    judges: Mapping[str, Heard]
    votes: Mapping[str, int] = field(default_factory=dict)
    """`chosen`, `rejected`, `tie` -> votes of people."""


@dataclass(frozen=True)
class Heard:
    """What a judge preferred in either order of a comparison."""

    candidate_first: Winner | None
    """Where the candidate's answer was shown first; None: no usable verdict."""
    baseline_first: Winner | None

    @property
    def word(self) -> Word:
        """The same in both orders, or why nothing is known of it."""
        if self.candidate_first is None or self.baseline_first is None:
            return "half"
        return self.candidate_first if self.candidate_first == self.baseline_first else "flipped"

    def with_first(self, side: Side) -> Winner | None:
        """What was preferred where a side was shown first."""
        return self.candidate_first if side == "candidate" else self.baseline_first


def heard(rows: Sequence[VerdictRow]) -> dict[str, Heard]:
    """Judge id -> what it preferred in both orders.

    Args:
        rows: of one comparison.
    """
    by_judge: dict[str, dict[Order, Winner | None]] = {}
    for row in rows:
        by_judge.setdefault(row.task.judge, {})[row.task.presentation.order] = row.winner
    return {
        judge: Heard(orders.get("candidate_first"), orders.get("baseline_first"))
        for judge, orders in by_judge.items()
    }


def preferred(
    judges: Mapping[str, Heard], votes: Sequence[VerdictRow], rule: Rule
) -> Preferred | Reason:
    """The side that a comparison's verdicts prefer, or why none is.

    Args:
        judges: what each that was asked preferred.
        votes: of people, who see a comparison in one order.
        rule: what is asked of a pair.
    """
    words = Counter(judge.word for judge in judges.values())
    if words["half"] == len(judges):
        return "half"
    sides = {side: words[side] for side in _SIDES}
    if not any(sides.values()):
        return "tie" if words["tie"] >= words["flipped"] else "flipped"
    cast = Counter(row.winner for row in votes)
    weight = rule.people_weight
    total = len(judges) + weight * sum(cast.values())
    shares = {side: (sides[side] + weight * cast[side]) / total for side in _SIDES}
    better, worse = sorted(_SIDES, key=lambda side: -shares[side])
    if not sides[better] or shares[better] <= shares[worse]:
        return "disagree"
    if shares[better] < rule.min_agreement - 1e-9:
        return "disagree"
    return Preferred(
        side=better,
        agreement=sides[better] / len(judges),
        margin=shares[better] - shares[worse],
        judges=judges,
        votes={"chosen": cast[better], "rejected": cast[worse], "tie": cast["tie"]},
    )


def unfit(candidate: CompletionLite, baseline: CompletionLite) -> Reason | None:
    """Why two answers make no pair, whatever was said of them: one that was cut off would be learned
    with an end it does not have."""
    if candidate.text == baseline.text:
        return "identical"
    if not candidate.text.strip() or not baseline.text.strip():
        return "empty"
    if candidate.finish_reason != "stop" or baseline.finish_reason != "stop":
        return "cut off"
    return None


def longer(chosen: str, rejected: str) -> float:
    """Log ratio of the two lengths in characters; 0 where they differ by less than a tenth."""
    ratio = math.log((len(chosen) + 1) / (len(rejected) + 1))
    return 0.0 if abs(ratio) < _ALIKE else ratio


def predicted_by_length(ratios: Sequence[float]) -> set[int]:
    """Places of the pairs to drop so that length alone predicts no winner any more.

    Of the direction that wins more often (the longer answer, or the shorter one) those with the
    greatest difference of lengths go, until both directions are equally frequent. To drop every pair
    whose longer answer won would only teach the opposite.

    Args:
        ratios: of each pair, as `longer` gives them.
    """
    directions = [[at for at, ratio in enumerate(ratios) if sign * ratio > 0] for sign in (1, -1)]
    more, fewer = sorted(directions, key=len, reverse=True)
    plainest = sorted(more, key=lambda at: (-abs(ratios[at]), at))
    return set(plainest[: len(more) - len(fewer)])
