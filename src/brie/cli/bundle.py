"""`brie bundle`: one file that carries an evaluation or a run to another machine."""

from __future__ import annotations

from pathlib import Path

import click

from brie.cli import screen
from brie.errors import UsageError, unknown
from brie.evaluation.folders import Evaluation
from brie.project import Project


@click.command(
    epilog="""\b
Examples:
  brie bundle eval-demo-1a2b3c4d
  brie bundle eval-demo-1a2b3c4d -o for-the-reviewer.zip
  brie bundle 3f9a --adapter        a run, with its best checkpoint
"""
)
@click.argument("name", metavar="RUN|EVAL")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: ID.zip")
@click.option("--adapter", is_flag=True, help="Of a run: with the best checkpoint's adapter.")
def command(name: str, output: Path | None, adapter: bool) -> None:
    """Write one file with all of an evaluation (plan, answers, verdicts, calls, numbers, report), or
    with a training run's records and pins. No key and no folder of this machine is in it.
    """
    from brie.bundle import pack_evaluation, pack_run

    screen.offline()
    project = screen.project()
    found = chosen(name, project)
    if isinstance(found, Evaluation):
        if adapter:
            raise UsageError("--adapter is for a training run; this is an evaluation.")
        made = pack_evaluation(found, project, output or Path(f"{found.manifest.id}.zip"))
    else:
        made = pack_run(found, project, output or Path(f"{found.name}.zip"), adapter=adapter)
    click.echo(f"{made}  {made.stat().st_size / 1e6:,.1f} MB")
    click.echo(
        f"Others check it with: brie verify {made.name}   and merge it with: brie unbundle {made.name}"
    )


def chosen(name: str, project: Project) -> Evaluation | Path:
    """The evaluation or the run's folder that a name means.

    Raises:
        UsageError: none, or more than one; they are listed.
    """
    from brie.evaluation.folders import evaluations, short_id
    from brie.pin import training_runs

    wanted = Path(name).name
    every, runs = evaluations(project), training_runs(project)
    found: list[Evaluation | Path] = [
        e for e in every if wanted in (e.manifest.id, e.manifest.name, short_id(e))
    ]
    found += [run.folder for run in runs if wanted in (run.id, run.short, run.name)]
    if len(found) == 1:
        return found[0]
    ids = [e.manifest.id if isinstance(e, Evaluation) else e.name for e in found]
    if ids:
        raise UsageError(f"{len(ids)} are called {name!r}; say which:\n  " + "\n  ".join(ids))
    known = [e.manifest.id for e in every] + [run.id for run in runs]
    raise unknown("evaluation or run", name, known, "brie ls shows them.")
