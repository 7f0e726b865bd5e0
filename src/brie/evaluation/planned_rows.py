"""The rows of a plan of a million verdicts: what was said is kept in columns, and a row is made of what
is looked at."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np

from brie.analyse.arrays import Bools, Ints
from brie.analyse.table import StatusCode
from brie.blinding import ahead, said_as_number
from brie.digest import canonical_json
from brie.evaluation.columns import STATUSES, Columns, Given, Heard, Rows
from brie.evaluation.planned import Planned
from brie.evaluation.rows import RowsDigest, RowsInColumns, VerdictRow
from brie.judge.interface import Task
from brie.records import Measured, VerdictLite
from brie.records.written import Read, Written, said_of
from brie.store import Store


@dataclass
class PlannedRows(RowsInColumns):
    """Rows without what judges wrote: one a planned verdict, then the votes of people."""

    planned: Planned
    identical: Bools
    """One a planned verdict: its answers are the same, byte by byte."""
    votes: Sequence[VerdictRow] = ()
    _written: Written = field(default_factory=Written)
    _numbers: array[int] = field(default_factory=lambda: array("q"))
    """Rows that a verdict was read for, as they came; what follows has one entry for each."""
    _outcomes: array[int] = field(default_factory=lambda: array("q"))
    _counts: array[int] = field(default_factory=lambda: array("q"))
    """How many criteria have scores."""
    _scored: array[int] = field(default_factory=lambda: array("q"))
    """Their places in `Written.scored`, one after the other."""
    _by_key: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """All rows in the order of their keys."""
    _measured: dict[str, Measured] = field(default_factory=dict)
    """By the verdict's key."""

    def __len__(self) -> int:
        return len(self.planned) + len(self.votes)

    @overload
    def __getitem__(self, at: int) -> VerdictRow: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[VerdictRow, ...]: ...

    def __getitem__(self, at: int | slice) -> VerdictRow | tuple[VerdictRow, ...]:
        if isinstance(at, slice):
            return tuple(self[number] for number in range(*at.indices(len(self))))
        at = range(len(self))[at]
        if at >= len(self.planned):
            return self.votes[at - len(self.planned)]
        return self._row(at, self.planned[at])

    def __iter__(self) -> Iterator[VerdictRow]:
        yield from (self._row(at, task) for at, task in enumerate(self.planned))
        yield from self.votes

    def task(self, at: int) -> Task:
        """What a row was planned for."""
        count = len(self.planned)
        return self.planned[at] if at < count else self.votes[at - count].task

    def in_order(self, rows: Rows) -> Rows:
        """Some rows in the order of their keys, after they were read."""
        wanted = np.zeros(len(self), np.bool_)
        wanted[rows] = True
        return self._by_key[wanted[self._by_key]]

    def keys(self, rows: Rows) -> list[str]:
        """Keys of some rows' verdicts."""
        keys = self.planned.keys
        if len(rows) and int(rows.max()) >= len(keys):
            keys = [*keys, *(vote.task.key for vote in self.votes)]
        return [keys[at] for at in rows.tolist()]

    def read(self, store: Store, digest: RowsDigest) -> None:
        """Read the verdict of every row that has one.

        Args:
            store: where they are.
            digest: gets them in the order of their keys, each as often as a row needs it.

        Raises:
            DamagedRow: one of them cannot be read.
        """
        planned = self.planned.keys
        votes = {
            row: canonical_json(said_of(vote.verdict))
            for row, vote in enumerate(self.votes, len(planned)) if vote.verdict
        }  # fmt: skip
        keys = [*planned, *(vote.task.key for vote in self.votes)]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._by_key = np.array(order, np.int64)
        stored = store.bodies(keys[row] for row in order if row < len(planned))
        key, bodies = next(stored, _LAST)
        verdict, read = None, ""
        for row in order:
            wanted = keys[row]
            if row in votes:
                digest.add(votes[row])
                continue
            if wanted == key:
                verdict, read = self._pieces(row, key, bodies, store), key
                key, bodies = next(stored, _LAST)
            if wanted == read and verdict is not None:
                digest.add(verdict.text)
                self._hear(row, verdict)

    def columns(self, places: Mapping[str, int]) -> Columns:
        """The rows as columns (`Columns.of`)."""
        planned = Columns.of_planned(self.planned, self.identical, self._heard())
        return planned.then(Columns.of(self.votes, places)) if self.votes else planned

    def given(self, rows: Rows) -> Given:
        """What judges gave in some of the rows (`Given.of`)."""
        written, (starts, counts) = self._written, (each[self._came[rows]] for each in self._spans)
        row = np.repeat(np.arange(len(rows)), counts)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = self._places[starts[row] + nth]
        known, of_place = np.unique(places, return_inverse=True)
        scored = [written.scored[place] for place in known.tolist()]
        scores = {}
        for name in sorted({each.criterion for each in scored}):
            mine = np.array([each.criterion == name for each in scored])[of_place]
            of_row = np.zeros(len(rows), np.int64)
            of_row[row[mine]] = of_place[mine] + 1
            scores[name] = ([{}, *(each.by_letter for each in scored)], of_row)
        outcomes = self._outcome_of_row[rows].tolist()
        margins = [written.outcomes[outcome].margin for outcome in outcomes]
        for place in np.flatnonzero(rows >= len(self.planned)).tolist():
            vote = self[int(rows[place])].verdict
            margins[place] = vote.margin if vote else None
        return Given(margins, scores)

    def _pieces(self, row: int, key: str, bodies: Sequence[str], store: Store) -> Read:
        if len(bodies) == 1:
            shown, (judge, said_by) = self._digest[row], self._said_by[self._judge[row]]
            head = f'{{"key":"{key}{judge}{shown}{self._repeated[row]}'
            verdict = self._written.read(head, f'["{key}{said_by}{shown}",', bodies[0])
            if verdict is not None:
                return verdict
        whole = store.verdict_of(key, bodies)
        if whole.measured is not None:
            self._measured[key] = whole.measured
        return self._written.whole(whole)

    def _hear(self, row: int, verdict: Read) -> None:
        self._numbers.append(row)
        self._outcomes.append(verdict.outcome)
        self._counts.append(len(verdict.scores))
        self._scored.extend(verdict.scores)

    def _heard(self) -> Heard:
        outcomes, scored = self._written.outcomes, self._written.scored
        count = len(self.planned)
        of_row, rows = self._outcome_of_row[:count], np.array(self._numbers)
        statuses = [int(StatusCode.MISSING), *(STATUSES[each.status] for each in outcomes[1:])]
        letters = said_as_number([each.letter for each in outcomes], len(outcomes))
        placed, row = np.array(self._scored), np.repeat(rows, np.array(self._counts))
        names = sorted({scored[at].criterion for at in np.unique(placed).tolist()})
        number_of = {name: number for number, name in enumerate(names)}
        criterion = np.array([number_of.get(each.criterion, -1) for each in scored])
        between = ahead((each.by_letter for each in scored), len(scored))
        apart, named = {}, {}
        for name, number in number_of.items():
            given = criterion[placed] == number
            apart[name] = np.full(count, np.nan)
            apart[name][row[given]] = between[placed[given]]
            named[name] = np.zeros(count, np.bool_)
            named[name][row[given]] = True
        return Heard(np.array(statuses)[of_row], letters[of_row], of_row > 0, apart, named)

    @cached_property
    def _judge(self) -> list[int]:
        return list(self.planned.judge.tolist())

    @cached_property
    def _said_by(self) -> list[tuple[str, str]]:
        """What stands between a verdict's key and its presentation, by judge: stored, and in the
        digest."""
        return [
            (f'","judge":"{maker.digest}","rubric":"{maker.rubric}","presentation":"',
             f'","{maker.digest}","')
            for maker in self.planned.makers
        ]  # fmt: skip

    @cached_property
    def _repeated(self) -> list[str]:
        """What stands after the presentation of each planned row."""
        numbers = self.planned.repeat
        texts = {number: f'","repeat":{number},"attempt":' for number in np.unique(numbers).tolist()}
        return [texts[number] for number in numbers.tolist()]

    @cached_property
    def _digest(self) -> list[str]:
        """Digest of what is shown in each planned row."""
        return list(self.planned.presentations.digests[self.planned.shown].tolist())

    @cached_property
    def _outcome_of_row(self) -> Ints:
        """Place of each row's outcome; 0 where no verdict is there."""
        of_row = np.zeros(len(self), np.int64)
        of_row[np.array(self._numbers)] = np.array(self._outcomes)
        return of_row

    @cached_property
    def _came(self) -> Ints:
        """When each row's verdict came, -1 for none."""
        came = np.full(len(self), -1)
        came[np.array(self._numbers)] = np.arange(len(self._numbers))
        return came

    @cached_property
    def _places(self) -> Ints:
        """Where every score that was given is kept, as they came."""
        return np.array(self._scored)

    @cached_property
    def _spans(self) -> tuple[Ints, Ints]:
        """Where the scores of each verdict that came begin, and how many there are; none of the last."""
        counts = np.array([*self._counts, 0])
        return np.cumsum(counts) - counts, counts

    def _row(self, row: int, task: Task) -> VerdictRow:
        came = int(self._came[row])
        verdict = None if came < 0 else self._verdict(task, came)
        return VerdictRow(task, bool(self.identical[row]), verdict)

    def _verdict(self, task: Task, came: int) -> VerdictLite:
        written, start = self._written, int(self._spans[0][came])
        outcome = written.outcomes[self._outcomes[came]]
        scores = (written.scored[at] for at in self._scored[start : start + self._counts[came]])
        return VerdictLite(
            task.key, task.judge_digest, task.presentation_digest, outcome.status, outcome.letter, "",
            "", dict(scores), outcome.margin, self._measured.get(task.key),
        )  # fmt: skip


_LAST: tuple[str, list[str]] = ("", [])
"""Behind the last stored verdict."""
