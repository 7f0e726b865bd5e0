"""`brie verify`: does an evaluation still hold, byte for byte and number for number?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
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
@options.JSON
def command(evaluation: str | None, claims: Path | None, as_json: bool) -> None:
    """Recompute the seal, the pins, the digest over all used rows, and every number."""
    screen.offline()
    if claims is not None:
        if evaluation is not None:
            raise UsageError("name an evaluation or a file with --claims, not both.")
        _claims(claims, as_json=as_json)
    elif evaluation is not None and Path(evaluation).is_file():
        _bundle(Path(evaluation), as_json=as_json)
    else:
        _evaluation(evaluation, as_json=as_json)


def _evaluation(name: str | None, *, as_json: bool) -> None:
    from brie.ci.verify import verify
    from brie.ci.verify_suites import verify_suites
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.suites import find_suites

    project = screen.project()
    if (suites := find_suites(name, project)) is not None:
        _say(suites.manifest.id, verify_suites(suites, project), as_json=as_json)
        return
    evaluation = find_evaluation(name, project, command=screen.typed(project))
    _say(evaluation.manifest.id, verify(evaluation, project), as_json=as_json)


def _bundle(file: Path, *, as_json: bool) -> None:
    from brie.bundle import check_file

    _say(*check_file(file), as_json=as_json)


def _say(name: str, findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        _print(name, [{"what": f.what, "holds": f.holds} for f in findings])
    for finding in findings if not as_json else ():
        screen.show(f"{'ok  ' if finding.holds else 'FAIL'}  {finding.what}", hanging=6)
    broken = [finding for finding in findings if not finding.holds]
    if broken:
        raise UsageError(f"{name} does not hold: {len(broken)} of {len(findings)} checks fail.")
    if not as_json:
        screen.show(f"{name} holds.")


def _print(name: str, findings: list[dict[str, str | int | bool]]) -> None:
    """What was checked, as JSON: the exit code says the same."""
    holds = all(finding["holds"] for finding in findings)
    document = {"name": name, "holds": holds, "findings": findings}
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _claims(file: Path, *, as_json: bool) -> None:
    from brie.ci.claims import check_claims

    answers = check_claims(file, screen.project())
    if as_json:
        lines = [{"line": a.line, "what": a.what, "holds": a.holds} for a in answers]
        _print(str(file), [dict(line) for line in lines])
    for answer in answers if not as_json else ():
        screen.show(
            f"{'ok  ' if answer.holds else 'FAIL'}  {file}:{answer.line}: {answer.what}", hanging=6
        )
    broken = [answer for answer in answers if not answer.holds]
    if broken:
        raise UsageError(f"{file}: {len(broken)} of {len(answers)} claims do not hold.")
    if not as_json:
        screen.show(f"{file}: {len(answers)} claims hold.")
