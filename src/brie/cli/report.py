"""`brie report`: build an evaluation's report again, with its figures on request."""

from __future__ import annotations

import click

from brie.cli import screen


@click.command(
    epilog="""\b
Examples:
  brie report
  brie report eval-demo-1a2b3c4d
  brie report eval-demo-1a2b3c4d --figures
"""
)
@click.argument("evaluation", required=False)
@click.option("--figures", is_flag=True, help="Also write figures as SVG and PNG, and a share card.")
def command(evaluation: str | None, figures: bool) -> None:
    """Analyse what the store holds and write the report: HTML, Markdown, verdicts.csv.

    Nothing is asked.
    """
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.results import rebuild
    from brie.report.figures import write_figures

    screen.offline()
    project = screen.project()
    outcome = rebuild(find_evaluation(evaluation, project), project)
    click.echo(outcome.report)
    if figures:
        folder = outcome.report.parent / "figures"
        for path in write_figures(outcome.analysis, outcome.evaluation.manifest, folder):
            click.echo(project.relative(path))
