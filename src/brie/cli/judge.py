"""`brie judge`: judge the answers of an evaluation that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.errors import Stopped, UsageError
from brie.number_format import plural

if TYPE_CHECKING:
    from brie.evaluation.folders import Evaluation
    from brie.project import Project


@click.command(
    epilog="""\b
Examples:
  brie judge in_domain-3f9a                       ask for what is missing
  brie judge in_domain-3f9a --judge claude-opus   one more judge, beside the headline
  brie judge in_domain-3f9a --judge gpt-sol --repeat 2
  brie judge in_domain-3f9a --retry               ask again for invalid and refused verdicts
  brie judge in_domain-3f9a --votes votes.csv     votes of people: voter,prompt,sample,winner
  brie judge in_domain-3f9a --people 80           let people vote on 80 prompts drawn at random
"""
)
@click.argument("evaluation", required=False)
@click.option("--judge", "judges", metavar="ID", multiple=True, help="A judge to add; may be repeated.")
@click.option(
    "--repeat", "repeats", type=click.IntRange(1), default=None, metavar="N",
    help="Ask again N times, to measure how consistent the judges are.",
)  # fmt: skip
@click.option("--retry", is_flag=True, help="Ask again for invalid and refused verdicts.")
@click.option(
    "--votes", type=click.Path(path_type=Path), metavar="FILE",
    help="Add votes of people from a CSV file, and ask no judge.",
)  # fmt: skip
@click.option(
    "--people", type=click.IntRange(2), metavar="N",
    help="Draw N prompts for people to vote on: from 50 on their word decides.",
)  # fmt: skip
@options.BATCH
@options.PATIENCE
@options.PROBE
@options.BUDGET
@options.YES
@options.FULL
@options.ANALYSIS_JSON
def command(
    evaluation: str | None,
    judges: tuple[str, ...],
    repeats: int | None,
    retry: bool,
    votes: Path | None,
    people: int | None,
    batch: bool,
    budget: float | None,
    yes: bool,
    patience: float,
    probe: bool,
    full: bool,
    as_json: bool,
) -> None:
    """Judge the answers of EVALUATION that are there already: what is missing, or what is added.

    Judges and repeats added here are recorded in the evaluation's chain and shown as added; the
    headline stays what was sealed. Batches submitted earlier are collected.
    """
    from dataclasses import replace

    from brie.evaluation.extend import More, judge_more
    from brie.evaluation.folders import find_evaluation

    project = screen.project()
    if people is not None:
        if judges or repeats or retry or batch or votes is not None:
            raise UsageError("--people draws prompts and asks nobody; leave the other options out.")
        _ask_people(find_evaluation(evaluation, project, command=screen.typed(project)), people, project)
        return
    if votes is not None:
        if judges or repeats or retry or batch:
            raise UsageError("--votes adds a file's votes and asks nobody; leave the other options out.")
        _import(
            votes,
            find_evaluation(evaluation, project, command=screen.typed(project)),
            project,
            as_json=as_json,
        )
        return
    outcome = judge_more(
        find_evaluation(evaluation, project, command=screen.typed(project)),
        More(judges, repeats or 0),
        project,
        screen.Terminal(),
        command=screen.typed(project),
        spending=replace(
            screen.spending(budget, yes=yes, batch=batch, retry=retry, patience=patience, probe=probe),
            without_keys="Judges that need no key can be added: --judge longer",
        ),
    )
    screen.outcome(outcome, as_json=as_json, full=full)
    if outcome.stopped:
        raise Stopped(outcome.stopped)


def _ask_people(evaluation: Evaluation, prompts: int, project: Project) -> None:
    from brie.analyse.anchored import FEWEST_LABELLED
    from brie.evaluation.ask_people import ask_people, widths
    from brie.store import Store

    screen.offline()
    with Store.open(project.store, create=False) as store:
        asked = ask_people(evaluation, prompts, store)
    click.echo(f"{prompts} prompts are drawn for people, at random and in proportion to the categories.")
    for votes, half in widths(asked.manifest, prompts):
        click.echo(f"  {votes:>4} prompts  about ± {100 * half:.0f} points")
    if prompts < FEWEST_LABELLED:
        click.echo(
            f"From {FEWEST_LABELLED} prompts on people's word decides; fewer show the judges' lean."
        )
    click.echo("Nothing is computed of their votes before every drawn prompt has one.")
    click.echo("Next    brie view")


def _import(file: Path, evaluation: Evaluation, project: Project, *, as_json: bool) -> None:
    from brie.evaluation.added_votes import add_votes

    screen.offline()
    added = add_votes(file, evaluation, project)
    read = added.file
    screen.show(f"{added.new:,} of {len(read.votes):,} votes were new", err=as_json)
    if read.skipped:
        screen.show(f"{plural(read.skipped, 'row')} without a winner: skipped", err=as_json)
    if read.passed_over:
        screen.show(f"passed over: {', '.join(read.passed_over)[:200]}", hanging=4, err=as_json)
    screen.show(f"Report  {project.relative(added.report)}", err=as_json)
    if as_json:
        click.echo(added.analysis.to_json(), nl=False)
