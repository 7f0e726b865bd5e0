"""`brie report`: build an evaluation's report again."""

from __future__ import annotations

import click

from brie.cli import screen


@click.command(epilog="\b\nExamples:\n  brie report\n  brie report eval-demo-1a2b3c4d\n")
@click.argument("evaluation", required=False)
def command(evaluation: str | None) -> None:
    """Analyse what the store holds and write the HTML and Markdown report. Nothing is asked."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.results import rebuild

    screen.offline()
    project = screen.project()
    click.echo(rebuild(find_evaluation(evaluation, project), project).report)
