"""The rows of an evaluation: one a planned verdict, with what is known of it."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

import numpy as np

from brie.analyse.table import StatusCode
from brie.blinding import Weighed
from brie.digest import PREFIX, Canonical, canonical_json
from brie.evaluation.answers import Answers
from brie.evaluation.columns import Columns, Given, Rows, chosen
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import SCORE, Completion, CompletionLite, Manifest, Status, VerdictLite, Winner
from brie.records.analysis import RowCounts
from brie.records.written import said_of
from brie.store import Store


@dataclass(frozen=True, slots=True)
class Joint:
    """What the presentations of a comparison say together, of a judge that gives numbers."""

    weighed: Weighed | None
    """None: a planned presentation has no number, so the comparison is `half`."""
    tie: float
    """A margin of at most this is a tie."""
    counted: bool
    """This row stands for the comparison where outcomes are counted."""

    @property
    def winner(self) -> Winner | None:
        """The one outcome of the comparison."""
        return self.weighed.winner(self.tie) if self.weighed else None


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One planned verdict and what is known of it."""

    task: Task
    identical: bool
    verdict: VerdictLite | None
    joint: Joint | None = None

    @property
    def status(self) -> StatusCode:
        """As the analysis codes it; byte-identical answers count one half without a call."""
        if self.identical:
            return StatusCode.OK
        return StatusCode[self.verdict.status.name] if self.verdict else StatusCode.MISSING

    @property
    def winner(self) -> Winner | None:
        """The side that won, where there is a usable verdict."""
        if self.identical:
            return "tie"
        return self.joint.winner if self.joint else self.alone

    @property
    def alone(self) -> Winner | None:
        """The side that won in this presentation by itself."""
        if self.verdict is None or self.verdict.status is not Status.OK or self.verdict.letter is None:
            return None
        return self.task.presentation.unblind(self.verdict.letter)

    @property
    def score(self) -> float:
        """1, 0.5 or 0 for the candidate; NaN where there is no usable verdict."""
        return SCORE[self.winner] if self.winner else float("nan")


class RowsInColumns(Sequence[VerdictRow]):
    """Rows that are kept as columns: one is made where it is looked at."""

    @abstractmethod
    def task(self, at: int) -> Task:
        """What a row was planned for."""

    @abstractmethod
    def in_order(self, rows: Rows) -> Rows:
        """Some of them in the order of their keys."""

    @abstractmethod
    def keys(self, rows: Rows) -> list[str]:
        """Keys of some rows' verdicts."""

    @abstractmethod
    def columns(self, places: Mapping[str, int]) -> Columns:
        """All of them as columns (`Columns.of`)."""

    @abstractmethod
    def given(self, rows: Rows) -> Given:
        """What judges gave in some of them (`Given.of`)."""


@dataclass(frozen=True)
class EvaluationData:
    """Everything an evaluation's numbers are computed from."""

    manifest: Manifest
    work: Work
    completions: Mapping[str, CompletionLite]
    facts: Sequence[VerdictRow]
    prompts: tuple[str, ...]
    """Prompts reached: all of them, unless the evaluation stopped early."""
    tasks: Mapping[str, Completion] = field(default_factory=dict)
    """Results of the plan's benchmarks, by key: one a document and model."""
    voted: Mapping[str, int] = field(default_factory=dict)
    """Voter -> votes in the store, withdrawn ones included."""
    newest: int = 0
    """Number of the store's newest verdict attempt when they were read."""
    read_digest: str = ""
    """`digest`, where it was made while rows were read and their texts were not kept."""
    source: Store | None = field(default=None, repr=False, compare=False)
    """Where the texts are, while it is open; None where the rows have them."""
    identical_as_ties: bool = False
    """Count identical answers as documents without `Outcomes.identical` did (`VerdictTable`)."""

    def of(self, kind: str) -> list[VerdictRow]:
        """Rows of the evaluation proper (`main`) or of a control."""
        return self._of_kind.get(kind, [])

    @cached_property
    def digest(self) -> str:
        """Digest over every completion and every verdict the numbers use."""
        if self.read_digest:
            return self.read_digest
        counted = RowsDigest(self.completions, self.tasks)
        verdicts = [fact.verdict for fact in self.facts if fact.verdict is not None]
        for verdict in sorted(verdicts, key=attrgetter("key")):
            counted.add(canonical_json(said_of(verdict)))
        return counted.digest()

    @cached_property
    def answers(self) -> Answers:
        """The completions as columns."""
        return Answers.of(self.completions)

    @cached_property
    def columns(self) -> Columns:
        """The rows as columns."""
        if isinstance(self.facts, RowsInColumns):
            return self.facts.columns(self.places)
        return Columns.of(self.facts, self.places)

    def task(self, at: int) -> Task:
        """What a row, named by its number, was planned for."""
        return self.facts.task(at) if isinstance(self.facts, RowsInColumns) else self.facts[at].task

    def keys(self, rows: Rows) -> list[str]:
        """Keys of the verdicts of some rows, named by their numbers."""
        if isinstance(self.facts, RowsInColumns):
            return self.facts.keys(rows)
        return [self.facts[at].task.key for at in rows.tolist()]

    def distinct_keys(self, rows: Rows) -> list[str]:
        """Keys of the verdicts of some rows, in their order, each once."""
        if isinstance(self.facts, RowsInColumns):
            return list(dict.fromkeys(self.facts.keys(self.facts.in_order(rows))))
        return sorted(set(self.keys(rows)))

    @cached_property
    def places(self) -> dict[str, int]:
        """Prompt id -> its place in the plan's order of work."""
        return {name: place for place, name in enumerate(self.manifest.plan.order)}

    @cached_property
    def _of_kind(self) -> dict[str, list[VerdictRow]]:
        kinds: dict[str, list[VerdictRow]] = {}
        for fact in self.facts:
            kinds.setdefault(fact.task.kind, []).append(fact)
        return kinds


