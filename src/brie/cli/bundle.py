"""`brie bundle`: one file that carries an evaluation or a run to another machine."""

from __future__ import annotations

from pathlib import Path

import click

from brie.cli import screen
from brie.cli import suites as several
from brie.errors import UsageError, unknown
from brie.evaluation.folders import Evaluation
from brie.lines import command as command_line
from brie.number_format import plural
from brie.number_format import size as size_of
from brie.project import Project


@click.command(
    epilog="""\b
Examples:
  brie bundle eval-demo-1a2b3c4d
  brie bundle eval-demo-1a2b3c4d -o for-the-reviewer.zip
  brie bundle 3f9a --adapter        a run, with its best checkpoint
  brie bundle @1 --traces           its comparisons, for a trace viewer
"""
)
@click.argument("name", metavar="RUN|EVAL")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: ID.zip")
@click.option("--adapter", is_flag=True, help="Of a run: with the best checkpoint's adapter.")
@click.option(
    "--traces", is_flag=True, help="Instead: a session of every comparison, blind, for trace viewers."
)
def command(name: str, output: Path | None, adapter: bool, traces: bool) -> None:
    """Write one file with all of an evaluation (plan, answers, verdicts, calls, numbers, report), or
    with a training run's records and pins. No key and no folder of this machine is in it.
    """
    from brie.bundle import pack_evaluation, pack_run
    from brie.evaluation.suites import find_suites

    screen.offline()
    project = screen.project()
    if traces:
        _traces(name, project, output, adapter=adapter)
        return
    if (suites := find_suites(name, project)) is not None:
        if adapter:
            raise UsageError("--adapter is for a training run; these are suites.")
        _told(several.bundled(suites, project, output))
        return
    subject = chosen(name, project)
    if isinstance(subject, Evaluation):
        if adapter:
            raise UsageError("--adapter is for a training run; this is an evaluation.")
        file = pack_evaluation(subject, project, output or Path(f"{subject.manifest.id}.zip"))
    else:
        file = pack_run(subject, project, output or Path(f"{subject.name}.zip"), adapter=adapter)
    _told(file)


def _traces(name: str, project: Project, output: Path | None, *, adapter: bool) -> None:
    from brie.bundle import write_traces
    from brie.evaluation.suites import find_suites

    subject = None if find_suites(name, project) is not None else chosen(name, project)
    if adapter or not isinstance(subject, Evaluation):
        raise UsageError("--traces is for one evaluation; brie ls shows them.")
    evaluation = subject.manifest.id
    file = output or Path(f"{evaluation}-traces.zip")
    count = write_traces(subject, project, file)
    size = size_of(file.stat().st_size)
    screen.show(f"{file}  {size}, {plural(count, 'session')}, one a comparison")
    screen.show("Nothing in it says which side is which. Unpacked, a data set on the Hub shows it.")
    screen.show(f"What others can check and merge: {command_line('bundle', evaluation)}")


def _told(file: Path) -> None:
    screen.show(f"{file}  {size_of(file.stat().st_size)}")
    screen.show(f"Others check it with: {command_line('verify', file.name)}")
    screen.show(f"and merge it with: {command_line('unbundle', file.name)}")


def chosen(name: str, project: Project) -> Evaluation | Path:
    """The evaluation or the run's folder that a name means.

    Raises:
        UsageError: none, or more than one; they are listed.
    """
    from brie.errors import InputError
    from brie.evaluation.folders import Unreadable, find_evaluation, names_of, scan
    from brie.evaluation.listing import REFERENCE
    from brie.pin import training_runs

    if REFERENCE.fullmatch(name):
        return find_evaluation(name, project)
    wanted = Path(name).name
    every, runs = list(scan(project)), training_runs(project)
    named = [e for e in every if wanted in names_of(e)]
    for evaluation in named:
        if isinstance(evaluation, Unreadable):
            raise InputError(evaluation.why)
    matched: list[Evaluation | Path] = [e for e in named if isinstance(e, Evaluation)]
    matched += [run.folder for run in runs if wanted in (run.id, run.short, run.name)]
    if len(matched) == 1:
        return matched[0]
    ids = [e.manifest.id if isinstance(e, Evaluation) else e.name for e in matched]
    if ids:
        raise UsageError(f"{len(ids)} are called {name!r}; say which:\n  " + "\n  ".join(ids))
    every_id = [e.folder.name for e in every] + [run.id for run in runs]
    hint = "brie ls shows them." if every_id else "Make both: brie demo"
    raise unknown("evaluation or run", name, every_id, hint)
