"""Planned verdicts as columns: a million of them are named, counted and told apart at once.

planned = Work(plan).planned()
planned.keys, planned.judge, planned.prompt       one entry a verdict, in the order of work
planned[7]                                        the same as a Task, made when it is looked at
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import overload
from weakref import WeakKeyDictionary

import numpy as np

from brie.analyse.arrays import Bools, Ints
from brie.blinding import Presentation, Presentations
from brie.judge.interface import Kind, Task, Tasks, TasksOf
from brie.records import Status
from brie.store import Store

KINDS: tuple[Kind, ...] = ("main", "damaged", "a_a", "repeat")
"""What planned verdicts are for, as `Planned.kind` counts them."""


@dataclass(frozen=True, eq=False)
class Planned(Tasks):
    """Planned verdicts, one entry each, in the order of work."""

    makers: tuple[TasksOf, ...]
    """Judges, as `judge` counts them."""
    prompts: Sequence[str]
    """The plan's order of work, as `prompt` counts it."""
    presentations: Presentations
    """What is shown, as `shown` counts it."""
    kind: Ints
    """Place in `KINDS`."""
    judge: Ints
    prompt: Ints
    sample: Ints
    repeat: Ints
    """0 for the verdict that counts, else which time it is asked again."""
    shown: Ints
    keys: list[str]
    """Keys of the verdicts."""
    _whole: bool = True
    """False: some of another."""
    _lacking: WeakKeyDictionary[Store, dict[tuple[Status, ...], set[str]]] = field(
        repr=False, default_factory=WeakKeyDictionary
    )
    """Of the whole, by statuses: keys that had no such verdict when they were looked for last."""

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> Task: ...
    @overload
    def __getitem__(self, at: slice) -> Planned: ...
    def __getitem__(self, at: int | slice) -> Task | Planned:
        """One as a task, or some."""
        if isinstance(at, slice):
            return self.take(np.arange(len(self))[at])
        shown = int(self.shown[at])
        return self._task(at, shown, self.presentations.at(shown))

    def __iter__(self) -> Iterator[Task]:
        """Every one as a task; those of a prompt that are shown alike share what is shown."""
        shown: dict[int, Presentation] = {}
        reached = -1
        for at, (prompt, number) in enumerate(
            zip(self.prompt.tolist(), self.shown.tolist(), strict=True)
        ):
            if prompt != reached:
                shown, reached = {}, prompt
            if number not in shown:
                shown[number] = self.presentations.at(number)
            yield self._task(at, number, shown[number])

    def _task(self, at: int, number: int, shown: Presentation) -> Task:
        maker = self.makers[self.judge[at]]
        return Task(
            kind=KINDS[self.kind[at]],
            judge=maker.id,
            prompt=self.prompts[self.prompt[at]],
            sample=int(self.sample[at]),
            presentation=shown,
            presentation_digest=self.presentations.digests[number],
            judge_digest=maker.digest,
            rubric_digest=maker.rubric,
            key=self.keys[at],
            repeat=int(self.repeat[at]),
        )

    @property
    def judges(self) -> tuple[str, ...]:
        """Ids, as `judge` counts them."""
        return tuple(maker.id for maker in self.makers)

    @property
    def pair(self) -> Ints:
        """Which pair of answers is judged, as `presentations` counts them."""
        return self.presentations.pair[self.shown]

    @property
    def position(self) -> Ints:
        """+1 where the candidate is shown first, -1 where second."""
        return self.presentations.position[self.shown]

    @property
    def label(self) -> Ints:
        """+1 where the candidate is A, -1 where it is B."""
        return self.presentations.label[self.shown]

    @property
    def criteria(self) -> Ints:
        """In which of `CRITERIA_ORDERS` the criteria are read."""
        return self.presentations.criteria[self.shown]

    def is_of(self, kind: Kind) -> Bools:
        """Those that are for something."""
        return np.asarray(self.kind == KINDS.index(kind))

    def is_by(self, judges: Collection[str]) -> Bools:
        """Those of some judges."""
        return np.isin(self.judge, [code for code, name in enumerate(self.judges) if name in judges])

    def counts(self) -> Counter[str]:
        """How many there are of each judge."""
        counts = np.bincount(self.judge, minlength=len(self.judges)).tolist()
        return Counter({name: count for name, count in zip(self.judges, counts, strict=True) if count})

    def take(self, rows: Ints | Bools) -> Planned:
        """Some of them.

        Args:
            rows: their numbers, or whether each is one of them.
        """
        numbers = np.arange(len(self))[rows]
        if len(numbers) == len(self) and rows.dtype == np.bool_:
            return self
        keys = self.keys
        return replace(
            self, _whole=False, kind=self.kind[numbers], judge=self.judge[numbers],
            prompt=self.prompt[numbers], sample=self.sample[numbers], repeat=self.repeat[numbers],
            shown=self.shown[numbers], keys=[keys[at] for at in numbers.tolist()],
        )  # fmt: skip

    def without(self, rows: Ints) -> Planned:
        """All but some of them, named by their numbers."""
        kept = np.ones(len(self), np.bool_)
        kept[rows] = False
        return self.take(kept)

    @cached_property
    def by_key(self) -> Mapping[str, Task]:
        """Each by its key."""
        return _ByKey(self)

    def missing(self, store: Store, final: Sequence[Status]) -> Planned:
        """Those without a verdict that counts as done.

        Args:
            store: where verdicts are kept.
            final: statuses that make a verdict done.
        """
        return self.take(self.rows_missing(store, final))

    def rows_missing(self, store: Store, final: Sequence[Status]) -> Ints:
        """Numbers of those without a verdict that counts as done (see `missing`).

        Verdicts are only ever added: what was there when it was looked for before still is.
        """
        known = self._lacking.setdefault(store, {})
        before = known.get(tuple(final)) if store.reads_all else None
        lacking = store.lacking(self.keys if before is None else before, final)
        if self._whole and store.reads_all:
            known[tuple(final)] = lacking
        return np.array([at for at, key in enumerate(self.keys) if key in lacking], np.int64)

    def answers(self) -> list[str]:
        """Keys of the answers that are judged, each once."""
        shown = self.presentations
        pairs = np.unique(self.pair).tolist()
        return list(
            dict.fromkeys(
                key for pair in pairs for key in (shown.candidates[pair], shown.baselines[pair])
            )
        )

    def identical(self, texts: Mapping[str, str]) -> Bools:
        """Those of byte-identical answers: ties without a call. Answers not there yet are not identical.

        Args:
            texts: completion key -> text.
        """
        candidates, baselines = self.presentations.candidates, self.presentations.baselines
        same = [
            (text := texts.get(candidate)) is not None and text == texts.get(baseline)
            for candidate, baseline in zip(candidates, baselines, strict=True)
        ]
        return np.array(same, np.bool_)[self.pair]


class _ByKey(Mapping[str, Task]):
    """Planned verdicts by key; a task is made when it is looked at."""

    def __init__(self, planned: Planned) -> None:
        self._planned = planned

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self._planned.keys)}

    def __getitem__(self, key: str) -> Task:
        return self._planned[self._rows[key]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