class RowsDigest:
    """The digest over rows, as they are read: verdicts in the order of their keys."""

    def __init__(
        self, completions: Mapping[str, CompletionLite], tasks: Mapping[str, Completion]
    ) -> None:
        self._hash = hashlib.sha256(b'{"completions":[')
        self._waiting: list[str] = []
        self._separator = ""
        for key, row in sorted(completions.items()):
            self.add(canonical_json([key, row.text, row.finish_reason, row.tokens, row.measures]))
        self._write()
        results: Canonical = [[key, row.text, row.measures] for key, row in sorted(tasks.items())]
        of_tasks = f'"tasks":{canonical_json(results)},' if tasks else ""
        self._hash.update(f'],{of_tasks}"verdicts":['.encode(*_UTF))
        self._separator = ""

    def add(self, text: str) -> None:
        """The next row: of a verdict `said_of` as canonical JSON."""
        self._waiting.append(text)
        if len(self._waiting) >= _TOGETHER:
            self._write()

    def digest(self) -> str:
        """The digest, after the last verdict."""
        self._write()
        self._hash.update(b"]}")
        return PREFIX + self._hash.hexdigest()

    def _write(self) -> None:
        if self._waiting:
            self._hash.update(f"{self._separator}{','.join(self._waiting)}".encode(*_UTF))
            self._waiting, self._separator = [], ","


_UTF = ("utf-8", "surrogatepass")
_TOGETHER = 500
"""Verdicts that are written together."""


def row_counts(data: EvaluationData) -> RowCounts:
    """How many rows an evaluation has, by judge and voter; a withdrawn vote is a row as well."""
    columns = data.columns
    heard = chosen(columns.heard, ~columns.is_of("vote"))
    counts = np.bincount(columns.judge[heard], minlength=len(columns.names)).tolist()
    verdicts = {name: count for name, count in zip(columns.names, counts, strict=True) if count}
    return RowCounts(answers=len(data.completions), verdicts={**verdicts, **data.voted})


def headline_judges(manifest: Manifest) -> list[str]:
    """Judges sealed for the headline, in the panel's order; a stopped judge has left it.

    Those that give numbers count only where they can tell: `margins.counting_judges`.
    """
    stopped = stopped_judges(manifest)
    return [s.judge.id for s in manifest.plan.seats if not s.instrument and s.judge.id not in stopped]


def stopped_judges(manifest: Manifest) -> dict[str, str]:
    """Judges that were stopped and have not finished since, with what they said.

    Where every judge of the headline was stopped, none has left it: there would be nothing to show.
    """
    stopped: dict[str, str] = {}
    for link in manifest.amendments:
        if link.kind == "stopped":
            stopped[link.judge] = str(link.detail["said"])
        elif link.kind == "resumed":
            stopped.pop(link.judge, None)
    headline = {s.judge.id for s in manifest.plan.seats if not s.instrument}
    return {} if headline <= set(stopped) else stopped
