"""`brie figures`: an evaluation's figures as SVG and PNG files, and its verdicts as CSV."""

from __future__ import annotations

import click

from brie.cli import screen
from brie.project import write_text


@click.command(epilog="\b\nExample:\n  brie figures eval-demo-1a2b3c4d\n")
@click.argument("evaluation", required=False)
def command(evaluation: str | None) -> None:
    """Write the figures (with the share card) and verdicts.csv beside the evaluation's report."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.gather import gather
    from brie.evaluation.results import record_analysis
    from brie.evaluation.views import comparison_views
    from brie.report.figures import write_figures
    from brie.report.table import verdict_table
    from brie.store import Store

    screen.offline()
    project = screen.project()
    found = find_evaluation(evaluation, project)
    folder = project.reports / found.manifest.id
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(project.store) as store:
        data = gather(found.manifest, store)
        analysis = record_analysis(found, data, store, project)
        views = comparison_views(data)
    for path in write_figures(analysis, found.manifest, folder / "figures"):
        click.echo(project.relative(path))
    write_text(folder / "verdicts.csv", verdict_table(views))
    click.echo(project.relative(folder / "verdicts.csv"))
