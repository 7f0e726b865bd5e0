"""`brie audit`: brie's analysis of judgments another tool made."""

from __future__ import annotations

from pathlib import Path

import click

from brie.audit import FORMATS
from brie.cli import options, screen
from brie.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  brie audit annotations.json
  brie audit judged_gpt4.jsonl judged_gemini.jsonl --claim 0.77 --card
  brie audit votes.csv --map prompt=question,winner=choice,judge=rater
  brie audit battles.jsonl --candidate my-tune --baseline its-base
  brie audit votes.csv --winner "1=first,2=second,0=tie"
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
@click.option(
    "--map", "mapping", metavar="NAME=COLUMN,…", help="Which column is what; dotted names reach deeper."
)
@click.option("--winner", metavar="WORD=MEANING,…", help="What the winner column says: `1=first,0=tie`.")
@click.option("--scale", metavar="LOW..HIGH=…", help="Winners are numbers: `-3..3=second..first`.")
@click.option("--raters", metavar="COLUMN,…", help="For tables with a column of winners for each rater.")
@click.option("--candidate", metavar="NAME", help="The model whose win rate is wanted.")
@click.option("--baseline", metavar="NAME", help="The model it is compared with, where there are more.")
@click.option("--claim", type=click.FloatRange(0, 1), help="The win rate somebody claims, as a share.")
@click.option("--leaderboard", is_flag=True, help="Rank all models, and write a page of them.")
@click.option("--card", is_flag=True, help="Also write a card (SVG, PNG) and a badge (SVG).")
@options.FULL
@click.option("--json", "as_json", is_flag=True, help="Print the analysis on standard output.")
def command(
    files: tuple[Path, ...], wanted: str, mapping: str | None, winner: str | None, scale: str | None,
    raters: str | None, candidate: str | None, baseline: str | None, claim: float | None,
    leaderboard: bool, card: bool, full: bool, as_json: bool,
) -> None:  # fmt: skip
    """Read judgment FILES and say what they show, and what their design cannot show.

    Two models give a win rate; more are ranked. Nothing is asked of any judge and no model is loaded.
    """
    from brie.audit import Wishes, read_files
    from brie.audit.assess import assess
    from brie.audit.vocabulary import Declared, parse_scale, parse_winner
    from brie.evaluation.results import write_audit

    for path in files:
        _refuse_no_file(path)
    wishes = Wishes(
        wanted,
        parse_map(mapping),
        tuple(name.strip() for name in raters.split(",")) if raters else (),
        Declared(parse_winner(winner), parse_scale(scale)),
    )
    analysis = assess(
        read_files(files, wishes=wishes), name=", ".join(path.name for path in files), claim=claim,
        candidate=candidate, baseline=baseline, everyone=leaderboard,
    )  # fmt: skip
    if as_json:
        click.echo(analysis.to_json(), nl=False)
        return
    project = screen.project()
    report = write_audit(analysis, project)
    screen.audit_summary(analysis, report, full=full)
    if card:
        from brie.report.figures import write_card

        for path in write_card(analysis, None, report.parent / "figures"):
            click.echo(project.relative(path))


def _refuse_no_file(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the judgment files in it.")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file, and is not opened.")
    if not path.exists():
        raise UsageError(f"there is no file {path}.")


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
