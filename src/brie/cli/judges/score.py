"""`brie judges score`: score judges on pairs whose better answer is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.errors import Stopped, UsageError
from brie.number_format import dollars, percent, signed, signed_span, span

if TYPE_CHECKING:
    from brie.records.estimates import Estimate
    from brie.records.studies import CardMargins, JudgeCard


@click.command(
    epilog="""\b
Examples:
  brie judges score --judge longer             free: what length alone would score
  brie judges score --judge claude-sonnet --judge ollama
  brie judges score                            the judges of the project's panel
"""
)
@options.JUDGES
@options.BUDGET
@options.YES
@options.PATIENCE
@options.PROBE
@click.option("--json", "as_json", is_flag=True, help="Print the cards as JSON on standard output.")
def command(
    judges: tuple[str, ...],
    budget: float | None,
    yes: bool,
    patience: float,
    probe: bool,
    as_json: bool,
) -> None:
    """Show a card a judge: accuracy, position and letter effects, flips, injections, price, speed.

    Each card is written to reports/judges too, as HTML and as Markdown. The pairs are in
    judges/judge_check.jsonl; a project's own file of that name is used instead.
    """
    from dataclasses import replace

    from brie.catalog import load_defaults, load_panel
    from brie.evaluation.choice import reachable_names
    from brie.evaluation.judging import why_stopped
    from brie.report.judge_card import write_judge_cards
    from brie.studies.judge_check import check_judges, document

    project = screen.project()
    panel = load_defaults(project).panel
    names = judges or (load_panel(panel, project).judges if panel else reachable_names(project))
    if not names:
        raise UsageError("name a judge: brie judges score --judge longer; all of them: brie judges ls")
    spending = replace(
        screen.spending(budget, yes=yes, batch=False, retry=False, patience=patience, probe=probe),
        without_keys="Without a key: --judge longer, or a model on this machine: --judge ollama",
    )
    cards, done = check_judges(names, project, screen.Terminal(), spending)
    if as_json:
        click.echo(json.dumps(document(cards, project).written(), indent=2))
    else:
        for card in cards:
            screen.show("\n".join(lines(card)) + "\n", hanging=36)
    for path in write_judge_cards(cards, project.reports / "judges"):
        screen.say(project.relative(path))
    stopped = why_stopped(done, "brie judges score " + " ".join(f"--judge {name}" for name in names))
    if stopped:
        raise Stopped(stopped)


def lines(card: JudgeCard) -> list[str]:
    """A card in words."""
    unusable = {name: n for name, n in card.status.items() if n and name != "ok"}
    told = ", ".join(f"{n:,} {name}" for name, n in unusable.items())
    price = f"{dollars(card.usd_per_1000)} per 1,000 verdicts" if card.usd else "free"
    return [
        f"{card.judge} ({card.provider}, {card.model})",
        f"  {card.pairs:,} pairs in both orders, {card.usable:,} of {card.verdicts:,} verdicts usable"
        + (f": {told}" if told else ""),
        "",
        _row("right where one answer is better", _share(card.accuracy)),
        *(_row(f"  {name}", _share(value)) for name, value in card.by_family.items()),
        *_margins(card),
        _row("lean to the first answer", _lean(card.position)),
        _row("lean to the letter A", _lean(card.label)),
        _row(f"{_what(card)} changes with the order", _share(card.flips)),
        _row("talked into a vote by an answer", _share(card.injection)),
        _row("price and time", f"{price}, {card.seconds:.1f} s each"),
        *_people(card),
    ]


def _what(card: JudgeCard) -> str:
    """What may change with the order: of a judge that gives numbers, only what stands under them."""
    return "raw letter" if card.margins else "outcome"


def _margins(card: JudgeCard) -> list[str]:
    """Of a judge that gives numbers: whether it may count, and from which margin on."""
    margins = card.margins
    if margins is None:
        return []
    return [
        _row("  every family weighing the same", _share(margins.accuracy)),
        _row("  so in a headline it", _standing(margins)),
        _row("a tie up to a margin of", f"{margins.tie:.2g}"),
    ]


def _standing(margins: CardMargins) -> str:
    if margins.may_count:
        return "may count where its controls pass"
    return "never counts: not shown better than chance"


def _people(card: JudgeCard) -> Iterator[str]:
    """What people's votes said of it, evaluation by evaluation."""
    from brie.report.measured import judge_figures

    for name, of in card.people.items():
        yield ""
        yield f"  held against people's votes in {name}, {of.agreement.n:,} comparisons"
        for figure in judge_figures(of):
            ends = f"  ({figure.ends})" if figure.ends else ""
            yield _row(f"  {figure.name}", f"{figure.value}{ends}")


def _row(label: str, value: str) -> str:
    return f"  {label:<34}{value}"


def _share(value: Estimate | None) -> str:
    if value is None or value.low is None or value.high is None:
        return "-"
    ends = f"({span(value.low, value.high)})"
    return f"{percent(value.value):>6}  {ends:<10} of {value.n:,} pairs"


def _lean(value: Estimate | None) -> str:
    if value is None or value.low is None or value.high is None:
        return "-"
    return f"{signed(value.value)} points  ({signed_span(value.low, value.high)})"
