"""What commands share: the console on standard error, progress bars, the project's folder."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import UsageError
from brie.resources import Project

if TYPE_CHECKING:
    from rich.console import Console

    from brie.judging import Spending
    from brie.pipeline import Outcome
    from brie.records import Manifest
    from brie.results import Analysis


@cache
def console() -> Console:
    """Messages and progress go to standard error; standard output is for results."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One line for people, on standard error. The text is not read as markup."""
    console().print(text, markup=False)


def project() -> Project:
    """The project of the current folder."""
    return Project.find()


@contextmanager
def bar(label: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A progress bar with rate and time left; silent where standard error is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console(), disable=not console().is_terminal) as progress:
        task = progress.add_task(label, total=total, note="")
        yield lambda done: progress.advance(task, done)


class Terminal:
    """`pipeline.Screen` on a terminal."""

    def say(self, text: str) -> None:
        """One line for people."""
        say(text)

    def bar(self, label: str, total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        """A progress bar; the callable advances it."""
        return bar(label, total, unit)


def spending(budget: float | None, *, yes: bool, batch: bool, retry: bool) -> Spending:
    """The wishes about money, with a question on the terminal where one has to be asked."""
    from brie.judging import Quote, Spending, unasked

    def consent(quoted: Quote) -> None:
        import sys

        import click

        if yes or not quoted.leaves:
            return
        if not sys.stdin.isatty():
            unasked(quoted)
        if not click.confirm("Go on?", err=True):
            raise UsageError("nothing was asked, and nothing spent.")

    return Spending(budget, consent, retry=retry, batch=batch)


def summary(outcome: Outcome) -> None:
    """What an evaluation found, in 80 columns, and where to read it; on standard output."""
    manifest = outcome.evaluation.manifest
    _print(outcome.analysis, manifest, outcome.report, f"brie verify {manifest.id}")


def audit_summary(analysis: Analysis, report: Path) -> None:
    """What an audit found, on standard output."""
    import click

    _print(analysis, None, report, None)
    for finding in (analysis.audit or {}).get("findings", ()):
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
