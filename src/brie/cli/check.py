"""`brie check`: does a shipped file behave like the checkpoint it was made from?"""

from __future__ import annotations

import click

from brie.cli import options, screen
from brie.conventions import MARGIN
from brie.errors import GateNotMet, GateUndecided


@click.command(
    epilog="""\b
Examples:
  brie check exports/first-best-gguf-q8_0/first-best.q8_0.gguf
  brie check model.gguf --against first:best
  brie check merged/ --against hf:ORG/ADAPTER@SHA --json
  brie check model.q4_k_m.gguf --against first:best --judge claude-opus
  brie check server:ollama#first --against first:best
  brie check first:best                        how far an adapter moves its base

\b
Exit codes:
  0   sound
  4   a fault, or worse
  5   answers differ, and no judge that counts has said more
  2   the file cannot be read
"""
)
@click.argument("file")
@click.option("--against", metavar="MODEL", help="Default: what the file says it was made from.")
@click.option("--suite", default="demo", show_default=True, help="Prompts both answer.")
@click.option(
    "--tokens", type=click.IntRange(1), default=32, show_default=True, help="Longest answer compared."
)
@options.BASE
@options.JUDGES
@options.PANEL
@click.option(
    "--margin", type=click.FloatRange(0, 0.5, min_open=True, max_open=True), default=MARGIN,
    show_default=True, help="How far below one half the win rate may lie and still be not worse.",
)  # fmt: skip
@options.BUDGET
@options.YES
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    file: str,
    against: str | None,
    suite: str,
    tokens: int,
    base: str | None,
    judges: tuple[str, ...],
    panel: str | None,
    margin: float,
    budget: float | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Hold FILE against its checkpoint: structure, logits, greedy answers, and judges if you name them.

    FILE is a GGUF file, a merged or MLX folder, an adapter, RUN:best, hf:REPO@SHA or
    server:LABEL#MODEL.
    """
    from brie import __version__
    from brie.ci.shipped import CheckRequest, check_shipped
    from brie.report.shipped import check_lines, write_card

    project = screen.project()
    wish = CheckRequest(
        file, against, base, suite, tokens, judges, panel, margin, typed=screen.typed(project)
    )
    spending = screen.spending(budget, yes=yes, batch=False, retry=False) if judges or panel else None
    checked = check_shipped(wish, project, screen.Terminal(), version=__version__, spending=spending)
    card = write_card(checked, project.reports)
    if as_json:
        click.echo(checked.model_dump_json(indent=2))
    else:
        for line in check_lines(checked):
            screen.show(line)
        screen.show(f"card and badge: {project.relative(card)}")
    if checked.verdict in ("fault", "worse"):
        raise GateNotMet(checked.sentence)
    if checked.verdict == "open":
        raise GateUndecided(checked.sentence)
    if not as_json:
        screen.show(checked.sentence)
