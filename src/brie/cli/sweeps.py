"""What the verbs show of a sweep: its runs as they are trained, its plan, its settings compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

import click

from brie.cli import screen
from brie.errors import UsageError
from brie.lines import command as command_line
from brie.number_format import plural

if TYPE_CHECKING:
    from brie.evaluation.budget import Spending
    from brie.evaluation.folders import Evaluation
    from brie.evaluation.request import EvalRequest
    from brie.project import Project
    from brie.records.sweeps import RecipeTable, SweepManifest, SweepTable
    from brie.train.config import TrainRequest


def train(request: TrainRequest, project: Project) -> None:
    """Train a sweep, and say what came of its settings."""
    from brie.cli.train_progress import TrainProgress
    from brie.train.sweep_files import called
    from brie.train.sweeps import losses, sweep

    with TrainProgress() as progress:
        manifest = sweep(request, project, progress)
    for setting, reached in losses(manifest, project):
        ends = f"{min(reached):.4f} to {max(reached):.4f}" if len(reached) > 1 else f"{reached[0]:.4f}"
        screen.show(f"{setting}: {plural(len(reached), 'run')}, best validation loss {ends}", hanging=4)
    screen.show("Validation loss is no win rate, and the lowest of several is partly the luckiest.")
    screen.show(f"next  {_first_evaluation(manifest, project)}", hanging=6)
    screen.show(f"then  {command_line('compare', called(manifest))}", hanging=6)


def _first_evaluation(manifest: SweepManifest, project: Project) -> str:
    """The command that evaluates every run of a sweep, on the validation rows of its first one."""
    from brie.evaluation.choice import to_start_with
    from brie.train.runs import read_run
    from brie.train.sweep_files import called

    suite = read_run(project.runs / manifest.done[manifest.plan.runs[0].identity].run).suite
    again = command_line("eval", "--candidate", f"sweep:{called(manifest)}")
    return f"{again} {to_start_with(project, suite)}"


class SweepRow(TypedDict):
    """A sweep as listed."""

    id: str
    name: str
    state: Literal["complete", "unfinished"]
    settings: list[str]
    seeds: list[int]
    runs_done: int
    """Trained, and still there."""
    runs_planned: int
    next: str


def rows(project: Project, every: Sequence[Evaluation]) -> Iterator[SweepRow]:
    """One row a sweep; those that are evaluated point to their table.

    Args:
        project: whose sweeps.
        every: its evaluations.
    """
    from brie.train.sweep_files import called, sweeps

    for manifest in sweeps(project):
        done, planned = _trained(manifest, project), len(manifest.plan.runs)
        if done < planned:
            again = command_line("train", "--resume", called(manifest))
        elif _evaluated(manifest, every):
            again = command_line("compare", called(manifest))
        else:
            again = _first_evaluation(manifest, project)
        yield {
            "id": manifest.id,
            "name": called(manifest),
            "state": "complete" if done == planned else "unfinished",
            "settings": list(manifest.plan.settings),
            "seeds": list(manifest.plan.seeds),
            "runs_done": done,
            "runs_planned": planned,
            "next": again,
        }


def row_lines(row: SweepRow) -> Iterator[str]:
    """A sweep's row for a terminal."""
    yield f"{row['id']}  {row['name']}  {row['state']}"
    runs = f"{row['runs_done']} of {plural(row['runs_planned'], 'run')} trained"
    seeds = plural(len(row["seeds"]), "seed")
    yield screen.labelled("", f"{runs}: {plural(len(row['settings']), 'setting')}, {seeds} each", 4)
    yield f"    next: {row['next']}"


def _trained(manifest: SweepManifest, project: Project) -> int:
    """How many of a sweep's runs are trained, and still there."""
    from brie.train.config import MANIFEST

    return sum((project.runs / done.run / MANIFEST).is_file() for done in manifest.done.values())


