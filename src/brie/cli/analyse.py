"""`brie analyse`: compute an evaluation's numbers again."""

from __future__ import annotations

import click

from brie.cli import screen


@click.command(epilog="\b\nExamples:\n  brie analyse\n  brie analyse eval-demo-1a2b3c4d --json\n")
@click.argument("evaluation", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print analysis.json on standard output.")
def command(evaluation: str | None, as_json: bool) -> None:
    """Compute EVALUATION's numbers from what the store holds, and keep them. Nothing is asked."""
    from brie.evaluation.folders import find_evaluation
    from brie.pipeline import Outcome, analyse, to_json, write_report
    from brie.store import Store

    project = screen.project()
    found = find_evaluation(evaluation, project)
    with Store.open(project.store) as store:
        analysis = analyse(found, store, project)
        report = write_report(found, analysis, store, project)
    if as_json:
        click.echo(to_json(analysis), nl=False)
    else:
        screen.summary(Outcome(found, analysis, report, 0, 0))
