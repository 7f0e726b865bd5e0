"""The Python API: the same calls the command line makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from brie.audit import read_files
from brie.audit.assess import assess
from brie.evaluation.assemble import assemble
from brie.evaluation.budget import Spending
from brie.evaluation.context import context_of
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.request import EvalRequest, prepare
from brie.evaluation.results import Outcome
from brie.evaluation.run import run_evaluation
from brie.progress import Screen, Silent
from brie.project import Project
from brie.records.analysis import Analysis
from brie.store import Store


def evaluate(
    wishes: EvalRequest,
    project: Project | None = None,
    *,
    screen: Screen | None = None,
    name: str | None = None,
    spending: Spending | None = None,
) -> Outcome:
    """Evaluate as `brie eval` does: sealed, blind, resumable, with its report.

    Args:
        wishes: suite, sides, judges, samples.
        project: the folder to work in; the current one by default.
        screen: where progress goes; nowhere by default.
        name: what `brie ls` calls it.
        spending: budget and consent; without them only judges that are free and local are asked.

    Raises:
        BrieError: a choice is missing or wrong, a model is not what its pin says, or work stopped.
    """
    where = project or Project.find()
    asked, decisions = prepare(wishes, where)
    shown = screen or Silent()
    for line in decisions:
        shown.say(line)
    return run_evaluation(asked, where, shown, command="brie.evaluate", name=name, spending=spending)


def analyse(evaluation: str, project: Project | None = None) -> Analysis:
    """The numbers of an evaluation as the store has them now; nothing is asked or written.

    Raises:
        BrieError: no such evaluation, or the store cannot be read.
    """
    where = project or Project.find()
    record = find_evaluation(evaluation, where)
    with Store.open(where.store, read_only=True) as store:
        return assemble(gather(record.manifest, store), store, context_of(record.manifest, where))


def audit_files(
    files: Sequence[str | Path],
    *,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    claim: float | None = None,
) -> Analysis:
    """brie's analysis of judgments another tool made, as `brie audit` gives it; nothing is written.

    Args:
        files: of one format; several hold several judges, or parts.
        format: a format's name, or `auto`.
        columns: for tables: brie's name of a column -> the file's.
        claim: the win rate somebody claims, as a share.

    Raises:
        BrieError: a file is missing, of another kind, or most of its rows cannot be used.
    """
    paths = [Path(file) for file in files]
    name = ", ".join(path.name for path in paths)
    return assess(read_files(paths, format, columns), name=name, claim=claim)
