"""`brie generate`: make the answers a sealed evaluation still lacks."""

from __future__ import annotations

import click

from brie.cli import options, screen


@click.command(
    epilog="""\b
Examples:
  brie eval --suite in_domain --stop-after seal
  brie generate eval-in-domain-1a2b3c4d
  brie generate eval-in-domain-1a2b3c4d --workers local:4              four processes
  brie generate eval-in-domain-1a2b3c4d --workers ray://head:10001     a Ray cluster
  brie judge eval-in-domain-1a2b3c4d
"""
)
@click.argument("evaluation", required=False)
@options.WORKERS
@options.SHARES
@options.YES
def command(evaluation: str | None, asked: str | None, dry_run: bool, yes: bool) -> None:
    """Sample both sides' missing answers of EVALUATION. No judge is asked, and nothing is spent."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.generating import make_answers
    from brie.evaluation.shares import answer_shares
    from brie.workers import workers_of

    project = screen.project()
    sealed = find_evaluation(evaluation, project, command=screen.typed(project))
    gpu = sealed.manifest.plan.environment.device == "cuda"
    workers = workers_of(asked, gpu=gpu) if asked else None
    if dry_run:
        screen.shares(answer_shares(sealed, project, workers))
        return
    screen.show(
        str(make_answers(sealed, project, screen.Terminal(), screen.consent(yes=yes), workers=workers))
    )
