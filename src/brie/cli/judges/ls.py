"""`brie judges ls`: who can judge here, and what asking each of them takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen

if TYPE_CHECKING:
    from brie.judge.listing import JudgeList, JudgeRow, PanelRow


@click.command(epilog="\b\nExamples:\n  brie judges ls\n  brie judges ls --json\n")
@options.JSON
def command(as_json: bool) -> None:
    """List judges (model, key, price, where requests go) and panels. Nobody is asked.

    A key is shown by its variable's name, and whether that is set; never by its value. Prices are
    US dollars for a million tokens read and a million written.
    """
    from brie.judge.listing import list_judges

    listing = list_judges(screen.project())
    if as_json:
        click.echo(json.dumps(listing, indent=2))
    else:
        screen.show("\n".join(lines(listing)), hanging=4)


def lines(listing: JudgeList) -> Iterator[str]:
    """Judges and panels for a terminal, folded at its width."""
    for row in listing["judges"]:
        if row["kind"] == "unreadable":
            yield screen.labelled(row["id"], f" unreadable: {row['why']}", 4)
            continue
        yield f"{row['id']}  {row['provider']}, {row['model']}"
        yield screen.labelled("", "; ".join((_money(row), _way(row), *_key(row))), 4)
    yield ""
    for panel in listing["panels"]:
        yield screen.labelled(f"panel {panel['name']}", _panel(panel), 18)


def _money(row: JudgeRow) -> str:
    if not row["paid"]:
        return "free"
    price = row["price"]
    if price is None:
        return "price not known"
    return f"${price['input']:g} and ${price['output']:g} ({price['source']}, {price['read_on']})"


def _way(row: JudgeRow) -> str:
    if row["kind"] == "person":
        return "votes of people"
    if row["host"] is not None:
        return f"requests go to {row['host']}"
    return f"nothing leaves this network: {row['address']}" if row["address"] else "on this machine"


def _key(row: JudgeRow) -> Iterator[str]:
    if row["key_variable"]:
        yield f"{row['key_variable']} is {'set' if row['key_set'] else 'not set'}"


def _panel(panel: PanelRow) -> str:
    beside = f"; beside them {', '.join(panel['instruments'])}" if panel["instruments"] else ""
    default = "; taken where nothing is said" if panel["default"] else ""
    return f"{', '.join(panel['judges'])}{beside}{default}"
