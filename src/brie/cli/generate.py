"""`brie generate`: make the answers a sealed evaluation still lacks."""

from __future__ import annotations

import click

from brie.cli import options, screen


@click.command(
    epilog="""\b
Examples:
  brie eval --suite in_domain --stop-after seal
  brie generate eval-in-domain-1a2b3c4d
  brie judge eval-in-domain-1a2b3c4d
"""
)
@click.argument("evaluation", required=False)
@options.YES
def command(evaluation: str | None, yes: bool) -> None:
    """Sample both sides' missing answers of EVALUATION. No judge is asked, and nothing is spent."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.generating import make_answers

    project = screen.project()
    sealed = find_evaluation(evaluation, project, command=screen.typed(project))
    screen.show(str(make_answers(sealed, project, screen.Terminal(), screen.consent(yes=yes))))
