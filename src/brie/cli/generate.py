"""`brie generate`: make the answers a sealed evaluation still lacks."""

from __future__ import annotations

import click

from brie.cli import answers, options, remote, screen


@click.command(
    epilog="""\b
Examples:
  brie eval --suite in_domain --stop-after seal
  brie generate eval-in-domain-1a2b3c4d
  brie generate eval-in-domain-1a2b3c4d --on ssh:gpu-box
  brie judge eval-in-domain-1a2b3c4d
"""
)
@click.argument("evaluation", required=False)
@remote.on
@click.option("--dry-run", is_flag=True, help="With --on: show what would be sent where, and stop.")
@options.YES
@options.JSON
def command(
    evaluation: str | None,
    on: str | None,
    timeout: int | None,
    remote_python: str | None,
    send_env: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Sample both sides' missing answers of EVALUATION. No judge is asked, and nothing is spent."""
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.generating import make_answers

    project = screen.project()
    sealed = find_evaluation(evaluation, project, command=screen.typed(project))
    wishes = remote.Wishes(
        on, timeout, remote_python, send_env, yes=yes, dry_run=dry_run, as_json=as_json
    )
    if on is not None:
        answers.send(sealed, wishes, project)
        return
    wishes.refuse_alone(("--dry-run", dry_run), ("--json", as_json))
    screen.show(str(make_answers(sealed, project, screen.Terminal(), screen.consent(yes=yes))))
