"""What judgments show that exist already: audits, comparisons, agreement."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from brie.api.documents import Agreed, Comparison
from brie.api.results import Audited, Evaluated
from brie.api.tables import Table, rows_of
from brie.audit import Wishes, read_files
from brie.audit.assess import assess
from brie.audit.vocabulary import Declared
from brie.evaluation.folders import find_evaluation
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.store import Store
from brie.studies import across, agree

Named = str | Evaluated
"""An evaluation: its name, its id, or what `brie.evaluate` gave back."""


def audit(
    files: str | Path | Sequence[str | Path] | Table,
    project: Project | None = None,
    *,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    raters: Sequence[str] = (),
    winner: Mapping[str, str] | None = None,
    claim: float | None = None,
    candidate: str | None = None,
    baseline: str | None = None,
) -> Audited:
    """What judgments of another tool show, as `brie audit` says it; shows itself.

    Args:
        files: a file, several of one format, or a table of judgments: a DataFrame, columns by name.
        project: where `.report()` writes.
        format, columns, raters, winner, claim, candidate, baseline: see `audit_files`.

    Raises:
        BrieError: see `audit_files`.
    """
    with _files(files) as paths:
        analysis = audit_files(
            paths, format=format, columns=columns, raters=raters, winner=winner, claim=claim,
            candidate=candidate, baseline=baseline,
        )  # fmt: skip
    return Audited(analysis, project or Project.find())


@contextmanager
def _files(files: str | Path | Sequence[str | Path] | Table) -> Iterator[list[Path]]:
    """The files; a table is one for as long as it is read."""
    if isinstance(files, str | Path):
        yield [Path(files)]
    elif isinstance(files, list | tuple) and all(isinstance(file, str | Path) for file in files):
        yield [Path(file) for file in files]
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "judgments.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows_of(files)), "utf-8")
            yield [path]


def audit_files(
    files: Sequence[str | Path],
    *,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    raters: Sequence[str] = (),
    winner: Mapping[str, str] | None = None,
    claim: float | None = None,
    candidate: str | None = None,
    baseline: str | None = None,
) -> Analysis:
    """brie's analysis of judgments another tool made, as `brie audit` gives it; nothing is written.

    Args:
        files: of one format; several hold several judges, or parts.
        format: a format's name, or `auto`.
        columns: for tables: brie's name of a column -> the file's.
        raters: for tables: columns of one judge each.
        winner: for tables: a word of the winner column -> first, second, tie, invalid or a model.
        claim: the win rate somebody claims, as a share.
        candidate: the model whose win rate is wanted; more than two models are ranked without one.
        baseline: the model it is compared with.

    Raises:
        BrieError: a file is missing, of another kind, or most of its rows cannot be used; a word of
            the winner column is not known; a claim does not say whose win rate it is of.
    """
    paths = [Path(file) for file in files]
    words = {word.lower(): meaning for word, meaning in (winner or {}).items()}
    wishes = Wishes(format, columns or {}, tuple(raters), Declared(words))
    return assess(
        read_files(paths, wishes=wishes), name=", ".join(path.name for path in paths), claim=claim,
        candidate=candidate, baseline=baseline,
    )  # fmt: skip


def compare(evaluations: Sequence[Named], project: Project | None = None) -> Comparison:
    """Evaluations compared prompt by prompt, as `brie compare --json` prints it (`brie.compare/1`).

    Raises:
        UsageError: fewer than two, or no prompts in common.
    """
    where = project or Project.find()
    manifests = [_manifest(evaluation, where) for evaluation in evaluations]
    with Store.open(where.store, read_only=True) as store:
        return Comparison.of(across.compare_evaluations(manifests, store))


def agreement(evaluations: Sequence[Named] | Named, project: Project | None = None) -> Agreed:
    """How the judges agree, as `brie agreement --json` prints it (`brie.agreement/1`).

    Raises:
        UsageError: there is no such evaluation, or too few judges.
    """
    where = project or Project.find()
    several = [evaluations] if isinstance(evaluations, str | Evaluated) else evaluations
    manifests = [_manifest(evaluation, where) for evaluation in several]
    with Store.open(where.store, read_only=True) as store:
        return Agreed.of(agree.agreement(manifests, store))


def _manifest(evaluation: Named, project: Project) -> Manifest:
    if isinstance(evaluation, Evaluated):
        return evaluation.evaluation.manifest
    return find_evaluation(evaluation, project).manifest
