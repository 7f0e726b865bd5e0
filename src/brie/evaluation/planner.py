"""From a plan to the columns of its verdicts: who judges what, in which order, under which key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from brie.analyse.arrays import Ints
from brie.blinding import CELLS, Presentations, cells_of, criteria_read
from brie.evaluation.criteria import DealtOrders
from brie.evaluation.planned import KINDS, Planned
from brie.judge.interface import Kind, TasksOf
from brie.records import PanelJudge, Plan
from brie.records.base import CRITERIA_ORDERS

_Table = npt.NDArray[np.int64]
"""One row a column of `_COLUMNS`, one column a verdict."""
_COLUMNS = ("place", "kind", "judge", "sample", "repeat", "pair", "cell", "criteria")
_PLACE, _KIND, _JUDGE, _SAMPLE, _REPEAT, _PAIR, _CELL, _CRITERIA = range(len(_COLUMNS))


@dataclass(frozen=True)
class Shown:
    """What is shown of some prompts."""

    prompts: Sequence[str]
    """Their ids."""
    read: Sequence[str]
    """Digest of what judges read, one a prompt."""
    candidates: Sequence[str]
    """Keys of the plan's samples, prompt by prompt."""
    baselines: Sequence[str]
    controls: Mapping[str, Sequence[tuple[Kind, str, str]]]
    """Prompt id -> what each of its controls is for, with the keys of its answers; each has as many."""

    @property
    def controlled(self) -> list[int]:
        """Places of the prompts that have controls."""
        return [place for place, name in enumerate(self.prompts) if name in self.controls]


