"""Rows of verdicts as columns: a million of them are told apart, counted and scored at once."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from brie.analyse.arrays import Bools, Floats, Ints
from brie.analyse.joint import JointRows
from brie.analyse.table import StatusCode
from brie.blinding import ahead, said_as_number, scored, towards_candidate
from brie.evaluation.planned import KINDS, Planned
from brie.records import SCORE, Margin, Status, VerdictLite
from brie.records.base import CRITERIA_ORDERS

if TYPE_CHECKING:
    from brie.evaluation.rows import VerdictRow

STATUSES = {status: int(StatusCode[status.name]) for status in Status}
"""A verdict's status as columns have it."""
_ORDERS = {order: code for code, order in enumerate(CRITERIA_ORDERS)}
T = TypeVar("T", bound=Hashable)
S = TypeVar("S")
Rows = npt.NDArray[np.intp]
"""Numbers of rows, in an order."""


@dataclass(frozen=True)
class Heard:
    """What stored verdicts say, one entry a row, by letters."""

    status: Ints
    """As `StatusCode`."""
    letter: Floats
    """As `said_as_number` has it."""
    there: Bools
    apart: Mapping[str, Floats]
    """Criterion -> how far answer A is ahead; NaN where a judge scored none of both, or one only."""
    named: Mapping[str, Bools]
    """Criterion -> rows whose judge gave it any score."""

    @classmethod
    def of(cls, verdicts: Sequence[VerdictLite | None]) -> Heard:
        """Those of verdicts; None where there is none."""
        missing, apart = int(StatusCode.MISSING), _apart(verdicts)
        return cls(
            status=_ints(missing if each is None else STATUSES[each.status] for each in verdicts),
            letter=said_as_number((each.letter if each else None for each in verdicts), len(verdicts)),
            there=np.fromiter((each is not None for each in verdicts), np.bool_, len(verdicts)),
            apart=apart,
            named={name: _named(verdicts, name, each) for name, each in apart.items()},
        )

    def counted(self, identical: Bools, label: Ints) -> tuple[Ints, Floats]:
        """Status and score of each row; the same answers are a tie without a verdict.

        Args:
            identical: one a row: its answers are the same.
            label: +1 where the candidate is A, -1 where it is B.
        """
        status = np.where(identical, int(StatusCode.OK), self.status)
        score = scored(np.where(status == StatusCode.OK, self.letter, np.nan), label)
        score[identical] = 0.5
        return status, score

    def criteria(self, label: Ints) -> dict[str, Floats]:
        """Criterion -> how far the candidate is ahead."""
        return {name: towards_candidate(each, label) for name, each in self.apart.items()}


@dataclass(frozen=True)
class Given:
    """What judges gave in some rows beside an outcome, one entry a row."""

    margin: Sequence[Margin | None]
    scores: Mapping[str, tuple[Sequence[Mapping[str, float]], Ints]]
    """Criterion -> numbers by letter, each once, and for every row the place of its own."""

    @classmethod
    def of(cls, verdicts: Sequence[VerdictLite | None]) -> Given:
        """Those of verdicts. Equal scores of many are one object, and are looked at once."""
        nothing: dict[str, dict[str, float]] = {}
        said = [each.scores if each else nothing for each in verdicts]
        names = sorted({name for scores in said for name in scores})
        return cls(
            [each.margin if each else None for each in verdicts],
            {name: _distinct([scores.get(name, _NONE) for scores in said]) for name in names},
        )


_NONE: Mapping[str, float] = {}


