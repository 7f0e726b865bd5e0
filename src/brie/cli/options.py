"""Options that several verbs have, each said once, and a request made of a verb's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

import click

from brie.errors import UsageError

T = TypeVar("T")
Verb = Callable[..., None]
Option = Callable[[Verb], Verb]
Value: TypeAlias = "str | int | float | bool | Path | tuple[str, ...] | None"
"""What click makes of an option."""
PLOTS = (".svg", ".png", ".pdf")

BASE: Option = click.option(
    "--base",
    metavar="FOLDER|REPO",
    help="What an adapter's base is, where its own files name one that is not here.",
)


def _tags(_: click.Context, __: click.Parameter, tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags, looked at before anything is made for them."""
    from brie.publish.metadata import checked_tags

    return checked_tags(tags) if tags else ()


def _one_suite(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> str | None:
    """The suite of a verb that takes one.

    Raises:
        UsageError: several are named; none is dropped in silence.
    """
    if len(names) > 1:
        raise UsageError(
            "--suite is given more than once; this takes one suite (brie eval takes several)."
        )
    return names[0] if names else None


TAGS: Option = click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    callback=_tags,
    help="A tag in the model card's metadata.",
)
SUITE: Option = click.option(
    "--suite", required=True, multiple=True, callback=_one_suite, help="A suite's name or file."
)
JUDGES: Option = click.option(
    "--judge", "judges", metavar="ID", multiple=True, help="A judge; may be repeated."
)
PANEL: Option = click.option("--panel", metavar="NAME", help="A panel of judges/panels.toml.")
SAMPLES: Option = click.option(
    "--samples",
    type=click.IntRange(1),
    help="Answers a prompt and side; default: brie.toml's, or 3.",
)


def device(automatic: str | None) -> Option:
    """Where a verb computes; the request has `automatic` where nothing else is asked for."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cuda", "mps", "cpu"]),
        default=automatic,
        show_default="auto",
        callback=lambda _, __, name: automatic if name == "auto" else name,
        help="Where it computes; auto: the fastest here.",
    )


BUDGET: Option = click.option(
    "--budget", type=click.FloatRange(0), metavar="USD", help="Most it may cost in all."
)
YES: Option = click.option("--yes", is_flag=True, help="Agree to the quote beforehand.")
BATCH: Option = click.option(
    "--batch", is_flag=True, help="Ask through the providers' batches, at half the price."
)
MAP: Option = click.option(
    "--map",
    "mapping",
    metavar="KEY=PATH",
    multiple=True,
    help="Read a key elsewhere: source=meta.source.",
)
PATIENCE: Option = click.option(
    "--patience",
    type=click.FloatRange(0),
    metavar="MINUTES",
    default=30.0,
    show_default=True,
    help="How long a judge that does not answer is waited for.",
)
DRIFT: Option = click.option(
    "--drift",
    type=click.Choice(["auto", "off"]),
    default="auto",
    show_default=True,
    help="Ask judges with sealed anchors those again, where that was long ago.",
)
PROBE: Option = click.option(
    "--probe/--no-probe", default=True, help="Ask each judge one small thing before anything is made."
)

WORKERS: Option = click.option(
    "--workers",
    "asked",
    metavar="WHERE",
    help="Share the work out: local:N processes here, ray or ray://HOST:PORT for a Ray cluster.",
)
SHARES: Option = click.option(
    "--dry-run", is_flag=True, help="Show what is missing and who would do it; do nothing."
)

CHAT_TEMPLATE: Option = click.option(
    "--chat-template", metavar="NAME|FILE", help="For a base without one: chatml, a family's, a file."
)
SYSTEM: Option = click.option(
    "--system",
    type=click.Choice(["fold", "refuse"]),
    help="A system turn where the template has no place for one: into the first question, or refused.",
)
ALLOW_CODE: Option = click.option(
    "--allow-code",
    is_flag=True,
    help="Run Python that the suite checks answers with, or that comes with tasks.",
)
TASKS: Option = click.option(
    "--tasks",
    metavar="NAME|FILE",
    multiple=True,
    help="A benchmark of lm-eval that both sides do: a name, a task file or a folder; TASK#METRIC. "
    "Repeatable.",
)
TASK_DOCUMENTS: Option = click.option(
    "--task-documents",
    type=click.IntRange(8),
    metavar="N",
    help="Documents of each task, a draw that is the same for everybody; default: all.",
)
TASKS_AS: Option = click.option(
    "--tasks-as",
    type=click.Choice(["auto", "chat", "text"]),
    default="auto",
    show_default=True,
    help="Ask tasks as conversations or as plain text; auto: conversations where the model writes.",
)
JSON: Option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
FULL: Option = click.option(
    "--full", is_flag=True, help="Print all of it: every group, every check in full."
)
ANALYSIS_JSON: Option = click.option(
    "--json", "as_json", is_flag=True, help="Print analysis.json on standard output."
)


def _drawable(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a figure that cannot be drawn before any work is done for it."""
    if path is not None and path.suffix.lower() not in PLOTS:
        raise UsageError(f"--plot draws {', '.join(PLOTS)} files, not {path.suffix or path.name!r}.")
    if path is not None and not path.resolve().parent.is_dir():
        raise UsageError(f"--plot: there is no folder {path.parent}.")
    return path


PLOT: Option = click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    callback=_drawable,
    help="Also draw it: svg, png, pdf.",
)


def request_of(kind: type[T], options: Mapping[str, Value]) -> T:
    """A request made of the options that are named like its fields.

    Args:
        kind: the dataclass of the request.
        options: its fields by name, as click has read them.

    Raises:
        ValidationError: an option has no field of its kind; that is a bug of the verb.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_python(options)