@dataclass(frozen=True)
class Planner:
    """Lays out the verdicts of a plan."""

    plan: Plan
    judges: tuple[PanelJudge, ...]
    """Those sealed, then those added."""
    codes: Mapping[str, Mapping[str, str]]
    """Judge id -> prompt id -> one digit a sample."""
    criteria: DealtOrders
    repeats: Mapping[str, int]
    """Judge id -> how often it is asked again."""

    def lay_out(self, shown: Shown) -> Planned:
        """The verdicts of some prompts, all of a prompt before those of the next: judge by judge and
        sample by sample, then its controls, then what is asked again.
        """
        main = self._main(shown.prompts)
        table = _in_turn([main, self._controls(main, shown), self._repeated(main)])
        presentations, numbers = self._presentations(table, shown)
        return Planned(
            makers=self._makers,
            prompts=self.plan.order,
            presentations=presentations,
            kind=table[_KIND],
            judge=table[_JUDGE],
            prompt=np.array([self._places[name] for name in shown.prompts], np.int64)[table[_PLACE]],
            sample=table[_SAMPLE],
            repeat=table[_REPEAT],
            shown=numbers,
            keys=self._keys(table, presentations.digests[numbers]),
        )

    @cached_property
    def _makers(self) -> tuple[TasksOf, ...]:
        return tuple(TasksOf.judge(panel_judge) for panel_judge in self.judges)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.plan.order)}

    @property
    def _width(self) -> int:
        """Presentations of a comparison."""
        return 2 if self.plan.positions == "both" else 1

    def _main(self, prompts: Sequence[str]) -> _Table:
        shape = (len(prompts), len(self.judges), self.plan.samples, self._width)
        place, judge, sample, _ = np.ogrid[tuple(slice(length) for length in shape)]
        cell, criteria = np.empty(shape, np.int64), np.zeros(shape, np.int64)
        for number, maker in enumerate(self._makers):
            cell[:, number] = cells_of(
                self._digits(self.codes[maker.id], prompts), self.plan.positions
            ).reshape(cell[:, number].shape)
            if maker.id in self.criteria.dealt:
                orders, dealt = self.criteria.dealt[maker.id]
                criteria[:, number] = criteria_read(self._digits(dealt, prompts), orders).reshape(
                    cell[:, number].shape
                )
        kind, pair = KINDS.index("main"), place * self.plan.samples + sample
        return _table(shape, place, kind, judge, sample, 0, pair, cell, criteria)

    def _digits(self, codes: Mapping[str, str], prompts: Sequence[str]) -> list[str]:
        samples = self.plan.samples
        return [codes[name][:samples] for name in prompts]

    def _controls(self, main: _Table, shown: Shown) -> _Table:
        """Shown as the first sample of their prompt is."""
        places = shown.controlled
        if not places:
            return main[:, :0]
        kinds = [KINDS.index(kind) for kind, _, _ in shown.controls[shown.prompts[places[0]]]]
        shape = (len(places), len(self.judges), len(kinds), self._width)
        number, judge, which, _ = np.ogrid[tuple(slice(length) for length in shape)]
        whole = (len(shown.prompts), len(self.judges), self.plan.samples, self._width)
        cell, criteria = (main[column].reshape(whole)[places, :, :1] for column in (_CELL, _CRITERIA))
        pair = len(shown.candidates) + number * len(kinds) + which
        return _table(
            shape, np.array(places)[number], np.array(kinds)[which], judge, 0, 0, pair, cell, criteria
        )

    def _repeated(self, main: _Table) -> _Table:
        """The same presentations again, for judges whose consistency is measured."""
        times = np.array([self.repeats.get(maker.id, 0) for maker in self._makers])[main[_JUDGE]]
        again = np.repeat(main, times, axis=1)
        again[_KIND] = KINDS.index("repeat")
        again[_REPEAT] = 1 + np.arange(again.shape[1]) - np.repeat(np.cumsum(times) - times, times)
        return again

    def _presentations(self, table: _Table, shown: Shown) -> tuple[Presentations, Ints]:
        """The different presentations, and for every verdict which it is."""
        samples, controls = self.plan.samples, [shown.prompts[place] for place in shown.controlled]
        read = [digest for digest in shown.read for _ in range(samples)]
        candidates, baselines = list(shown.candidates), list(shown.baselines)
        for place, name in zip(shown.controlled, controls, strict=True):
            for _, candidate, baseline in shown.controls[name]:
                read.append(shown.read[place])
                candidates.append(candidate)
                baselines.append(baseline)
        orders = len(CRITERIA_ORDERS)
        code = (table[_PAIR] * len(CELLS) + table[_CELL]) * orders + table[_CRITERIA]
        used = np.zeros(len(read) * len(CELLS) * orders, np.bool_)
        used[code] = True
        different = np.flatnonzero(used)
        presentations = Presentations(
            prompts=read, candidates=candidates, baselines=baselines,
            pair=different // (len(CELLS) * orders), cell=different // orders % len(CELLS),
            criteria=different % orders,
        )  # fmt: skip
        return presentations, (np.cumsum(used) - 1)[code]

    def _keys(self, table: _Table, digests: npt.NDArray[np.object_]) -> list[str]:
        keys = np.empty(table.shape[1], np.object_)
        for number, maker in enumerate(self._makers):
            for repeat in range(self.repeats.get(maker.id, 0) + 1):
                rows = np.flatnonzero((table[_JUDGE] == number) & (table[_REPEAT] == repeat))
                keys[rows] = np.array(maker.keys(digests[rows].tolist(), repeat), np.object_)
        named: list[str] = keys.tolist()
        return named


def _table(shape: tuple[int, ...], *columns: Ints | int) -> _Table:
    """Columns of a grid as a table, one a name of `_COLUMNS`."""
    table = np.empty((len(_COLUMNS), *shape), np.int64)
    for number, column in enumerate(columns):
        table[number] = column
    return table.reshape(len(_COLUMNS), -1)


def _in_turn(blocks: Sequence[_Table]) -> _Table:
    """Blocks as one table, prompt by prompt, each prompt's in the order of the blocks."""
    first, *others = blocks
    if not any(block.shape[1] for block in others):
        return first
    table = np.concatenate(blocks, axis=1)
    return table[:, np.argsort(table[_PLACE], kind="stable")]
