"""`brie judges cost`: what was spent, by evaluation, judge and day."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from brie.cli import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brie.store.ledger import Spent


@click.command(
    epilog="""\b
Examples:
  brie judges cost
  brie judges cost --by judge
  brie judges cost --json
"""
)
@click.option(
    "--by",
    type=click.Choice(["evaluation", "judge", "day"]),
    default="evaluation",
    show_default=True,
    help="What to add up.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every line of the ledger as JSON.")
def command(by: str, as_json: bool) -> None:
    """Show what judging has cost: every call that was made is in the ledger.

    Calls of a process that was killed are charged in full, because nobody knows what became of them.
    """
    from brie.store import Store

    project = screen.project()
    if not project.store.is_file():
        click.echo("[]" if as_json else "nothing was asked and nothing spent here yet.")
        return
    with Store.open(project.store, read_only=True) as store:
        rows = store.ledger()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for line in table(rows, by):
        screen.show(line, hanging=4)


def table(rows: Sequence[Spent], by: str) -> list[str]:
    """The ledger added up, one line a group, and the sum."""
    groups: dict[str, list[Spent]] = {}
    for row in rows:
        groups.setdefault(str(getattr(row, by)), []).append(row)
    width = max((len(name) for name in groups), default=5)
    lines = [f"{by:<{width}}   {'US $':>9} {'calls':>8} {'input':>11} {'output':>10}"]
    lines += [_line(name, group, width) for name, group in groups.items()]
    return [*lines, _line("in all", list(rows), width)]


def _line(name: str, rows: Sequence[Spent], width: int) -> str:
    lost = sum(row.lost for row in rows)
    note = f"   {lost} lost in killed processes, charged in full" if lost else ""
    return (
        f"{name:<{width}}   {sum(r.usd for r in rows):>9.4f} {sum(r.calls for r in rows):>8} "
        f"{sum(r.input_tokens for r in rows):>11} {sum(r.output_tokens for r in rows):>10}{note}"
    )
