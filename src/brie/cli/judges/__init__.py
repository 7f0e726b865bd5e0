"""`brie judges`: who can judge, how well, whether one has changed, and what it has cost."""

from __future__ import annotations

import click

from brie.cli.groups import Verbs

COMMANDS: dict[str, dict[str, str]] = {
    "Commands": {
        "ls": "List judges and panels: models, keys, prices, where requests go.",
        "score": "Score judges on pairs whose better answer is known.",
        "drift": "Ask judges sealed verdicts again: has one changed?",
        "cost": "Show what judging has cost, by evaluation, judge or day.",
    }
}


class Judges(Verbs):
    """What can be asked about judges."""

    package = __name__
    sections = COMMANDS


@click.group(
    cls=Judges,
    epilog="""\b
Examples:
  brie judges ls
  brie judges score --judge claude-sonnet
  brie judges drift seal in_domain-3f9a
  brie judges drift --yes
  brie judges cost --by judge
""",
)
def command() -> None:
    """Show who can judge, how well, whether one has changed, and what it has cost."""
