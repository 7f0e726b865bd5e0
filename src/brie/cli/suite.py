"""`brie suite`: is a suite of prompts well made, what can it show, and making one of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import JsonValue

from brie.cli import options, screen
from brie.cli.groups import Group
from brie.lines import command as command_line
from brie.number_format import percent, plural

if TYPE_CHECKING:
    from brie.data.questions import Made
    from brie.studies.suite_check import SuiteReport


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  brie suite check my.toml
  brie suite from held_out.jsonl
""",
)
def command() -> None:
    """Make suites of prompts, and look at them."""


@command.command(
    "check",
    short_help="Check keys, size, balance, repetitions.",
    epilog="\b\nExamples:\n  brie suite check in_domain\n  brie suite check my.toml\n",
)
@click.argument("suite")
@options.JSON
def check(suite: str, as_json: bool) -> None:
    """Check a SUITE (a name or a file): its keys, its size, its balance, and repeated prompts."""
    from brie.studies.suite_check import check_suite

    report = check_suite(suite, screen.project())
    loaded = report.suite
    if as_json:
        click.echo(json.dumps(_document(report), indent=2, ensure_ascii=False))
        return
    screen.show(
        f"{loaded.name} {loaded.version}: {len(loaded.prompts):,} prompts, rubric {loaded.rubric}"
    )
    _say(report)


@command.command(
    "from",
    epilog="""\b
Examples:
  brie suite from val.jsonl
  brie suite from faq.csv --map prompt=question --map completion=answer
  brie suite from questions.txt --name helpdesk
  brie suite from chats.jsonl --exclude train.jsonl --limit 200
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What to call the suite; else as the file is called.")
@click.option(
    "--exclude",
    type=click.Path(path_type=Path),
    metavar="TRAIN",
    multiple=True,
    help="Leave out what this training file asks, exactly or nearly.",
)
@click.option("--limit", type=click.IntRange(1), help="The most prompts.")
@options.MAP
def make(
    file: Path, name: str | None, exclude: tuple[Path, ...], limit: int | None, mapping: tuple[str, ...]
) -> None:
    """Make a suite of FILE: chats, columns or a list of questions.

    A row's last answer becomes the reference; category and source stay.
    """
    from brie.data.mapping import mapping_of
    from brie.evaluation.choice import to_start_with
    from brie.studies.suite_from import SuiteRequest, suite_from

    project = screen.project()
    new = suite_from(SuiteRequest(file, name, exclude, limit, mapping_of(mapping)), project)
    for form in new.read_as:
        screen.say(f"{file}: read as {form}")
    screen.show(f"{project.relative(new.path)}  {plural(len(new.made.prompts), 'prompt')}")
    for sentence in _fate(new.made, exclude):
        screen.show(f"- {sentence}", hanging=2)
    _say(new.report)
    screen.show(f"next  {command_line('eval')} {to_start_with(project, new.path.stem)}", hanging=6)


def _document(report: SuiteReport) -> dict[str, JsonValue]:
    """The same as JSON: counts by table, the smallest rate found by samples, warnings."""
    suite = report.suite
    return {
        "suite": suite.name,
        "version": suite.version,
        "rubric": suite.rubric,
        "prompts": len(suite.prompts),
        "tables": {title: dict(counts) for title, counts in report.tables.items()},
        "detectable": {str(samples): rate for samples, rate in report.detectable.items()},
        "warnings": list(report.warnings),
    }


def _fate(made: Made, exclude: tuple[Path, ...]) -> Iterator[str]:
    """What became of the rows that are no prompts."""
    if made.repeated:
        yield (
            f"of {plural(made.rows, 'row')}, {made.repeated:,} repeat an earlier question: one prompt, "
            "the first answer its reference"
        )
    if made.unfit:
        yield (
            f"of {plural(made.rows, 'row')}, {made.unfit:,} left out: tools, or no question before the "
            "answer"
        )
    if made.left_out is not None:
        words = {"exact": "exactly", "contained": "inside a longer text", "near": "nearly"}
        ways = ", ".join(f"{number:,} {words[way]}" for way, number in made.left_out.items())
        files = ", ".join(map(str, exclude))
        yield f"left out, being in {files}: {ways}" if ways else f"no prompt is in {files}"
    if made.drawn_from:
        yield f"drawn from {made.drawn_from:,} by their content: the same ones every time"


def _say(report: SuiteReport) -> None:
    """Tables, what the size can detect, and what a careful author would change."""
    for title, counts in report.tables.items():
        told = ", ".join(f"{name} {n}" for name, n in counts.most_common())
        screen.show(f"  {title}: {told}", hanging=4)
    for samples, least in report.detectable.items():
        rate = f"a true win rate of {percent(least)} or more" if least else "nothing"
        screen.show(f"  with {samples} sample{'s' * (samples > 1)} a prompt it can find {rate}")
    for warning in report.warnings:
        screen.show(f"warning: {warning}", hanging=2)
    count = len(report.warnings)
    screen.show(f"{count or 'no'} warning{'s' * (count != 1)}.")
