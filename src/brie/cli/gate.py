"""`brie gate`: hold an evaluation against a requirement, in continuous integration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.conventions import MARGIN
from brie.errors import GateNotMet, GateUndecided, unknown

if TYPE_CHECKING:
    from brie.ci.gate import Require


@click.command(
    epilog="""\b
Examples:
  brie gate --require better
  brie gate eval-in-domain-1a2b3c4d --require not-worse --margin 0.03
  brie gate --require better --allow contamination
Exit codes: 0 met, and it stands; 4 refuted, withheld, or a broken seal; 5 undecided or conditional.
"""
)
@click.argument("evaluation", required=False)
@click.option(
    "--require",
    type=click.Choice(["better", "not-worse"]),
    required=True,
    help="The verdict `better`, or a win rate not below one half less the margin.",
)
@click.option(
    "--margin", type=click.FloatRange(0, 0.5), default=MARGIN, show_default=True,
    help="How far below one half still is not worse.",
)  # fmt: skip
@click.option(
    "--allow", "allowed", multiple=True, metavar="CHECK",
    help="A check, or `missing`, that is not to keep the verdict from standing; recorded. Repeatable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(
    evaluation: str | None, require: Require, margin: float, allowed: tuple[str, ...], as_json: bool
) -> None:
    """Recompute EVALUATION's numbers from the store and say whether they meet a requirement."""
    from brie.api import analyse_evaluation
    from brie.checks.standing import CAUSES
    from brie.ci.gate import gate
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.soundness import unsound

    screen.offline()
    for cause in allowed:
        if cause not in CAUSES:
            raise unknown("check", cause, CAUSES)
    project = screen.project()
    manifest = find_evaluation(evaluation, project, command=screen.typed(project)).manifest
    name = manifest.id
    if broken := unsound(manifest):
        raise GateNotMet(f"{name}: the seal is broken, and nothing lifts that: {'; '.join(broken)}.")
    answer = gate(analyse_evaluation(name, project), require, margin=margin, allowed=allowed)
    if as_json:
        standing = answer.standing.model_dump(mode="json") if answer.standing else None
        fields = {
            "evaluation": name, "require": require, "margin": margin, "met": answer.met,
            "reason": answer.sentence, "standing": standing, "allow": list(allowed),
            "lifted": [reason.model_dump(mode="json") for reason in answer.lifted],
        }  # fmt: skip
        click.echo(json.dumps(fields, ensure_ascii=False))
    sentence = f"{name}: {require} {_word(answer.met)}: {answer.sentence}."
    if answer.met is None:
        raise GateUndecided(sentence)
    if not answer.met:
        raise GateNotMet(sentence)
    if not as_json:
        screen.show(sentence, hanging=2)


def _word(met: bool | None) -> str:
    return {True: "is met", False: "is not met", None: "is undecided"}[met]
