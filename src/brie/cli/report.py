"""`brie report`: build an evaluation's report again."""

from __future__ import annotations

import click

from brie.cli import screen


@click.command(epilog="\b\nExamples:\n  brie report\n  brie report eval-demo-1a2b3c4d\n")
@click.argument("evaluation", required=False)
def command(evaluation: str | None) -> None:
    """Analyse what the store holds and write the HTML and Markdown report. Nothing is asked."""
    from brie.evaluation.folders import find_evaluation
    from brie.pipeline import analyse, write_report
    from brie.store import Store

    screen.offline()
    project = screen.project()
    found = find_evaluation(evaluation, project)
    with Store.open(project.store) as store:
        analysis = analyse(found, store, project)
        click.echo(write_report(found, analysis, store, project))