@dataclass(frozen=True)
class Columns:
    """One entry a row, in the order of the rows."""

    names: tuple[str, ...]
    """Judges, as `judge` counts them."""
    kinds: tuple[str, ...]
    """What verdicts are for, as `kind` counts them."""
    pairs: tuple[tuple[str, str], ...]
    """Keys of the candidate's and the baseline's answer, as `pair` counts them."""
    judge: Ints
    kind: Ints
    pair: Ints
    prompt: Ints
    """Place in the plan's order of work."""
    sample: Ints
    repeat: Ints
    position: Ints
    label: Ints
    status: Ints
    """As `StatusCode`."""
    identical: Bools
    heard: Bools
    """There is a stored verdict, usable or not."""
    score: Floats
    """1, 0.5 or 0 for the candidate; NaN where no usable verdict is there."""
    criteria_order: Ints
    """Place in `CRITERIA_ORDERS`."""
    criteria: Mapping[str, Floats]
    """Criterion -> its scores, candidate minus baseline; NaN where a judge gave none, or to one only."""
    named: Mapping[str, Bools]
    """Criterion -> rows whose judge gave it any score."""
    joint: JointRows | None
    """Which rows share one outcome; None where none does."""

    @classmethod
    def of(cls, rows: Sequence[VerdictRow], places: Mapping[str, int]) -> Columns:
        """The columns of some rows.

        Args:
            rows: one a planned verdict.
            places: prompt id -> its place in the plan's order.
        """
        tasks = [row.task for row in rows]
        identical = np.fromiter((row.identical for row in rows), np.bool_, len(rows))
        heard = Heard.of([row.verdict for row in rows])
        shown, of_shown = _distinct([task.presentation for task in tasks])
        names, judge = _codes(task.judge for task in tasks)
        kinds, kind = _codes(task.kind for task in tasks)
        pairs, pair = _codes((each.candidate, each.baseline) for each in shown)
        label = _ints(each.label for each in shown)[of_shown]
        status, score = heard.counted(identical, label)
        joint = [at for at, row in enumerate(rows) if row.joint is not None]
        score[joint] = [rows[at].score for at in joint]
        return cls(
            names=names, kinds=kinds, pairs=pairs, judge=judge, kind=kind, pair=pair[of_shown],
            prompt=_ints(places[task.prompt] for task in tasks),
            sample=_ints(task.sample for task in tasks),
            repeat=_ints(task.repeat for task in tasks),
            position=_ints(each.position for each in shown)[of_shown],
            label=label, status=status, identical=identical, heard=heard.there, score=score,
            criteria_order=_ints(_ORDERS[each.criteria] for each in shown)[of_shown],
            criteria=heard.criteria(label), named=heard.named, joint=_joint(rows) if joint else None,
        )  # fmt: skip

    @classmethod
    def of_planned(cls, planned: Planned, identical: Bools, heard: Heard) -> Columns:
        """The columns of planned verdicts, none of which shares its outcome with others.

        Args:
            planned: one a row.
            identical: one a row: its answers are the same.
            heard: one a row: what was said.
        """
        shown, label = planned.presentations, planned.label
        status, score = heard.counted(identical, label)
        return cls(
            names=planned.judges, kinds=KINDS, judge=planned.judge, kind=planned.kind,
            pairs=tuple(zip(shown.candidates, shown.baselines, strict=True)), pair=planned.pair,
            prompt=planned.prompt, sample=planned.sample, repeat=planned.repeat,
            position=planned.position, label=label, status=status, identical=identical,
            heard=heard.there, score=score, criteria_order=planned.criteria,
            criteria=heard.criteria(label), named=heard.named, joint=None,
        )  # fmt: skip

    def then(self, others: Columns) -> Columns:
        """These rows and others after them."""
        names, judge = _continued(self.names, others.names)
        kinds, kind = _continued(self.kinds, others.kinds)
        pairs, pair = _continued(self.pairs, others.pairs)
        again = replace(
            others, judge=judge[others.judge], kind=kind[others.kind], pair=pair[others.pair]
        )
        columns = {
            each.name: np.concatenate([getattr(self, each.name), getattr(again, each.name)])
            for each in fields(self)
            if isinstance(getattr(self, each.name), np.ndarray)
        }
        criteria = sorted({*self.criteria, *others.criteria})
        return replace(
            self, **columns, names=names, kinds=kinds, pairs=pairs, joint=None,
            criteria={c: np.concatenate([each._apart(c) for each in (self, others)]) for c in criteria},
            named={c: np.concatenate([each._named(c) for each in (self, others)]) for c in criteria},
        )  # fmt: skip

    def _apart(self, criterion: str) -> Floats:
        return self.criteria.get(criterion, np.full(len(self.score), np.nan))

    def _named(self, criterion: str) -> Bools:
        return self.named.get(criterion, np.zeros(len(self.score), np.bool_))

    def take(self, rows: Rows) -> Columns:
        """The columns of some of the rows."""
        columns = {
            each.name: getattr(self, each.name)[rows]
            for each in fields(self)
            if isinstance(getattr(self, each.name), np.ndarray)
        }
        named = {name: each[rows] for name, each in self.named.items()}
        return replace(
            self,
            **columns,
            criteria={name: each[rows] for name, each in self.criteria.items() if named[name].any()},
            named={name: each for name, each in named.items() if each.any()},
            joint=None if self.joint is None else self.joint.select(rows),
        )

    def is_of(self, kind: str) -> Bools:
        """Rows that are for something."""
        return self.kind == self.kinds.index(kind) if kind in self.kinds else self.kind < 0

    def is_by(self, judges: Collection[str]) -> Bools:
        """Rows of some judges."""
        return np.isin(self.judge, [code for code, name in enumerate(self.names) if name in judges])

    def is_at(self, prompts: Ints) -> Bools:
        """Rows of some prompts, named by their places."""
        return np.isin(self.prompt, prompts)

    @cached_property
    def missing(self) -> Bools:
        """Rows without a verdict that need one."""
        return np.asarray(self.status == StatusCode.MISSING)

    @cached_property
    def comparison(self) -> Ints:
        """A number for each prompt and sample."""
        return self.prompt * (int(self.sample.max(initial=0)) + 1) + self.sample

    def first_of_comparisons(self, rows: Rows) -> Rows:
        """Of some rows the first of each comparison, in their order."""
        _, first = np.unique(self.comparison[rows], return_index=True)
        return rows[np.sort(first)]


