"""`brie view`: browse runs and evaluations, and vote blind."""

from __future__ import annotations

import click

from brie.cli import screen


@click.command(epilog="\b\nExamples:\n  brie view\n  brie view eval-demo-1a2b3c4d --port 9000\n")
@click.argument("evaluation", required=False)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Another address opens it to others."
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8321, show_default=True, help="First tried."
)
def command(evaluation: str | None, host: str, port: int) -> None:
    """Show runs, evaluations and comparisons in the browser; vote blind at /vote. Ctrl-C ends it."""
    from brie.evaluation.folders import find_evaluation
    from brie.web.server import serve

    project = screen.project()
    name = find_evaluation(evaluation, project).manifest.id if evaluation else None
    serve(project, evaluation=name, host=host, port=port, say=screen.say)
