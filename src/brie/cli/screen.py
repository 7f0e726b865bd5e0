"""What commands share: the console on standard error, progress bars, the project's folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from brie.errors import UsageError
from brie.harmless import clean
from brie.lines import command, folded
from brie.project import Project
from brie.wire.keys import Secrets

if TYPE_CHECKING:
    from rich.console import Console

    from brie.evaluation.budget import Consent, Spending
    from brie.evaluation.results import Outcome
    from brie.evaluation.shares import Shares
    from brie.progress import Advance
    from brie.records import Manifest
    from brie.records.analysis import Analysis


LINE_SECONDS = 30.0
NARROWEST = 40
WIDEST = 100
"""A verdict is not read across more columns than this."""


@cache
def console() -> Console:
    """Messages and progress go to standard error; standard output is for results."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def width() -> int:
    """Columns of what is laid out on standard output: the terminal's, or 80 in a file or a pipe."""
    return max(shutil.get_terminal_size().columns, NARROWEST)


def _columns_of(stream: TextIO) -> int | None:
    """Columns that a stream's lines are folded at; None in a file or a pipe, where lines stay whole."""
    if named := os.environ.get("COLUMNS", ""):
        return max(int(named), NARROWEST) if named.isdecimal() else None
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, NARROWEST)
    except (OSError, ValueError):
        return None


def _fit(text: str, stream: TextIO, hanging: str | None) -> str:
    room = _columns_of(stream)
    return text if room is None else "\n".join(folded(text, room, hanging=hanging))


def harmless(text: str) -> str:
    """A text as it may be printed: no control sequence of anybody in it, and no key."""
    return clean(Secrets.of_environment().out_of(text))


def out(text: str = "", *, err: bool = False) -> None:
    """A line as it stands but for what `harmless` takes out, on standard output.

    Args:
        text: the line.
        err: on standard error.
    """
    import click

    click.echo(harmless(text), err=err)


def say(text: str) -> None:
    """A message for people, on standard error. The text is not read as markup."""
    console().print(_fit(harmless(text), sys.stderr, None), markup=False)


def show(text: str, *, hanging: int | None = None, err: bool = False) -> None:
    """A result for people: folded at the terminal's width, line by line.

    Args:
        text: one line or several.
        hanging: blanks before the second and further lines of each; None: as many as its indentation.
        err: on standard error.
    """
    import click

    stream = sys.stderr if err else sys.stdout
    for line in harmless(text).split("\n"):
        click.echo(_fit(line, stream, None if hanging is None else " " * hanging), err=err)


def labelled(label: str, text: str, indent: int) -> str:
    """A label and its text; the text is folded at the terminal's width and stays in one column."""
    return "\n".join(folded(harmless(text), width(), first=label.ljust(indent), hanging=" " * indent))


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
    """The command as it was typed, so that it can be given again.

    What lies outside the project keeps its whole path; reports and bundles leave its folders out.
    """
    typed = shlex.join(["brie", *(_portable(argument, project) for argument in sys.argv[1:])])
    return Secrets.of_environment().out_of(typed)


def _portable(argument: str, project: Project) -> str:
    path = Path(argument)
    return named(path, project) if path.is_absolute() and path.exists() else argument


def named(path: Path, project: Project) -> str:
    """A file as a command typed here names it: in the project's folder by its place, else whole."""
    inside = path.resolve().is_relative_to(project.root) and Path.cwd().resolve() == project.root
    return project.relative(path) if inside else str(path.absolute())


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
    drift: Literal["auto", "off"] = "auto",
) -> Spending:
    """The wishes about money and patience, with a question on the terminal where one has to be asked.

    Args:
        budget: US dollars; None: the project's.
        yes: the price is agreed to beforehand.
        batch: through the providers' batches.
        retry: ask again for what was not usable.
        patience: minutes a judge that does not answer is waited for.
        probe: ask each judge one small thing first.
        drift: ask judges with sealed anchors those again where that was long ago.
    """
    from brie.evaluation.budget import Spending

    agreed = consent(yes=yes)
    return Spending(
        budget, agreed, retry=retry, batch=batch, patience=60.0 * patience, probe=probe, drift=drift
    )


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


def shares(shares: Shares) -> None:
    """What would be done of what is missing, and by whom; on standard output."""
    for line in shares.quote:
        say(line)
    indent = max(map(len, shares.rows)) + 2
    for label, text in shares.rows.items():
        out(labelled(label, text, indent))
    out("Nothing is made, asked or spent: leave --dry-run out to do it.")


def outcome(outcome: Outcome, *, as_json: bool, full: bool = False) -> None:
    """An evaluation's numbers on standard output: `analysis.json`, or what they say."""
    if not as_json:
        summary(outcome, full=full)
        return
    import click

    click.echo(outcome.analysis.to_json(), nl=False)
    publish(outcome)


def publish(outcome: Outcome) -> None:
    """The line to publish of an evaluation, on standard error."""
    say(f"to publish: {outcome.published}")


def summary(outcome: Outcome, *, full: bool = False) -> None:
    """What an evaluation found, and where to read it; on standard output."""
    publish(outcome)
    manifest = outcome.evaluation.manifest
    unfinished = outcome.analysis.interim or bool(outcome.stopped)
    next_command = manifest.command if unfinished else command("view", manifest.id)
    _print(
        outcome.analysis, manifest, outcome.report, full=full,
        next_command=next_command, rest_command=command("analyse", manifest.id, "--full"),
    )  # fmt: skip


def audit_summary(analysis: Analysis, report: Path, *, full: bool = False) -> None:
    """What an audit found, on standard output."""
    again = f"{typed(project())} --full"
    _print(analysis, None, report, full=full, next_command="", rest_command=again)


def _print(
    analysis: Analysis,
    manifest: Manifest | None,
    report: Path,
    *,
    full: bool,
    next_command: str,
    rest_command: str,
) -> None:
    import click

    from brie.report.last_screen import Where
    from brie.report.terminal import summarise

    terminal = sys.stdout.isatty()
    where = Where(
        project().relative(report),
        report.resolve().as_uri() if terminal else "",
        next_command,
        rest_command,
    )
    text = summarise(
        analysis,
        manifest,
        where=where,
        full=full,
        colour=terminal and "NO_COLOR" not in os.environ,
        unicode="utf" in (sys.stdout.encoding or "").lower(),
        width=min(width(), WIDEST),
    )
    click.echo(text)