def chosen(*masks: Bools) -> Rows:
    """The rows that all masks hold for."""
    return np.flatnonzero(np.logical_and.reduce(masks))


def _codes(values: Iterable[T]) -> tuple[tuple[T, ...], Ints]:
    """The distinct values in the order of their appearance, and for every one its place there."""
    code: dict[T, int] = {}
    places = [code.setdefault(value, len(code)) for value in values]
    return tuple(code), np.array(places, np.int64)


def _distinct(objects: Sequence[S]) -> tuple[list[S], Ints]:
    """The distinct objects, equal ones apart, and for every one its place there."""
    place: dict[int, int] = {}
    places = [place.setdefault(id(each), len(place)) for each in objects]
    first = np.unique(np.array(places, np.int64), return_index=True)[1]
    return [objects[at] for at in first.tolist()], np.array(places, np.int64)


def _continued(names: tuple[T, ...], more: tuple[T, ...]) -> tuple[tuple[T, ...], Ints]:
    """All of both, each once, and the place there of each of the second."""
    every = tuple(dict.fromkeys((*names, *more)))
    place = {name: at for at, name in enumerate(every)}
    return every, np.array([place[name] for name in more], np.int64)


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _apart(verdicts: Sequence[VerdictLite | None]) -> dict[str, Floats]:
    """Equal scores of many verdicts are one object, and are looked at once."""
    nothing: dict[str, dict[str, float]] = {}
    said, of_row = _distinct([each.scores if each else nothing for each in verdicts])
    names = sorted({name for scores in said for name in scores})
    return {name: ahead((scores.get(name, {}) for scores in said), len(said))[of_row] for name in names}


def _named(verdicts: Sequence[VerdictLite | None], name: str, column: Floats) -> Bools:
    named = ~np.isnan(column)
    for at in np.flatnonzero(~named).tolist():
        verdict = verdicts[at]
        named[at] = verdict is not None and name in verdict.scores
    return named


def _joint(rows: Sequence[VerdictRow]) -> JointRows:
    alone = [SCORE[row.alone] if row.alone else float("nan") for row in rows]
    return JointRows(
        joint=np.array([row.joint is not None for row in rows], np.bool_),
        half=np.array([_is_half(row) for row in rows], np.bool_),
        further=np.array([row.joint is not None and not row.joint.counted for row in rows], np.bool_),
        alone=np.array(alone, np.float64),
    )


def _is_half(row: VerdictRow) -> bool:
    """Whether a number has no other presentation's to go with it."""
    return row.joint is not None and row.joint.winner is None and row.status is StatusCode.OK