def _evaluated(manifest: SweepManifest, every: Sequence[Evaluation]) -> bool:
    """Whether all runs of a sweep are evaluated on one suite."""
    wanted = {done.best for done in manifest.done.values()}
    candidates: dict[str, set[str]] = {}
    for evaluation in every:
        if evaluation.analysis_file.is_file():
            plan = evaluation.manifest.plan
            candidates.setdefault(plan.suite.digest(), set()).add(plan.candidate.digest)
    return any(wanted <= of for of in candidates.values())


def explain(request: TrainRequest, project: Project) -> TrainRequest:
    """Say what a sweep would train; the request of its first run, which is explained in full."""
    from brie.train.progress import Silent
    from brie.train.sweeps import plan

    if request.resume is not None:
        raise UsageError("--dry-run explains a new run; leave out --resume.")
    planned = plan(request, project, Silent())
    steps = sum(run.job.config.planned_steps for run in planned)
    screen.out(screen.labelled("sweep", f"{plural(len(planned), 'run')}, {steps:,} steps in all", 12))
    seeds = list(dict.fromkeys(run.seed for run in planned))
    for setting in dict.fromkeys(run.setting for run in planned):
        run = next(run for run in planned if run.setting == setting)
        rows = f"{run.job.config.train.rows:,} rows, {run.job.config.planned_steps:,} steps"
        screen.out(screen.labelled("", f"{setting}: seeds {', '.join(map(str, seeds))}; {rows}", 12))
    screen.out(screen.labelled("", "the first run:", 12))
    return replace(planned[0].job.request, device=request.device)


def evaluate(
    wishes: EvalRequest, wanted: Spending, project: Project, refused: Sequence[str], *, as_json: bool
) -> None:
    """`brie eval --candidate sweep:NAME[/SETTING]`: every run, then what they say together.

    Raises:
        UsageError: an option that is about one evaluation is given too.
    """
    from brie.store import Store
    from brie.studies.sweep_runs import asked_of, evaluate_runs, recipe_measured, settings_compared

    if refused:
        raise UsageError(f"{refused[0]} is about one evaluation, and a sweep is several; leave it out.")
    asked = asked_of(wishes.candidate or "", project)
    made = evaluate_runs(
        asked, wishes, project, screen.Terminal(), command=screen.typed(project), spending=wanted
    )
    with Store.open(project.store, read_only=True) as store:
        if asked.setting is None:
            _show_table(settings_compared(asked, made, store), as_json=as_json)
        else:
            _show_recipe(recipe_measured(asked, made, store), as_json=as_json)


def meant(names: Sequence[str], project: Project) -> bool:
    """Whether what is to be compared is a sweep."""
    from brie.train.sweep_files import is_sweep

    return len(names) == 1 and is_sweep(names[0], project)


def compare(name: str, project: Project, *, like: str | None, plot: Path | None, as_json: bool) -> None:
    """`brie compare SWEEP`."""
    from brie.store import Store
    from brie.studies.sweep_runs import asked_of, evaluated, settings_compared

    asked = asked_of(name, project)
    made = evaluated(asked, project, like)
    with Store.open(project.store, read_only=True) as store:
        document = settings_compared(asked, made, store)
    if plot is not None:
        from brie.report.sweep_figure import write_sweep_figure

        write_sweep_figure(document, plot)
        screen.say(screen.named(plot, project))
    _show_table(document, as_json=as_json)


def _show_table(document: SweepTable, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document.written(), indent=2))
        return
    from brie.report.sweeps import table_lines

    for line in table_lines(document):
        screen.show(line, hanging=4)
    for warning in document.warnings:
        screen.show(f"careful: {warning}.", hanging=2)


def _show_recipe(document: RecipeTable, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document.written(), indent=2))
        return
    from brie.report.sweeps import recipe_lines

    for line in recipe_lines(document):
        screen.show(line, hanging=4)
    for warning in document.warnings:
        screen.show(f"careful: {warning}.", hanging=2)
