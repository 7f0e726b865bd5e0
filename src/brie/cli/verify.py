"""`brie verify`: does an evaluation still hold, byte for byte and number for number?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.errors import UsageError

if TYPE_CHECKING:
    from brie.ci.findings import Finding


@click.command(
    epilog="""\b
Examples:
  brie verify
  brie verify eval-demo-1a2b3c4d
  brie verify theirs.zip                a bundle, without the sender's machine
  brie verify --claims README.md
"""
)
@click.argument("evaluation", metavar="[EVAL|FILE]", required=False)
@click.option(
    "--claims",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Compare the numbers a Markdown file cites with the store: <!-- brie:win_rate EVAL -->71 %",
)
def command(evaluation: str | None, claims: Path | None) -> None:
    """Recompute the seal, the pins, the digest over all used rows, and every number."""
    screen.offline()
    if claims is not None:
        if evaluation is not None:
            raise UsageError("name an evaluation or a file with --claims, not both.")
        _claims(claims)
    elif evaluation is not None and Path(evaluation).is_file():
        _bundle(Path(evaluation))
    else:
        _evaluation(evaluation)


def _evaluation(name: str | None) -> None:
    from brie.ci.verify import verify
    from brie.evaluation.folders import find_evaluation

    project = screen.project()
    evaluation = find_evaluation(name, project, command=screen.typed(project))
    _say(evaluation.manifest.id, verify(evaluation, project))


def _bundle(file: Path) -> None:
    from brie.bundle import check_file

    _say(*check_file(file))


def _say(name: str, findings: Sequence[Finding]) -> None:
    for finding in findings:
        screen.show(f"{'ok  ' if finding.holds else 'FAIL'}  {finding.what}", hanging=6)
    broken = [finding for finding in findings if not finding.holds]
    if broken:
        raise UsageError(f"{name} does not hold: {len(broken)} of {len(findings)} checks fail.")
    screen.show(f"{name} holds.")


def _claims(file: Path) -> None:
    from brie.ci.claims import check_claims

    answers = check_claims(file, screen.project())
    for answer in answers:
        screen.show(
            f"{'ok  ' if answer.holds else 'FAIL'}  {file}:{answer.line}: {answer.what}", hanging=6
        )
    broken = [answer for answer in answers if not answer.holds]
    if broken:
        raise UsageError(f"{file}: {len(broken)} of {len(answers)} claims do not hold.")
    screen.show(f"{file}: {len(answers)} claims hold.")
