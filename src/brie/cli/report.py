"""`brie report`: build an evaluation's report again, with its figures on request."""

from __future__ import annotations

import json

import click

from brie.cli import screen


@click.command(
    epilog="""\b
Examples:
  brie report
  brie report eval-demo-1a2b3c4d
  brie report eval-demo-1a2b3c4d --figures
  brie report --schema
"""
)
@click.argument("evaluation", required=False)
@click.option("--figures", is_flag=True, help="Also write figures as SVG and PNG, and a share card.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of analysis.json; nothing else.")
def command(evaluation: str | None, figures: bool, schema: bool) -> None:
    """Analyse what the store holds and write the report: HTML, Markdown, verdicts.csv.

    Nothing is asked.
    """
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.results import rebuild
    from brie.records.schema import analysis_schema
    from brie.report.figures import write_figures

    if schema:
        click.echo(json.dumps(analysis_schema(), indent=2))
        return
    screen.offline()
    project = screen.project()
    outcome = rebuild(find_evaluation(evaluation, project, command=screen.typed(project)), project)
    click.echo(outcome.report)
    if figures:
        folder = outcome.report.parent / "figures"
        for path in write_figures(outcome.analysis, outcome.evaluation.manifest, folder):
            click.echo(project.relative(path))
