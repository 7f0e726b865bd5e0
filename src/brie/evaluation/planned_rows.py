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
from brie.evaluation.columns import STATUSES, Columns, Heard
from brie.evaluation.rows import RowsDigest, RowsInColumns, VerdictRow
from brie.judge.interface import Task
from brie.records import Measured, VerdictLite
from brie.records.written import Read, Written
from brie.store import Store


@dataclass
class PlannedRows(RowsInColumns):
    """Rows without what judges wrote, one a task."""

    tasks: Sequence[Task]
    identical: Bools
    """One a row: its answers are the same, byte by byte."""
    _written: Written = field(default_factory=Written)
    _numbers: array[int] = field(default_factory=lambda: array("q"))
    """Rows that a verdict was read for, as they came; what follows has one entry for each."""
    _outcomes: array[int] = field(default_factory=lambda: array("q"))
    _counts: array[int] = field(default_factory=lambda: array("q"))
    """How many criteria have scores."""
    _scored: array[int] = field(default_factory=lambda: array("q"))
    """Their places in `Written.scored`, one after the other."""
    _measured: dict[int, Measured] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tasks)

    @overload
    def __getitem__(self, at: int) -> VerdictRow: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[VerdictRow, ...]: ...

    def __getitem__(self, at: int | slice) -> VerdictRow | tuple[VerdictRow, ...]:
        if isinstance(at, slice):
            return tuple(self[number] for number in range(*at.indices(len(self))))
        at = range(len(self))[at]
        return VerdictRow(self.tasks[at], bool(self.identical[at]), self._verdict(at))

    def __iter__(self) -> Iterator[VerdictRow]:
        return (self[at] for at in range(len(self)))

    def read(self, store: Store, digest: RowsDigest) -> None:
        """Read the verdict of every row that has one.

        Args:
            store: where they are.
            digest: gets them in the order of their keys, each as often as a row needs it.

        Raises:
            DamagedRow: one of them cannot be read.
        """
        tasks = self.tasks
        order = sorted(range(len(tasks)), key=lambda at: tasks[at].key)
        rows = iter(order)
        row = next(rows, -1)
        for key, bodies in store.bodies(tasks[at].key for at in order):
            while tasks[row].key != key:
                row = next(rows)
            verdict, measured = self._pieces(tasks[row], bodies, store)
            while row >= 0 and tasks[row].key == key:
                digest.add(verdict.text)
                self._hear(row, verdict)
                if measured is not None:
                    self._measured[row] = measured
                row = next(rows, -1)

    def columns(self, places: Mapping[str, int]) -> Columns:
        """The rows as columns (`Columns.of`)."""
        return Columns.of_tasks(self.tasks, places, self.identical, self._heard())

    def _pieces(self, task: Task, bodies: Sequence[str], store: Store) -> tuple[Read, Measured | None]:
        judge, presentation = task.judge_digest, task.presentation_digest
        head = (
            f'{{"key":"{task.key}","judge":"{judge}","rubric":"{task.rubric_digest}",'
            f'"presentation":"{presentation}","repeat":{task.repeat},"attempt":'
        )
        begins = f'["{task.key}","{judge}","{presentation}",'
        verdict = self._written.read(head, begins, bodies[0]) if len(bodies) == 1 else None
        if verdict is not None:
            return verdict, None
        whole = store.verdict_of(task.key, bodies)
        return self._written.whole(whole), whole.measured

    def _hear(self, row: int, verdict: Read) -> None:
        self._numbers.append(row)
        self._outcomes.append(verdict.outcome)
        self._counts.append(len(verdict.scores))
        self._scored.extend(verdict.scores)

    def _heard(self) -> Heard:
        outcomes, scored = self._written.outcomes, self._written.scored
        of_row, rows = self._outcome_of_row, np.array(self._numbers)
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
            apart[name] = np.full(len(self), np.nan)
            apart[name][row[given]] = between[placed[given]]
            named[name] = np.zeros(len(self), np.bool_)
            named[name][row[given]] = True
        return Heard(np.array(statuses)[of_row], letters[of_row], of_row > 0, apart, named)

    @cached_property
    def _outcome_of_row(self) -> Ints:
        """Place of each row's outcome; 0 where no verdict is there."""
        of_row = np.zeros(len(self), np.int64)
        of_row[np.array(self._numbers)] = np.array(self._outcomes)
        return of_row

    @cached_property
    def _came(self) -> tuple[Ints, Ints]:
        """When each row's verdict came, -1 for none; and where its scores begin."""
        came = np.full(len(self), -1)
        came[np.array(self._numbers)] = np.arange(len(self._numbers))
        counts = np.array(self._counts)
        return came, np.cumsum(counts) - counts

    def _verdict(self, row: int) -> VerdictLite | None:
        came, starts = self._came
        at = int(came[row])
        if at < 0:
            return None
        task, written, start = self.tasks[row], self._written, int(starts[at])
        outcome = written.outcomes[self._outcomes[at]]
        scores = (written.scored[place] for place in self._scored[start : start + self._counts[at]])
        return VerdictLite(
            task.key, task.judge_digest, task.presentation_digest, outcome.status, outcome.letter, "",
            "", dict(scores), outcome.margin, self._measured.get(row),
        )  # fmt: skip
