"""`brie generate`: make the answers a sealed evaluation still lacks."""

from __future__ import annotations

import click

from brie.cli import answers, options, remote, screen
from brie.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  brie eval --suite in_domain --stop-after seal
  brie generate eval-in-domain-1a2b3c4d
  brie generate eval-in-domain-1a2b3c4d --workers local:4              four processes
  brie generate eval-in-domain-1a2b3c4d --workers ray://head:10001     a Ray cluster
  brie generate eval-in-domain-1a2b3c4d --on ssh:gpu-box
  brie judge eval-in-domain-1a2b3c4d
"""
)
@click.argument("evaluation", required=False)
@options.WORKERS
@options.SHARES
@remote.on
@options.YES
@options.JSON
def command(
    evaluation: str | None,
    asked: str | None,
    dry_run: bool,
    away: remote.Wishes,
    yes: bool,
    as_json: bool,
) -> None:
    """Sample both sides' missing answers of EVALUATION. No judge is asked, and nothing is spent."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.generating import make_answers
    from brie.evaluation.shares import answer_shares
    from brie.workers import workers_of

    project = screen.project()
    sealed = find_evaluation(evaluation, project, command=screen.typed(project))
    if away.on is not None and asked is not None:
        raise UsageError("--workers share the work of this machine; leave it out with --on.")
    if away.on is not None:
        answers.send(sealed, away, project)
        return
    away.refuse_alone(("--json", as_json))
    gpu = sealed.manifest.plan.environment.device == "cuda"
    workers = workers_of(asked, gpu=gpu) if asked else None
    if dry_run:
        screen.shares(answer_shares(sealed, project, workers))
        return
    screen.show(
        str(make_answers(sealed, project, screen.Terminal(), screen.consent(yes=yes), workers=workers))
    )
