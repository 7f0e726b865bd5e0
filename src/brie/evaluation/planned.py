"""Planned verdicts as columns: a million of them are named, counted and told apart at once.

planned = Work(plan).planned()
planned.keys, planned.judge, planned.prompt       one entry a verdict, in the order of work
planned[7]                                        the same as a Task, made when it is looked at
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from brie.analyse.arrays import Bools, Ints
from brie.blinding import Presentation, Presentations
from brie.judge.interface import Kind, Task, TasksOf

KINDS: tuple[Kind, ...] = ("main", "damaged", "a_a", "repeat")
"""What planned verdicts are for, as `Planned.kind` counts them."""


@dataclass(frozen=True, eq=False)
class Planned(Sequence[Task]):
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
            self, kind=self.kind[numbers], judge=self.judge[numbers], prompt=self.prompt[numbers],
            sample=self.sample[numbers], repeat=self.repeat[numbers], shown=self.shown[numbers],
            keys=[keys[at] for at in numbers.tolist()],
        )  # fmt: skip

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
