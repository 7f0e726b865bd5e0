"""What commands share: the console on standard error, progress bars, the project's folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import UsageError
from brie.project import Project
from brie.wire.keys import Secrets

if TYPE_CHECKING:
    from rich.console import Console

    from brie.evaluation.budget import Consent, Spending
    from brie.evaluation.results import Outcome
    from brie.progress import Advance
    from brie.records import Manifest
    from brie.records.analysis import Analysis


LINE_SECONDS = 30.0


@cache
def console() -> Console:
    """Messages and progress go to standard error; standard output is for results."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One line for people, on standard error. The text is not read as markup."""
    console().print(text, markup=False)


def folded(label: str, text: str, indent: int) -> str:
    """A label and its text; the text is folded at the terminal's width and stays in one column."""
    return textwrap.fill(
        text,
        max(shutil.get_terminal_size().columns, indent + 30),
        initial_indent=label.ljust(indent),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def project() -> Project:
    """The project of the current folder; one that was found further up is named, once a command."""
    import click

    from brie.wire.files import remember_keys

    project = Project.find()
    remember_keys(project)
    context = click.get_current_context(silent=True)
    said = context.find_root().meta if context else {}
    if project.root != Path.cwd().resolve() and not said.get(__name__):
        said[__name__] = True
        say(f"project: {project.root} (its brie.toml, suites and judges count here).")
    return project


def typed(project: Project) -> str:
    """The command as it was typed, for resuming and for reports: no path of this machine in it."""
    typed = shlex.join(["brie", *(_portable(argument, project) for argument in sys.argv[1:])])
    return Secrets.of_environment().out_of(typed)


def _portable(argument: str, project: Project) -> str:
    path = Path(argument)
    return project.relative(path) if path.is_absolute() and path.exists() else argument


def offline() -> None:
    """This command asks nobody: a model that is not in the Hub's cache here is said to be missing."""
    os.environ["HF_HUB_OFFLINE"] = "1"


@contextmanager
def bar(label: str, total: int, unit: str) -> Iterator[Advance]:
    """A progress bar with rate and time left; a line now and then where there is no terminal."""
    if not console().is_terminal:
        yield Lines(label, total, unit)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console()) as progress:
        task = progress.add_task(label, total=total, note="")
        yield lambda done, note="": progress.update(task, advance=done, note=note)


@dataclass
class Lines:
    """Progress for logs: how far, how fast and how much longer, twice a minute."""

    label: str
    total: int
    unit: str
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    _started: float = field(init=False)
    _said: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self._said = self.clock()

    def __call__(self, done: int, note: str = "") -> None:
        """So many more are done."""
        from brie.number_format import duration

        self.done += done
        now = self.clock()
        if now - self._said < LINE_SECONDS or not self.done:
            return
        self._said = now
        left = duration((now - self._started) / self.done * (self.total - self.done))
        beside = f", {note}" if note else ""
        say(f"{self.label}: {self.done}/{self.total} {self.unit}{beside}, {left} left")


class Terminal:
    """`pipeline.Screen` on a terminal."""

    def say(self, text: str) -> None:
        """One line for people."""
        say(text)

    def bar(self, label: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """A progress bar."""
        return bar(label, total, unit)


def spending(
    budget: float | None,
    *,
    yes: bool,
    batch: bool,
    retry: bool,
    patience: float = 30.0,
    probe: bool = True,
) -> Spending:
    """The wishes about money and patience, with a question on the terminal where one has to be asked.

    Args:
        budget: US dollars; None: the project's.
        yes: the price is agreed to beforehand.
        batch: through the providers' batches.
        retry: ask again for what was not usable.
        patience: minutes a judge that does not answer is waited for.
        probe: ask each judge one small thing first.
    """
    from brie.evaluation.budget import Spending

    agreed = consent(yes=yes)
    return Spending(budget, agreed, retry=retry, batch=batch, patience=60.0 * patience, probe=probe)


def consent(*, yes: bool) -> Consent:
    """A question on the terminal, where something leaves this machine or costs money.

    Args:
        yes: it is agreed to beforehand.
    """
    from brie.evaluation.budget import Quote, unasked

    def ask(quoted: Quote) -> None:
        import click

        if yes or not quoted.leaves:
            return
        if not sys.stdin.isatty():
            unasked(quoted)
        if not click.confirm("Go on?", err=True):
            raise UsageError("nothing was asked, and nothing spent.")

    return ask


def outcome(outcome: Outcome, *, as_json: bool) -> None:
    """An evaluation's numbers on standard output: `analysis.json`, or what they say."""
    if not as_json:
        summary(outcome)
        return
    import click

    click.echo(outcome.analysis.to_json(), nl=False)


def summary(outcome: Outcome) -> None:
    """What an evaluation found, in 80 columns, and where to read it; on standard output."""
    manifest = outcome.evaluation.manifest
    _print(outcome.analysis, manifest, outcome.report, f"brie verify {manifest.id}")


def audit_summary(analysis: Analysis, report: Path) -> None:
    """What an audit found, on standard output."""
    import click

    _print(analysis, None, report, None)
    for finding in analysis.audit.findings if analysis.audit else ():
        click.echo(textwrap.fill(f"- {finding}", 80, subsequent_indent="  "))


def _print(
    analysis: Analysis, manifest: Manifest | None, report: Path, next_command: str | None
) -> None:
    import click

    from brie.report.terminal import summarise

    terminal = sys.stdout.isatty()
    text = summarise(
        analysis,
        manifest,
        report=project().relative(report),
        next_command=next_command,
        colour=terminal and "NO_COLOR" not in os.environ,
        unicode="utf" in (sys.stdout.encoding or "").lower(),
    )
    click.echo(text)
