"""`brie verify`: does an evaluation still hold, byte for byte and number for number?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
  brie verify --published "brie/1 eval-demo-1a2b3c4d seal:…"
  brie verify --regenerate 10           make ten answers again, and compare
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
@click.option(
    "--published", metavar="LINE",
    help="Hold it against the line that brie printed to be published, or against a file with it.",
)  # fmt: skip
@click.option(
    "--regenerate", type=click.IntRange(1), metavar="N",
    help="Make N answers again, drawn at random, and compare them (float32 on a CPU).",
)  # fmt: skip
@options.JSON
def command(
    evaluation: str | None,
    claims: Path | None,
    published: str | None,
    regenerate: int | None,
    as_json: bool,
) -> None:
    """Recompute seal, pins, rows, every verdict from its reply or rule, and every number."""
    screen.offline()
    if claims is not None:
        if evaluation is not None or published is not None or regenerate is not None:
            raise UsageError("--claims compares a file with the store; leave the rest out.")
        _claims(claims, as_json=as_json)
    elif evaluation is not None and Path(evaluation).is_file():
        if regenerate is not None:
            raise UsageError("--regenerate needs the models: unbundle the file beside them first.")
        _bundle(Path(evaluation), published, as_json=as_json)
    else:
        _evaluation(evaluation, published, regenerate, as_json=as_json)


def _evaluation(
    name: str | None, published: str | None, regenerate: int | None, *, as_json: bool
) -> None:
    from brie.ci.record import published_in
    from brie.ci.verify import verify
    from brie.ci.verify_suites import verify_suites
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.suites import find_suites

    project = screen.project()
    if (suites := find_suites(name, project)) is not None:
        _say(suites.manifest.id, verify_suites(suites, project), as_json=as_json)
        return
    evaluation = find_evaluation(name, project, command=screen.typed(project))
    line = published_in(published) if published is not None else None
    findings = verify(evaluation, project, line, screen=screen.Terminal())
    if regenerate is not None and findings[0].holds:
        from brie.ci.again import made_again

        findings.append(made_again(evaluation, regenerate, project))
    _say(evaluation.manifest.id, findings, as_json=as_json)


def _bundle(file: Path, published: str | None, *, as_json: bool) -> None:
    from brie.bundle import check_file
    from brie.ci.record import published_in

    line = published_in(published) if published is not None else None
    _say(*check_file(file, line, screen.Terminal()), as_json=as_json)


def _say(name: str, findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        _print(name, [{"what": f.what, "holds": f.holds, "note": f.note} for f in findings])
    for finding in findings if not as_json else ():
        word = "note" if finding.note else "ok  " if finding.holds else "FAIL"
        screen.show(f"{word}  {finding.what}", hanging=6)
    broken = [finding for finding in findings if not finding.holds]
    if broken:
        raise UsageError(f"{name} does not hold: {len(broken):,} of {len(findings):,} checks fail.")
    if not as_json:
        screen.show(f"{name} holds.")


def _print(name: str, findings: Sequence[Mapping[str, str | int | bool]]) -> None:
    """What was checked, as JSON: the exit code says the same."""
    holds = all(finding["holds"] for finding in findings)
    document = {"name": name, "holds": holds, "findings": list(findings)}
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _claims(file: Path, *, as_json: bool) -> None:
    from brie.ci.claims import check_claims

    answers = check_claims(file, screen.project())
    if as_json:
        _print(str(file), [{"line": a.line, "what": a.what, "holds": a.holds} for a in answers])
    for answer in answers if not as_json else ():
        screen.show(
            f"{'ok  ' if answer.holds else 'FAIL'}  {file}:{answer.line}: {answer.what}", hanging=6
        )
    broken = [answer for answer in answers if not answer.holds]
    if broken:
        raise UsageError(f"{file}: {len(broken):,} of {len(answers):,} claims do not hold.")
    if not as_json:
        screen.show(f"{file}: {len(answers):,} claims hold.")
