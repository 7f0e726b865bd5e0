"""What an evaluation's bundle must and may hold: its rows are those that its sealed plan names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from brie.bundle import layout
from brie.bundle.layout import Closed, KeptCall, KeptCompletion, KeptLook, KeptVerdict, parse
from brie.bundle.unpack import Opened
from brie.checks import Models
from brie.errors import InputError, UsageError
from brie.evaluation.benchmarks import planned_rows
from brie.evaluation.context import Context, ImportedContext
from brie.evaluation.folders import evaluation_id
from brie.evaluation.manifest import broken_links
from brie.evaluation.training_data import Compared, Trained
from brie.evaluation.votes import cast_by, voters
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.curve import Curve

R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True)
class Keys:
    """The rows an evaluation's plan names."""

    completions: Mapping[str, tuple[str, str | None]]
    """Key -> pin and prompt."""
    verdicts: Mapping[str, Task]


def keys_of(manifest: Manifest) -> Keys:
    """Every row a plan and its additions name, votes included."""
    work = Work.of(manifest)
    completions: dict[str, tuple[str, str | None]] = {
        r.key: (r.pin, r.prompt) for r in work.requests(work.plan.order)
    }
    for key, source in work.damages(work.plan.order).items():
        completions[key] = completions[source]
    completions |= planned_rows(manifest.plan)
    verdicts = {task.key: task for task in work.tasks(work.plan.order)}
    for voter in voters(manifest):
        verdicts |= {task.key: task for task in cast_by(work, manifest, voter)}
    return Keys(completions, verdicts)


def around_of(brought: ImportedContext, trained: Trained | None) -> Context:
    """What was known where the bundle was made, as `evidence.around` gives it elsewhere."""
    parts = brought.model_dump(include={"differ", "absent", "facts"})
    compared = Compared(trained, now=False) if trained is not None else None
    return Context(
        Models(**parts, own_sampling=brought.own_sampling), compared, brought, brought.checked
    )


class Contents:
    """An evaluation's bundle, read and checked against its own plan."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.manifest = parse(Manifest, opened.document(layout.MANIFEST), layout.MANIFEST)
        self._keys = self._sealed_keys()
        self.carried = parse(ImportedContext, opened.document(layout.CARRIED), layout.CARRIED)
        self.trained = self._maybe(Trained, layout.TRAINING)
        self.analysis = self._numbers()
        self.curve = self._maybe(Curve, layout.CURVE)
        if self.analysis is not None and (self.analysis.id, self.analysis.seal) != (
            self.manifest.id,
            self.manifest.seal,
        ):
            raise InputError("the bundle's numbers are those of another evaluation.")
        self.looks = list(self._rows(KeptLook, layout.LOOKS))
        self._check_looks()
        self.voters = {
            name.rpartition("/")[2]: parse(Closed, opened.document(name), name)
            for name in opened.names
            if name.startswith(f"{layout.EVALUATION}voters/")
        }

    def completions(self) -> Iterator[KeptCompletion]:
        """The answers, each one that the plan names.

        Raises:
            InputError: one of them is not, or stands twice.
        """
        planned, last = self._keys.completions, ""
        for stored in self._rows(KeptCompletion, layout.COMPLETIONS):
            row = stored.row
            pin, prompt = planned.get(row.key, ("", None))
            numbers = [row.seconds, *row.measures.values()]
            if row.pin != pin or row.prompt != prompt or row.key <= last or not _finite(numbers):
                raise InputError(f"the bundle holds an answer that its plan does not name ({row.key}).")
            last = row.key
            yield stored

    def attempts(self) -> Iterator[KeptVerdict]:
        """The verdicts, each one that the plan names.

        Raises:
            InputError: one of them is not.
        """
        planned, last = self._keys.verdicts, ""
        for stored in self._rows(KeptVerdict, layout.VERDICTS):
            row = stored.row
            task = planned.get(row.key)
            named = task is not None and (row.judge, row.rubric, row.presentation, row.repeat) == (
                task.judge_digest, task.rubric_digest, task.presentation_digest, task.repeat,
            )  # fmt: skip
            numbers = [score for by_letter in row.scores.values() for score in by_letter.values()]
            if not named or row.key < last or not _finite(numbers):
                raise InputError(f"the bundle holds a verdict that its plan does not name ({row.key}).")
            last = row.key
            yield stored

    @property
    def booked_under(self) -> list[str]:
        """The names under which the evaluation's calls are booked."""
        return [self.manifest.id, f"{self.manifest.id}/votes"]

    def calls(self) -> Iterator[KeptCall]:
        """The calls, each one of this evaluation.

        Raises:
            InputError: one of them is not.
        """
        for row in self._rows(KeptCall, layout.CALLS):
            if row.evaluation not in self.booked_under:
                raise InputError("the bundle books calls of another evaluation.")
            yield row

    def around(self) -> Context:
        """What was known where it was made."""
        return around_of(self.carried, self.trained)

    def report(self) -> dict[str, Iterator[bytes]]:
        """The report's files, as they came, block by block."""
        start = layout.REPORT
        names = [name for name in self._opened.names if name.startswith(start)]
        return {name.removeprefix(start): self._opened.blocks(name) for name in names}

    def _sealed_keys(self) -> Keys:
        """The rows that the plan names; it must be the sealed one."""
        manifest = self.manifest
        broken = broken_links(manifest)
        if broken:
            raise InputError(f"the bundle does not hold: {'; '.join(broken)}.")
        if not manifest.id == evaluation_id(manifest.plan) == self._opened.index.id:
            raise InputError(
                f"the bundle is not the one of {manifest.id[:80]!r}: its plan says another."
            )
        try:
            return keys_of(manifest)
        except (UsageError, KeyError, ValueError, TypeError, IndexError) as error:
            raise InputError(
                f"the bundle's plan contradicts itself ({type(error).__name__})."
            ) from error

    def _check_looks(self) -> None:
        name, suite = self.manifest.id.rpartition("-")[0], self.manifest.plan.suite.digest()
        for look in self.looks:
            if look.suite != suite and look.evaluation.rpartition("-")[0] != name:
                raise InputError("the bundle counts looks at another suite.")

    def _numbers(self) -> Analysis | None:
        if layout.ANALYSIS not in self._opened.names:
            return None
        return parse(Analysis, self._opened.document(layout.ANALYSIS), layout.ANALYSIS, extra="ignore")

    def _maybe(self, record: type[R], name: str) -> R | None:
        return parse(record, self._opened.document(name), name) if name in self._opened.names else None

    def _rows(self, record: type[R], name: str) -> Iterator[R]:
        for number, line in enumerate(self._opened.lines(name), 1):
            yield parse(record, line, f"{name}, line {number}")


def _finite(numbers: list[float]) -> bool:
    return all(map(math.isfinite, numbers))
