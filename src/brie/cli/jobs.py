"""`brie jobs`: what runs on other machines; watched again, gone on with, ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, remote, screen
from brie.cli.groups import Group
from brie.errors import UsageError
from brie.project import Project

if TYPE_CHECKING:
    from brie.remote.jobs import Job


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog="""\b
Examples:
  brie train --size 0.5b --data my.jsonl --on ssh:gpu-box
  brie jobs
  brie jobs attach 3f9a        watch again, or go on from what came back
  brie jobs cancel 3f9a
""",
)
@options.JSON
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the work that was sent to other machines, newest last."""
    if ctx.invoked_subcommand is not None:
        return
    from brie.remote.follow import came_back
    from brie.remote.jobs import Unreadable, scan

    project = screen.project()
    every = scan(project)
    jobs = [job for job in every if not isinstance(job, Unreadable)]
    for damaged in every:
        if isinstance(damaged, Unreadable):
            screen.say(damaged.why)
    if as_json:
        click.echo(json.dumps([job.model_dump(mode="json") for job in jobs], indent=1))
        return
    if not every:
        screen.show(
            "No work was sent anywhere yet: brie train --size 0.5b --data my.jsonl --on ssh:HOST"
        )
    for job in jobs:
        end = job.result or job.error or came_back(project.runs / job.id)
        screen.show(f"{job.id}  {job.on}  {job.state}  {job.kind}  {end}", hanging=2)


@command.command(
    "attach", epilog="\b\nExamples:\n  brie jobs attach 3f9a\n  brie jobs attach 3f9a --yes\n"
)
@click.argument("name", metavar="JOB")
@options.YES
@options.JSON
def attach(name: str, yes: bool, as_json: bool) -> None:
    """Watch JOB again, and take what comes. One that ended before it was done goes on from the last
    checkpoint that came back."""
    from brie.remote.jobs import find_job, watching

    project = screen.project()
    folder, job = find_job(name, project)
    if job.state == "done":
        click.echo(job.model_dump_json(indent=1) if as_json else f"{job.id} is done: {job.result}")
        return
    if job.state == "cancelled":
        raise UsageError(f"{job.id} was cancelled; send it anew: {job.command}")
    with watching(folder) as job:
        _go_on(folder, job, project, yes=yes, as_json=as_json)


def _go_on(folder: Path, job: Job, project: Project, *, yes: bool, as_json: bool) -> None:
    """Watch a job that is going, and start one again that ended before it was done."""
    from brie.remote.follow import errand_of, follow, start
    from brie.remote.preflight import look

    launcher = remote.launcher_of(job, to_start=job.state != "running")
    if job.state != "running":
        preflight = look(errand_of(job), launcher, timeout=job.minutes)
        remote.show(preflight)
        preflight.refuse()
        remote.agree(preflight, yes=yes)
        job = start(folder, job, launcher)
    remote.told(follow(folder, job, launcher, project, remote.Watcher()), project, as_json=as_json)


@command.command("cancel", epilog="\b\nExamples:\n  brie jobs cancel 3f9a\n")
@click.argument("name", metavar="JOB")
def cancel(name: str) -> None:
    """End JOB there, and delete what is left of it. What came back stays here."""
    from brie.remote.follow import came_back
    from brie.remote.follow import cancel as end
    from brie.remote.jobs import find_job

    project = screen.project()
    folder, job = find_job(name, project)
    job = end(folder, job, remote.launcher_of(job, to_start=False))
    screen.show(f"{job.id} is cancelled; {came_back(folder)}.")
