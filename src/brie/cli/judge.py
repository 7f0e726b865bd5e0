"""`brie judge`: judge the answers of an evaluation that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from brie.cli import options, screen
from brie.errors import Stopped, UsageError
from brie.number_format import plural, points

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
  brie judge in_domain-3f9a --workers local:4     four processes ask, for thousands of verdicts
  brie judge in_domain-3f9a --ballot ann.html     a page to send: somebody votes, offline, on a phone
  brie judge in_domain-3f9a --votes votes.csv     what it saved, or voter,prompt,sample,winner
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
    "--ballot", type=click.Path(path_type=Path), metavar="FILE",
    help="Write one page that somebody else votes on, and ask no judge.",
)  # fmt: skip
@click.option(
    "--people", type=click.IntRange(2), metavar="N",
    help="Draw N prompts for people to vote on: from 50 on their word decides.",
)  # fmt: skip
@options.BATCH
@options.WORKERS
@options.SHARES
@options.PATIENCE
@options.PROBE
@options.DRIFT
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
    ballot: Path | None,
    people: int | None,
    batch: bool,
    asked: str | None,
    dry_run: bool,
    budget: float | None,
    yes: bool,
    patience: float,
    probe: bool,
    drift: Literal["auto", "off"],
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
    from brie.evaluation.shares import judges_here, verdict_shares
    from brie.workers import gpus, workers_of

    project = screen.project()
    chosen = find_evaluation(evaluation, project, command=screen.typed(project))
    if votes is not None or ballot is not None or people is not None:
        if judges or repeats or retry or batch or asked or dry_run:
            raise UsageError("--votes, --ballot and --people ask no judge; leave the other options out.")
        _people(chosen, project, votes=votes, ballot=ballot, prompts=people, as_json=as_json)
        return
    if asked and batch:
        raise UsageError("--batch leaves the asking to the provider; leave --workers out.")
    more = More(judges, repeats or 0)
    gpu = bool(asked and gpus()) and judges_here(chosen, more, project)
    workers = workers_of(asked, gpu=gpu) if asked else None
    spending = replace(
        screen.spending(
            budget, yes=yes, batch=batch, retry=retry, patience=patience, probe=probe, drift=drift
        ),
        without_keys="Judges that need no key can be added: --judge longer",
    )
    if dry_run:
        screen.shares(verdict_shares(chosen, more, project, spending, workers))
        return
    outcome = judge_more(
        chosen, more, project, screen.Terminal(), command=screen.typed(project), spending=spending,
        workers=workers,
    )  # fmt: skip
    screen.outcome(outcome, as_json=as_json, full=full)
    if outcome.stopped:
        raise Stopped(outcome.stopped)


def _people(
    evaluation: Evaluation,
    project: Project,
    *,
    votes: Path | None,
    ballot: Path | None,
    prompts: int | None,
    as_json: bool,
) -> None:
    """What is done for people's votes, and asks no judge."""
    if votes is not None:
        if ballot or prompts:
            raise UsageError("--votes adds what people said; ask more of them in a command of its own.")
        _import(votes, evaluation, project, as_json=as_json)
        return
    if prompts is not None:
        evaluation = _draw(evaluation, prompts, project, sent=ballot is not None)
    if ballot is not None:
        _send(ballot, evaluation, project)


def _draw(evaluation: Evaluation, prompts: int, project: Project, *, sent: bool) -> Evaluation:
    """Draw what people are asked; `sent`: on a page that is written next."""
    from brie.analyse.anchored import FEWEST_LABELLED
    from brie.evaluation.ask_people import ask_people, widths
    from brie.lines import command as command_line
    from brie.store import Store

    screen.offline()
    with Store.open(project.store, create=False) as store:
        asked = ask_people(evaluation, prompts, store)
    screen.show(
        f"{prompts:,} prompts are drawn for people, at random and in proportion to the categories."
    )
    for votes, half in widths(asked.manifest, prompts):
        screen.show(f"  {votes:>4} prompts  about ± {points(half)} points")
    if prompts < FEWEST_LABELLED:
        screen.show(
            f"From {FEWEST_LABELLED} prompts on people's word decides; fewer show the judges' lean."
        )
    screen.show("Nothing is computed of their votes before every drawn prompt has one.")
    screen.show("Only blind votes count: of voters who saw neither a result nor the viewer.")
    if not sent:
        screen.show(f"Next    {command_line('view', asked.manifest.id)}")
    return asked


def _send(file: Path, evaluation: Evaluation, project: Project) -> None:
    from brie.evaluation.ballot_file import make_ballot
    from brie.lines import command as command_line
    from brie.project import write_text
    from brie.store import Store
    from brie.web.ballot_page import ballot_page

    screen.offline()
    with Store.open(project.store, read_only=True) as store:
        made = make_ballot(evaluation, store, file.name)
    text = ballot_page(made)
    write_text(file, text)
    size = len(text.encode()) / 1e6
    pairs = plural(len(made.pairs), "pair")
    screen.show(f"{file}: {pairs}, {size:.1f} MB, nothing of the sides in it", hanging=2)
    screen.show("Send it. Another voter gets another file name: each name deals order and letters anew.")
    screen.show("What comes back is added with the next command.")
    screen.show(f"Next    {command_line('judge', evaluation.manifest.id, '--votes')} FILE")


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
