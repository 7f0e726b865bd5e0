"""The one input of every analysis: verdicts as NumPy columns.

One row a planned verdict, usable or not. Codes are small integers into tuples of names, so that
a million verdicts take some tens of megabytes and every step is a handful of `bincount`s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from brie.analyse.arrays import Bools, Floats, Ints
from brie.analyse.joint import JointRows
from brie.records.analysis import Outcomes


class StatusCode(IntEnum):
    """`brie.records.Status` as stored in a column, and `MISSING` for verdicts not asked for yet."""

    OK = 0
    INVALID = 1
    REFUSED = 2
    ERROR = 3
    MISSING = 4


@dataclass(frozen=True)
class PromptLengths:
    """How long what was asked is, and what was answered; one entry a prompt."""

    prompt: Floats
    """Characters of all its turns."""
    answer: Floats
    """Mean over the baseline's answers."""
    unit: Literal["characters", "tokens"]
    """Of answers."""

    def ordered(self, order: Ints) -> PromptLengths:
        """The same with the prompts in another order."""
        return PromptLengths(self.prompt[order], self.answer[order], self.unit)


@dataclass(frozen=True)
class VerdictTable:
    """Verdicts of one evaluation. Build it with `VerdictTable.build`.

    Columns have one entry a row. A row whose status is not OK has score NaN. Rows with
    `repeat` > 0 measure a judge's consistency and never enter a rate.
    """

    prompt: Ints
    judge: Ints
    sample: Ints
    score: Floats
    """Score for the candidate in [0, 1]: win 1, tie 0.5, loss 0."""
    position: Ints
    """+1 the candidate was shown first, -1 second, 0 not known."""
    label: Ints
    """+1 the candidate was A, -1 it was B, 0 not known."""
    status: Ints
    repeat: Ints
    identical: Bools
    """Rows of comparisons of byte-identical answers: no judge was asked, score 0.5."""
    category: Ints
    """One entry a prompt."""
    source: Ints
    """One entry a prompt."""
    prompts: tuple[str, ...]
    judges: tuple[str, ...]
    categories: tuple[str, ...]
    sources: tuple[str, ...]
    both_orders: bool
    """The plan asks for each comparison in both orders; one order alone is then no result."""
    length_difference: Floats | None = None
    """Candidate minus baseline, tokens or characters."""
    features: Mapping[str, Floats] = field(default_factory=dict)
    """Candidate minus baseline: lists, headings, questions, …"""
    criteria: Mapping[str, Floats] = field(default_factory=dict)
    """The judge's own criterion scores, candidate minus baseline; NaN where it gave none."""
    criteria_order: Ints | None = None
    """Place in `CRITERIA_ORDERS` of the order in which the criteria were read; None: always the own."""
    identical_as_ties: bool = False
    """Identical answers count as judges' ties, as in documents without `Outcomes.identical`."""
    joint: JointRows | None = None
    """None: no judge here gives one outcome a comparison."""
    lengths: PromptLengths | None = None
    """None where they are not known."""

    def __post_init__(self) -> None:
        rows = len(self.score)
        columns = {name: getattr(self, name) for name in _ROW_CODES}
        columns |= {"identical": self.identical, **self.features, **self.criteria}
        if self.length_difference is not None:
            columns["length_difference"] = self.length_difference
        if self.criteria_order is not None:
            columns["criteria_order"] = self.criteria_order
        short = [name for name, column in columns.items() if len(column) != rows]
        if short:
            raise ValueError(f"columns {short} do not have one entry for each of the {rows} rows")
        if len(self.category) != len(self.prompts) or len(self.source) != len(self.prompts):
            raise ValueError("category and source need one entry for each prompt")
        _check_codes("prompt", self.prompt, len(self.prompts))
        _check_codes("judge", self.judge, len(self.judges))
        _check_codes("category", self.category, len(self.categories))
        _check_codes("source", self.source, len(self.sources))

    @classmethod
    def build(
        cls,
        *,
        prompts: Sequence[str],
        judges: Sequence[str],
        prompt: npt.ArrayLike,
        judge: npt.ArrayLike,
        score: npt.ArrayLike,
        both_orders: bool,
        category: Sequence[str] | None = None,
        source: Sequence[str] | None = None,
        sample: npt.ArrayLike = 0,
        position: npt.ArrayLike = 0,
        label: npt.ArrayLike = 0,
        status: npt.ArrayLike | None = None,
        repeat: npt.ArrayLike = 0,
        identical: npt.ArrayLike = False,
        length_difference: npt.ArrayLike | None = None,
        features: Mapping[str, npt.ArrayLike] | None = None,
        criteria: Mapping[str, npt.ArrayLike] | None = None,
        criteria_order: npt.ArrayLike | None = None,
        identical_as_ties: bool = False,
        joint: JointRows | None = None,
        lengths: PromptLengths | None = None,
    ) -> VerdictTable:
        """A table from plain sequences.

        Args:
            prompts: ids, in any order; `category` and `source` name one each for every prompt.
            judges: ids of the panel, in any order.
            prompt: for every row, index into `prompts`; `judge` likewise.
            score: for every row; NaN means unusable, and the status becomes INVALID if none is given.

        A score outside [0, 1] is a judge's mistake, not a verdict: the row becomes INVALID.

        Raises:
            ValueError: columns of different lengths, codes out of range, or a name given twice.
        """
        if len(set(prompts)) != len(prompts) or len(set(judges)) != len(judges):
            raise ValueError("a prompt or judge is named twice")
        scores = np.array(score, dtype=np.float64).reshape(-1)
        statuses = np.zeros(len(scores), np.int64) if status is None else _column(status, len(scores))
        in_range = (scores >= 0) & (scores <= 1)
        statuses = np.where((statuses == StatusCode.OK) & ~in_range, StatusCode.INVALID, statuses)
        scores[statuses != StatusCode.OK] = np.nan
        category_code, categories = _codes(category or ["all"] * len(prompts))
        source_code, sources = _codes(source or ["unknown"] * len(prompts))
        rows = len(scores)
        return cls(
            prompt=_column(prompt, rows), judge=_column(judge, rows), sample=_column(sample, rows),
            score=scores, position=_column(position, rows), label=_column(label, rows),
            status=statuses, repeat=_column(repeat, rows),
            identical=np.broadcast_to(np.asarray(identical, np.bool_), rows).copy(),
            category=category_code, source=source_code,
            prompts=tuple(prompts), judges=tuple(judges), categories=categories, sources=sources,
            both_orders=both_orders,
            length_difference=None if length_difference is None else _floats(length_difference, rows),
            features={name: _floats(values, rows) for name, values in (features or {}).items()},
            criteria={name: _floats(values, rows) for name, values in (criteria or {}).items()},
            criteria_order=None if criteria_order is None else _column(criteria_order, rows),
            identical_as_ties=identical_as_ties,
            joint=joint, lengths=lengths,
        )  # fmt: skip

    @cached_property
    def usable(self) -> Bools:
        """Rows that count: status OK, not a repeat, and not half of an outcome."""
        return np.asarray(self.told & (self.repeat == 0))

    @cached_property
    def told(self) -> Bools:
        """Rows with a verdict that is not half of an outcome, repeats among them."""
        told = np.asarray(self.status == StatusCode.OK)
        return told if self.joint is None else told & ~self.joint.half

    @cached_property
    def counted_once(self) -> Bools:
        """Judged rows, of which a comparison that has one outcome has one."""
        return self.judged if self.joint is None else self.judged & ~self.joint.further

    def as_shown(self) -> VerdictTable:
        """The table with what each presentation says alone: for what order and letter do."""
        if self.joint is None:
            return self
        score = np.where(self.joint.joint, self.joint.alone, self.score)
        return replace(self, score=score, joint=None)

    @cached_property
    def judged(self) -> Bools:
        """Rows that say what a judge thinks: usable, and the two answers differ."""
        return self.usable if self.identical_as_ties else self.usable & ~self.identical

    def select(self, rows: npt.NDArray[Any]) -> VerdictTable:
        """The same table with some of its rows (a mask or indices); names and codes stay."""
        columns = {name: getattr(self, name)[rows] for name in (*_ROW_CODES, "score", "identical")}
        length = None if self.length_difference is None else self.length_difference[rows]
        read = None if self.criteria_order is None else self.criteria_order[rows]
        return replace(
            self,
            **columns,
            length_difference=length,
            joint=None if self.joint is None else self.joint.select(rows),
            criteria_order=read,
            features={name: values[rows] for name, values in self.features.items()},
            criteria={name: values[rows] for name, values in self.criteria.items()},
        )

    def with_prompts(self, names: Sequence[str]) -> VerdictTable:
        """The same table with its prompts under other names, in the same order."""
        return replace(self, prompts=tuple(names))

    def with_judges(self, names: Sequence[str], code: Ints) -> VerdictTable:
        """The same rows with other judges' codes: `code` has one entry a judge of this table."""
        return replace(self, judges=tuple(names), judge=code[self.judge])

    def canonical(self) -> VerdictTable:
        """The same verdicts with prompts and judges in the order of their names.

        Random draws go by position; after this, how a caller happened to list prompts or judges
        changes nothing.
        """
        prompt_order, prompt_rank = _by_name(self.prompts)
        judge_order, judge_rank = _by_name(self.judges)
        return replace(
            self,
            prompt=prompt_rank[self.prompt],
            judge=judge_rank[self.judge],
            category=self.category[prompt_order],
            source=self.source[prompt_order],
            prompts=tuple(self.prompts[i] for i in prompt_order),
            judges=tuple(self.judges[i] for i in judge_order),
            lengths=self.lengths.ordered(prompt_order) if self.lengths else None,
        )

    def outcomes(self, rows: Bools | None = None) -> Outcomes:
        """Verdicts on different answers by their score; a soft score counts on the side it leans to."""
        used = self.counted_once if rows is None else self.counted_once & rows
        scores = self.score[used]
        win, loss = int((scores > 0.5).sum()), int((scores < 0.5).sum())
        counted = Outcomes(win=win, tie=len(scores) - win - loss, loss=loss)
        if self.identical_as_ties:
            return counted
        same = self.usable & self.identical
        same = same if rows is None else same & rows
        return counted.model_copy(update={"identical": int(same.sum())})

    def contradictions(self, rows: Bools) -> tuple[int, int]:
        """Verdicts whose winner has the lower mean score of its judge, and verdicts that could be such.

        Args:
            rows: which rows to count among; only first verdicts that name a winner are.
        """
        if not self.criteria:
            return 0, 0
        told = rows & (self.repeat == 0) & (self.status == StatusCode.OK) & ~self.identical
        told &= (self.score == 0.0) | (self.score == 1.0)
        differences = np.array([column[told] for column in self.criteria.values()])
        given = ~np.isnan(differences)
        total = np.where(given, differences, 0.0).sum(axis=0)
        towards = np.where(self.score[told] == 1.0, 1.0, -1.0)
        return int(np.sum(total * towards < 0)), int(given.any(axis=0).sum())

    def status_counts(self, rows: Bools | None = None) -> dict[str, int]:
        """How many planned verdicts there are of each status; repeats left out."""
        planned = self.repeat == 0 if rows is None else (self.repeat == 0) & rows
        counts = np.bincount(self.status[planned], minlength=len(StatusCode))
        return {code.name.lower(): int(counts[code]) for code in StatusCode}


_ROW_CODES = ("prompt", "judge", "sample", "position", "label", "status", "repeat")


def _column(values: npt.ArrayLike, rows: int) -> Ints:
    array = np.asarray(values, dtype=np.int64)
    return np.full(rows, array) if array.ndim == 0 else array


def _floats(values: npt.ArrayLike, rows: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return np.full(rows, array) if array.ndim == 0 else array


def _codes(names: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    known = tuple(sorted(set(names)))
    code = {name: index for index, name in enumerate(known)}
    return np.array([code[name] for name in names], dtype=np.int64), known


def _by_name(names: tuple[str, ...]) -> tuple[Ints, Ints]:
    order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return order, rank


def _check_codes(name: str, codes: Ints, size: int) -> None:
    if codes.size and (codes.min() < 0 or codes.max() >= size):
        raise ValueError(f"a {name} code lies outside 0..{size - 1}")
