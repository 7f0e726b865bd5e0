"""What verbs share that send their work elsewhere: options, the table, consent, what is seen."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.cli.options import Option, Value, Verb
from brie.errors import UsageError
from brie.lines import command as command_line
from brie.project import Project

if TYPE_CHECKING:
    from brie.remote.errand import Errand
    from brie.remote.jobs import Job
    from brie.remote.launcher import Launcher
    from brie.remote.preflight import Preflight

_LABEL = 11


def on(verb: Verb) -> Verb:
    """The options of a verb whose work can be sent elsewhere; it is given them as one, `away`."""

    @wraps(verb)
    def given(
        *,
        on: str | None,
        timeout: int | None,
        remote_python: str | None,
        send_env: tuple[str, ...],
        yes: bool,
        dry_run: bool,
        as_json: bool,
        **others: Value,
    ) -> None:
        away = Wishes(on, timeout, remote_python, send_env, yes=yes, dry_run=dry_run, as_json=as_json)
        verb(away=away, yes=yes, dry_run=dry_run, as_json=as_json, **others)

    offered: Verb = given
    for option in reversed(_OPTIONS):
        offered = option(offered)
    return offered


_OPTIONS: tuple[Option, ...] = (
    click.option(
        "--on",
        metavar="WHERE",
        help="Run it on another machine: ssh:HOST, hf-jobs:FLAVOUR (the Hub's), sky:GPU (SkyPilot's).",
    ),
    click.option(
        "--timeout", type=click.IntRange(1), metavar="MINUTES", help="With --on: end it after so long."
    ),
    click.option(
        "--remote-python", metavar="PATH", help="With --on: the Python to use there; default: python3."
    ),
    click.option(
        "--send-env",
        metavar="NAME",
        multiple=True,
        help="With --on: send this variable's value along, such as HF_TOKEN.",
    ),
)


@dataclass(frozen=True)
class Wishes:
    """What was given with `--on`."""

    on: str | None
    timeout: int | None = None
    """Minutes."""
    python: str | None = None
    send: tuple[str, ...] = ()
    yes: bool = False
    dry_run: bool = False
    as_json: bool = False

    def refuse_alone(self, *more: tuple[str, bool]) -> None:
        """Options that mean nothing without `--on`.

        Raises:
            UsageError: one was given.
        """
        given = (
            ("--timeout", self.timeout is not None),
            ("--remote-python", self.python is not None),
            ("--send-env", bool(self.send)),
            *more,
        )
        for option, is_given in given:
            if is_given:
                raise UsageError(f"{option} belongs to --on.")


def run(errand: Errand, wishes: Wishes, project: Project, launcher: Launcher) -> None:
    """Show what would be, ask, send, start, watch, and say what came of it."""
    from brie.remote.preflight import look

    preflight = look(errand, launcher, timeout=wishes.timeout)
    if agreed(preflight, wishes, launcher):
        send(preflight, wishes, project, launcher)


def agreed(preflight: Preflight, wishes: Wishes, launcher: Launcher) -> bool:
    """Show the table and ask; False where it was only to be shown.

    Raises:
        UsageError: something would not work, or nobody agreed.
    """
    if wishes.dry_run:
        _explain(preflight, launcher, as_json=wishes.as_json)
        return False
    show(preflight)
    preflight.refuse()
    agree(preflight, yes=wishes.yes)
    return True


def send(preflight: Preflight, wishes: Wishes, project: Project, launcher: Launcher) -> None:
    """Send what was agreed to, watch it, and say what came of it."""
    from brie.remote.follow import follow, start, submit
    from brie.remote.jobs import watching

    folder, job = submit(preflight, project, typed=screen.typed(project), python=wishes.python)
    screen.say(f"job {job.id}: {project.relative(folder)}")
    with watching(folder) as job:
        job = follow(folder, start(folder, job, launcher), launcher, project, Watcher())
    told(job, project, as_json=wishes.as_json)


def opened(wishes: Wishes) -> Launcher:
    """The launcher that was asked for.

    Raises:
        UsageError: there is none of that kind, or a program it needs is missing.
    """
    from brie.remote.launcher import launcher_for, target_of

    target = target_of(str(wishes.on), python=wishes.python, send=wishes.send, environment=os.environ)
    return launcher_for(target)


def launcher_of(job: Job, *, to_start: bool) -> Launcher:
    """The launcher of a job that was made earlier.

    Args:
        job: whose.
        to_start: whether it is to be started, so that the variables it sends are needed.

    Raises:
        UsageError: a variable is not set here now, or a program is missing.
    """
    return opened(Wishes(job.on, python=job.python, send=job.send if to_start else ()))


def show(preflight: Preflight) -> None:
    """The table, on standard error."""
    for fact in preflight.rows:
        screen.say(screen.labelled(fact.label, fact.text, _LABEL))


def agree(preflight: Preflight, *, yes: bool) -> None:
    """Ask before anything is sent or started.

    Raises:
        UsageError: nobody agreed.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"this would send files to {preflight.on} and run them there; nobody is here to agree. Say "
            "so beforehand: --yes"
        )
    if not click.confirm("Go on?", err=True):
        raise UsageError("nothing was sent, and nothing started.")


def told(job: Job, project: Project, *, as_json: bool) -> None:
    """Say what a finished job left here, and what to do with it."""
    if as_json:
        click.echo(job.model_dump_json(indent=1))
        return
    if job.kind == "generate":
        screen.out(f"answers of {job.result} are here")
        screen.show(f"next  {command_line('judge', str(job.result))}", hanging=6)
        return
    from brie.cli.trained import say_done

    say_done(project.runs / str(job.result), project)


def _explain(preflight: Preflight, launcher: Launcher, *, as_json: bool) -> None:
    from brie.remote.follow import job_of

    job = job_of(preflight, "JOB", typed="", python=launcher.target.python)
    commands = launcher.commands(job, minutes=preflight.minutes)
    if as_json:
        click.echo(json.dumps({**preflight.document(), "commands": list(commands)}, indent=1))
        return
    for fact in preflight.rows:
        screen.out(screen.labelled(fact.label, fact.text, _LABEL))
    for line in commands:
        screen.out(f"  {line}")
    if refused := preflight.document()["refused"]:
        screen.out(f"cannot start: {refused}")


class Watcher:
    """`remote.follow.Watcher` on a terminal."""

    def say(self, text: str) -> None:
        """A line of brie's own."""
        screen.say(text)

    def log(self, text: str) -> None:
        """What the job printed."""
        for line in text.splitlines():
            screen.say(f"│ {line}")
