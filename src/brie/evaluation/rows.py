"""The rows of an evaluation: one a planned verdict, with what is known of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from brie.analyse.table import StatusCode
from brie.blinding import Weighed
from brie.digest import Canonical
from brie.digest import digest as digest_of
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import SCORE, Completion, Manifest, Status, VerdictLite, Winner
from brie.records.analysis import RowCounts


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


@dataclass(frozen=True)
class EvaluationData:
    """Everything an evaluation's numbers are computed from."""

    manifest: Manifest
    work: Work
    completions: Mapping[str, Completion]
    facts: tuple[VerdictRow, ...]
    prompts: tuple[str, ...]
    """Prompts reached: all of them, unless the evaluation stopped early."""
    tasks: Mapping[str, Completion] = field(default_factory=dict)
    """Results of the plan's benchmarks, by key: one a document and model."""
    voted: Mapping[str, int] = field(default_factory=dict)
    """Voter -> votes in the store, withdrawn ones included."""
    newest: int = 0
    """Number of the store's newest verdict attempt when they were read."""
    identical_as_ties: bool = False
    """Count identical answers as documents without `Outcomes.identical` did (`VerdictTable`)."""

    def of(self, kind: str) -> list[VerdictRow]:
        """Rows of the evaluation proper (`main`) or of a control."""
        return [fact for fact in self.facts if fact.task.kind == kind]

    @cached_property
    def digest(self) -> str:
        """Digest over every completion and every verdict the numbers use."""
        texts: Canonical = [
            [key, row.text, row.finish_reason, row.tokens, row.measures]
            for key, row in sorted(self.completions.items())
        ]
        verdicts = sorted(
            [v.key, v.judge, v.presentation, v.status, v.letter, v.reason, v.reply, v.scores]
            + ([v.measured.model_dump()] if v.measured else [])
            for v in (fact.verdict for fact in self.facts)
            if v is not None
        )
        results: Canonical = [[key, row.text, row.measures] for key, row in sorted(self.tasks.items())]
        return digest_of(
            {"completions": texts, "verdicts": verdicts, **({"tasks": results} if results else {})}
        )


def row_counts(data: EvaluationData) -> RowCounts:
    """How many rows an evaluation has, by judge and voter; a withdrawn vote is a row as well."""
    verdicts = Counter(row.task.judge for row in data.facts if row.verdict and row.task.kind != "vote")
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
