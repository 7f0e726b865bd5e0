"""`brie audit`: brie's analysis of judgments another tool made."""

from __future__ import annotations

from pathlib import Path

import click

from brie.audit import FORMATS
from brie.cli import screen
from brie.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  brie audit annotations.json
  brie audit judged_gpt4.jsonl judged_gemini.jsonl --claim 0.77
  brie audit votes.csv --map prompt=question,winner=choice,judge=rater
"""
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "wanted",
    default="auto",
    show_default=True,
    metavar="NAME",
    help=f"{', '.join(FORMATS)} or auto.",
)
@click.option("--map", "mapping", metavar="NAME=COLUMN,…", help="For tables: which column is what.")
@click.option("--claim", type=click.FloatRange(0, 1), help="The win rate somebody claims, as a share.")
@click.option("--json", "as_json", is_flag=True, help="Print the analysis on standard output.")
def command(
    files: tuple[Path, ...], wanted: str, mapping: str | None, claim: float | None, as_json: bool
) -> None:
    """Read judgment FILES and say what they show, and what their design cannot show.

    Nothing is asked of any judge and no model is loaded.
    """
    from brie.audit import read_files
    from brie.audit.assess import assess
    from brie.evaluation.results import write_audit

    for path in files:
        if not path.is_file():
            raise UsageError(f"there is no file {path}.")
    judgments = read_files(files, wanted, parse_map(mapping))
    analysis = assess(judgments, name=", ".join(path.name for path in files), claim=claim)
    if as_json:
        click.echo(analysis.to_json(), nl=False)
        return
    report = write_audit(analysis, screen.project())
    screen.audit_summary(analysis, report)


def parse_map(text: str | None) -> dict[str, str]:
    """`prompt=question,winner=choice` as a mapping.

    Raises:
        UsageError: an entry without `=`.
    """
    if not text:
        return {}
    pairs = [entry.partition("=") for entry in text.split(",")]
    broken = [name for name, equals, column in pairs if not (equals and column.strip())]
    if broken:
        raise UsageError(f"--map wants NAME=COLUMN pairs, not {broken[0]!r}.")
    return {name.strip(): column.strip() for name, _, column in pairs}
