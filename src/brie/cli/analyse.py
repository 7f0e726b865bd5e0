"""`brie analyse`: compute an evaluation's numbers again."""

from __future__ import annotations

import click

from brie.cli import options, screen
from brie.cli import suites as several


@click.command(epilog="\b\nExamples:\n  brie analyse\n  brie analyse eval-demo-1a2b3c4d --full\n")
@click.argument("evaluation", required=False)
@options.FULL
@options.ANALYSIS_JSON
def command(evaluation: str | None, full: bool, as_json: bool) -> None:
    """Compute EVALUATION's numbers from what the store holds, and keep them. Nothing is asked."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.results import rebuild
    from brie.evaluation.suites import find_suites

    screen.offline()
    project = screen.project()
    if (suites := find_suites(evaluation, project)) is not None:
        several.analyse(suites, project, as_json=as_json)
        return
    outcome = rebuild(find_evaluation(evaluation, project, command=screen.typed(project)), project)
    if as_json:
        click.echo(outcome.analysis.to_json(), nl=False)
        screen.publish(outcome)
    else:
        screen.summary(outcome, full=full)
