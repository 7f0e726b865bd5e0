"""`brie judge-check`: score judges on pairs whose better answer is known."""

from __future__ import annotations

import json
from typing import Any

import click

from brie.cli import screen
from brie.errors import Stopped


@click.command(
    epilog="""\b
Examples:
  brie judge-check --judge longer              free: what length alone would score
  brie judge-check --judge claude-sonnet --judge ollama
  brie judge-check                             the judges of the project's panel
"""
)
@click.option("--judge", "judges", metavar="ID", multiple=True, help="A judge; may be repeated.")
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Most it may cost in all.")
@click.option("--yes", is_flag=True, help="Agree to the quote beforehand.")
@click.option("--json", "as_json", is_flag=True, help="Print the cards as JSON on standard output.")
def command(judges: tuple[str, ...], budget: float | None, yes: bool, as_json: bool) -> None:
    """Show a card a judge: accuracy, position and letter effects, flips, injections, price, speed.

    Each card is written to reports/judges too, as HTML and as Markdown. The pairs are in
    judges/judge_check.jsonl; a project's own file of that name is used instead.
    """
    from brie.catalog import load_defaults, load_panel
    from brie.judge_check import check_judges
    from brie.judging import why_stopped
    from brie.report.judge_card import write_judge_cards

    project = screen.project()
    names = judges or load_panel(load_defaults(project).panel, project).judges
    spending = screen.spending(budget, yes=yes, batch=False, retry=False)
    cards, done = check_judges(names, project, screen.Terminal(), spending)
    if as_json:
        click.echo(json.dumps(cards, indent=2))
    else:
        for card in cards:
            click.echo("\n".join(lines(card)) + "\n")
    for path in write_judge_cards(cards, project.reports / "judges"):
        screen.say(project.relative(path))
    stopped = why_stopped(done, "brie judge-check " + " ".join(f"--judge {name}" for name in names))
    if stopped:
        raise Stopped(stopped)


def lines(card: dict[str, Any]) -> list[str]:
    """A card in words."""
    families = [f"  {name:<14} {_share(value)}" for name, value in card["by_family"].items()]
    unusable = card["verdicts"] - card["usable"]
    return [
        f"{card['judge']} ({card['provider']}, {card['model']}): {card['pairs']} pairs in both orders",
        f"right: {_share(card['accuracy'])}" + (f"; {unusable} verdicts unusable" if unusable else ""),
        *families,
        f"votes for the first answer {_lean(card['position'])}, for the letter A {_lean(card['label'])}",
        f"another outcome when the order is exchanged: {_percent(card['flips'])}",
        f"talked into a vote by the answer itself: {_percent(card['injection'])}",
        f"${card['usd_per_1000']:.2f} per 1,000 verdicts, {card['seconds']:.1f} s each",
    ]


def _share(value: dict[str, float] | None) -> str:
    if value is None:
        return "no usable verdict"
    return f"{value['value']:.0%} [{value['low']:.0%}, {value['high']:.0%}] of {value['n']:.0f}"


def _lean(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.0f} points"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
