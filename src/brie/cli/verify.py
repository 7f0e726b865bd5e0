"""`brie verify`: does an evaluation still hold, byte for byte and number for number?"""

from __future__ import annotations

from pathlib import Path

import click

from brie.cli import screen
from brie.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  brie verify
  brie verify eval-demo-1a2b3c4d
  brie verify --claims README.md
"""
)
@click.argument("evaluation", required=False)
@click.option(
    "--claims",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Compare the numbers a Markdown file cites with the store: <!-- brie:win_rate EVAL -->71 %",
)
def command(evaluation: str | None, claims: Path | None) -> None:
    """Recompute the seal, the pins, the digest over all used rows, and every number."""
    if claims is not None:
        if evaluation is not None:
            raise UsageError("name an evaluation or a file with --claims, not both.")
        _claims(claims)
    else:
        _evaluation(evaluation)


def _evaluation(name: str | None) -> None:
    from brie.evaluations import find_evaluation
    from brie.verify import verify

    project = screen.project()
    found = find_evaluation(name, project)
    findings = verify(found, project)
    for finding in findings:
        click.echo(f"{'ok  ' if finding.holds else 'FAIL'}  {finding.what}")
    broken = [finding for finding in findings if not finding.holds]
    if broken:
        raise UsageError(
            f"{found.manifest.id} does not hold: {len(broken)} of {len(findings)} checks fail."
        )
    click.echo(f"{found.manifest.id} holds.")


def _claims(file: Path) -> None:
    from brie.claims import check_claims

    answers = check_claims(file, screen.project())
    for answer in answers:
        click.echo(f"{'ok  ' if answer.holds else 'FAIL'}  {file}:{answer.line}: {answer.what}")
    broken = [answer for answer in answers if not answer.holds]
    if broken:
        raise UsageError(f"{file}: {len(broken)} of {len(answers)} claims do not hold.")
    click.echo(f"{file}: {len(answers)} claims hold.")
