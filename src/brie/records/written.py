"""Stored verdicts as they were written: what numbers need is cut out of the text, and no record made.

A store's verdict is JSON with its fields in one order and no spaces. Where it stands exactly so, its
outcome, its scores and its part of the digest over rows are pieces of that text, which takes a third of
the time of reading it whole. What stands otherwise is read whole (`VerdictLite.parse`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic_core import from_json

from brie.digest import Canonical, canonical_json
from brie.records.base import Margin
from brie.records.verdicts import LETTERS, MARGINS, Status, VerdictLite


class Outcome(NamedTuple):
    """What a judge said without its words."""

    status: Status
    letter: Literal["A", "B", "tie"] | None
    margin: Margin | None


class Scored(NamedTuple):
    """A criterion's scores."""

    criterion: str
    by_letter: Mapping[str, float]


class Read(NamedTuple):
    """A verdict's pieces."""

    outcome: int
    """Place in `Written.outcomes`."""
    scores: tuple[int, ...]
    """Places in `Written.scored`."""
    text: str
    """Its part of the digest over rows: `said_of` as canonical JSON."""


class Written:
    """Reads verdicts; what many of them say alike is kept once, and named by its place from 1."""

    def __init__(self) -> None:
        self.outcomes = [Outcome(Status.ERROR, None, None)]
        self.scored = [Scored("", {})]
        self._outcome: dict[Outcome, int] = {}
        self._score: dict[str, int] = {}
        self._middles: dict[str, tuple[int, str]] = {}
        """What stands before the reason, with the margin -> outcome, and how the digest has it."""
        self._pieces: dict[str, int] = {}
        """A criterion's scores as written -> place."""
        self._texts = [""]
        """`scored` as canonical JSON, without braces."""
        self._criteria: dict[str, int] = {}
        self._criterion = [-1]
        """Number of each of `scored`'s criterion."""
        self._orders: dict[tuple[int, ...], tuple[int, ...]] = {}
        """Criteria as they came -> their order by name; () for one that stands twice."""

    def read(self, head: str, begins: str, body: str) -> Read | None:
        """The pieces of a stored verdict; None where it does not stand as it is written.

        Args:
            head: what its JSON must begin with: everything before the number of its attempt.
            begins: what its part of the digest's text begins with: everything before its status.
            body: the stored JSON.
        """
        if not (body.startswith(head) and body.endswith(',"supersedes":false}')):
            return None
        try:
            reason = body.index(_REASON, len(head)) + 10
            reply = body.index(_REPLY, reason)
            served = body.index('","served":"', reply + 10)
            scores = body.index('","scores":{', served + 11) + 12
            usage = body.index(',"usage":{', scores)
        except ValueError:
            return None
        given, margin = body[scores:usage], ""
        if given[-1:] == '"':
            given, mark, level = given.rpartition(',"margin":')
            margin = mark + level
        middle = body[len(head) : reason - 10] + margin
        outcome, named = self._middles.get(middle) or self._learn(middle)
        places = self._places(given)
        joined = None if places is None else self._joined(places)
        if not outcome or places is None or joined is None:
            return None
        said = f"{body[reason : reply + 2]}{body[reply + 10 : served + 1]}"
        return Read(outcome, places, f"{begins}{named}{said},{joined}]")

    def whole(self, verdict: VerdictLite) -> Read:
        """The same of a verdict that was read whole."""
        outcome = self._place(Outcome(verdict.status, verdict.letter, verdict.margin))
        places = [self._keep(Scored(name, given)) for name, given in verdict.scores.items()]
        return Read(outcome, tuple(places), canonical_json(said_of(verdict)))

    def _places(self, given: str) -> tuple[int, ...] | None:
        """Where the scores that a verdict gives are kept; None where they stand otherwise."""
        if given == "}":
            return ()
        if given[-2:] != "}}":
            return None
        known = self._pieces
        places = tuple([known.get(each) or self._learn_scores(each) for each in given[:-2].split("},")])
        return None if 0 in places else places

    def _joined(self, places: tuple[int, ...]) -> str | None:
        """The scores in those places as canonical JSON; None where a criterion stands twice."""
        if not places:
            return "{}"
        numbers = tuple([self._criterion[at] for at in places])
        order = self._orders.get(numbers)
        if order is None:
            order = self._orders[numbers] = self._order(places)
        if not order:
            return None
        return "{" + ",".join([self._texts[places[at]] for at in order]) + "}"

    def _order(self, places: tuple[int, ...]) -> tuple[int, ...]:
        names = [self.scored[at].criterion for at in places]
        if len(set(names)) < len(names):
            return ()
        return tuple(sorted(range(len(names)), key=names.__getitem__))

    def _learn(self, middle: str) -> tuple[int, str]:
        """The outcome that stands in a text, and how the digest has it; 0 where none does."""
        try:
            row = from_json(f'{{"attempt":{middle}}}')
            if [name for name in row if name != "margin"] != ["attempt", "status", "letter"]:
                raise ValueError(middle)
            lite = (Status(row["status"]), row["letter"], row.get("margin"))
            if type(row["attempt"]) is not int or lite[1] not in LETTERS or lite[2] not in MARGINS:
                raise ValueError(middle)
        except (ValueError, TypeError):
            return 0, ""
        learnt = self._place(Outcome(*lite)), f"{canonical_json([lite[0], lite[1]])[1:-1]},"
        self._middles[middle] = learnt
        return learnt

    def _learn_scores(self, piece: str) -> int:
        """Where the scores that stand in a text are kept; 0 where it holds something else."""
        try:
            row: Mapping[str, Mapping[str, float]] = from_json(f"{{{piece}}}}}")
            ((name, given),) = row.items()
            by_letter = {str(letter): float(score) for letter, score in given.items()}
            at = self._pieces[piece] = self._keep(Scored(name, by_letter))
        except (ValueError, TypeError, AttributeError):
            return 0
        return at

    def _place(self, outcome: Outcome) -> int:
        if outcome not in self._outcome:
            self._outcome[outcome] = len(self.outcomes)
            self.outcomes.append(outcome)
        return self._outcome[outcome]

    def _keep(self, scored: Scored) -> int:
        text = canonical_json({scored.criterion: scored.by_letter})[1:-1]
        if text not in self._score:
            self._score[text] = len(self.scored)
            self.scored.append(scored)
            self._texts.append(text)
            self._criterion.append(self._criteria.setdefault(scored.criterion, len(self._criteria)))
        return self._score[text]


def reason_of(key: str, body: str) -> str:
    """The reason in the stored JSON of a verdict that was read before: nothing else is looked at."""
    start = body.find(_REASON) + len(_REASON)
    end = body.find(_REPLY, start)
    if start < len(_REASON) or end < 0:
        return VerdictLite.parse(key, body).reason
    reason = body[start:end]
    return str(from_json(f'"{reason}"')) if "\\" in reason else reason


_REASON, _REPLY = ',"reason":"', '","reply":"'
"""A quote inside a JSON text has a backslash before it: what holds a bare one stands inside none."""


def said_of(verdict: VerdictLite) -> Canonical:
    """What the digest over rows has of a verdict."""
    said: list[Canonical] = [
        verdict.key, verdict.judge, verdict.presentation, verdict.status, verdict.letter,
        verdict.reason, verdict.reply, verdict.scores,
    ]  # fmt: skip
    if verdict.measured:
        said.append(verdict.measured.model_dump())
    return said
