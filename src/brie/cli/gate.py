"""`brie gate`: hold an evaluation against a requirement, in continuous integration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.conventions import MARGIN
from brie.errors import GateNotMet, GateUndecided

if TYPE_CHECKING:
    from brie.ci.gate import Require


@click.command(
    epilog="""\b
Examples:
  brie gate --require better
  brie gate eval-in-domain-1a2b3c4d --require not-worse --margin 0.03
Exit codes: 0 met, 4 not met, 5 undecided or verdict withheld.
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
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(evaluation: str | None, require: Require, margin: float, as_json: bool) -> None:
    """Recompute EVALUATION's numbers from the store and say whether they meet a requirement."""
    from brie.api import analyse_evaluation
    from brie.ci.gate import gate
    from brie.evaluation.folders import find_evaluation

    screen.offline()
    project = screen.project()
    name = find_evaluation(evaluation, project).manifest.id
    answer = gate(analyse_evaluation(name, project), require, margin=margin)
    if as_json:
        fields = {"evaluation": name, "require": require, "margin": margin, "met": answer.met}
        click.echo(json.dumps({**fields, "reason": answer.sentence}, ensure_ascii=False))
    sentence = f"{name}: {require} {_word(answer.met)}: {answer.sentence}."
    if answer.met is None:
        raise GateUndecided(sentence)
    if not answer.met:
        raise GateNotMet(sentence)
    if not as_json:
        click.echo(sentence)


def _word(met: bool | None) -> str:
    return {True: "is met", False: "is not met", None: "is undecided"}[met]
