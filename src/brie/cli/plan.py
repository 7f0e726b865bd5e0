"""`brie plan`: what a suite can detect, and what judging it costs, before anything is spent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.cli.plan_narrowing import narrowing_lines
from brie.lines import folded
from brie.number_format import dollars, listed, percent

if TYPE_CHECKING:
    from brie.records import Positions
    from brie.studies.planning import Design, Price, Row

_CELL = 8
"""Columns of one rate."""
_AROUND = 38
"""Columns of the table without the rates."""


@click.command(
    epilog="""\b
Examples:
  brie plan --suite in_domain
  brie plan --suite my_prompts.toml --samples 1 --samples 5 --panel default
  brie plan --suite in_domain --judge claude-sonnet --positions balanced --plot plan.svg
  brie plan --suite in_domain --candidate taught:best
"""
)
@options.SUITE
@click.option("--samples", type=click.IntRange(1), multiple=True, help="Numbers of samples to compare.")
@click.option(
    "--positions", type=click.Choice(["both", "balanced"]), multiple=True, help="Orders to compare."
)
@click.option(
    "--judge", "judges", metavar="ID", multiple=True, help="A judge to price; may be repeated."
)
@click.option("--panel", metavar="NAME", help="A panel to price; the project's by default.")
@click.option(
    "--candidate",
    metavar="MODEL",
    help="Count only prompts that are not in or near what this model was trained on.",
)
@click.option(
    "--minutes-per-vote",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Minutes a person takes for a vote.",
)
@click.option(
    "--usd-per-hour",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="What an hour of a voter costs.",
)
@options.PLOT
@options.JSON
def command(
    suite: str,
    samples: tuple[int, ...],
    positions: tuple[Positions, ...],
    judges: tuple[str, ...],
    panel: str | None,
    candidate: str | None,
    minutes_per_vote: float,
    usd_per_hour: float,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show the smallest win rate a suite can detect, how many prompts an effect needs, and the price.

    80 % power, 5 % two-sided, one judge's worth of noise: more judges share their errors, so they
    are not counted as precision. Variance measured by an earlier evaluation of the suite is used
    where the same judges judged in the same orders, with its upper limit. Where people voted on
    drawn prompts of the suite, what narrows their rate most: votes, prompts, or another judge.
    Nothing is asked and nothing is sent.
    """
    from brie.records.studies import VoterRates
    from brie.studies.suite_plan import ORDERS, SAMPLES, plan_table

    project = screen.project()
    table = plan_table(
        suite,
        project,
        samples=samples or SAMPLES,
        positions=positions or ORDERS,
        judges=judges,
        panel=panel,
        candidate=candidate,
        rates=VoterRates(minutes_per_vote=minutes_per_vote, usd_per_hour=usd_per_hour),
    )
    if plot is not None:
        from brie.report.plan_figure import write_plan_figure

        write_plan_figure(table.document(), plot)
        screen.say(screen.named(plot, project))
    if as_json:
        click.echo(json.dumps(table.document().written(), indent=2))
    else:
        screen.out("\n".join(lines(table, min(screen.width(), 80))))


def lines(table: Design, width: int = 80) -> Iterator[str]:
    """The plan for a terminal, in so many columns.

    Args:
        table: the designs, and what each can find.
        width: columns; tables of fewer than 80 leave out rates or the bar's scale, never cut a word.
    """
    for line in _lines(table, width):
        yield from folded(line, width, hanging=line[: len(line) - len(line.lstrip())])


def _lines(table: Design, width: int) -> Iterator[str]:
    yield f"suite {table.suite}: {table.prompts:,} prompts"
    if table.left is not None:
        yield table.left.words()
        alone = [name for name in table.judges if name in table.left.taught_by]
        if alone and len(alone) == len(table.judges):
            yield f"{listed(alone)} taught it, and cannot judge it alone: name another --judge"
    yield from _variance(table)
    rows = _distinct(table.rows)
    orders = len({row.positions for row in rows}) > 1
    yield ""
    yield from _power(rows, width)
    yield ""
    yield (
        "80 % power, 5 % two-sided. 85+7: the formula, and the prompts that it lacks as wins come in "
        "whole steps. Equivalent: within 5 points of even."
    )
    if any(row.measured is None for row in rows):
        yield "Assumed, the second order buys freedom from position bias; it is not counted."
    yield ""
    yield from _bars(rows, min(50, width - 30), both=orders)
    if table.judges:
        yield ""
        yield from _prices(table, width)
    yield ""
    yield from narrowing_lines(table.narrowing)


def _variance(table: Design) -> Iterator[str]:
    """Where the variance of each order comes from."""
    sources = {row.positions: row for row in table.rows}
    if not any(row.measured for row in sources.values()):
        yield (
            "variance assumed: two samples of a prompt correlate .3 (no evaluation of this suite by "
            "these judges has measured it)"
        )
        return
    for positions, row in sources.items():
        order = "both orders" if positions == "both" else "one order"
        if row.measured is None:
            yield f"{order}: variance assumed, two samples of a prompt correlate .3"
            continue
        yield f"{order}: variance as measured by {row.measured}, these judges, its upper 90 % limit"
        if row.assumed:
            yield f"  {row.assumed}"


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Without measured components, orders differ in price alone."""
    if any(row.measured for row in rows):
        return list(rows)
    return [row for row in rows if row.positions == rows[0].positions]


def _power(rows: Sequence[Row], width: int) -> Iterator[str]:
    """What each design finds: the least rate, and prompts needed for some rates."""
    rates = list(rows[0].power.needed)
    rates = rates[: max(1, (width - _AROUND) // _CELL)] if width < 80 else rates
    both = len({row.positions for row in rows}) > 1
    wide = _CELL * len(rates)
    title = "prompts needed to find" if wide > 22 else "prompts needed"
    yield f"{'':14}{'finds':>8}   {title.ljust(wide)}{'prompts for':>13}"
    heads = "".join(f"{percent(rate):>{_CELL}}" for rate in rates)
    yield f"{'samples':<14}{'from':>8}   {heads}{'equivalent':>13}"
    for row in rows:
        power = row.power
        detects = percent(power.detectable) if power.detectable is not None else "nothing"
        cells = "".join(f"{_needed(power.formula[rate], power.needed[rate]):>{_CELL}}" for rate in rates)
        order = f" {row.positions}" if both else ""
        yield f"{power.samples:>4}{order:<10}{detects:>8}   {cells}{power.equivalence:>13}"


def _needed(formula: int, planned: int) -> str:
    return str(formula) if planned == formula else f"{formula}+{planned - formula}"


def _bars(rows: Sequence[Row], scale: int, *, both: bool) -> Iterator[str]:
    for row in rows:
        order = f" {row.positions}" if both else ""
        yield f"{row.power.samples:>4}{order:<10}{bar(row.power.detectable, scale)}"
    yield f"{'':14}{'50 %':<{scale // 2 - 1}}{'75':<{scale // 2 - 4}}100 %"
    yield f"{'':14}░ cannot be told from even   ▓ would be found"


def bar(detectable: float | None, width: int = 50) -> str:
    """Which true rates from 50 to 100 % would be found."""
    edge = width if detectable is None else round((detectable - 0.5) * 2 * width)
    return "░" * edge + "▓" * (width - edge)


def _prices(table: Design, width: int) -> Iterator[str]:
    names = ", ".join(table.judges)
    yield f"judging by {names if len(names) < 60 else f'{len(table.judges)} judges'}, controls included"
    gap = 12 if width >= 74 else 9
    yield f"samples  orders  {'verdicts':>{gap}}{'price':>{gap}}{'batched':>{gap}}{'minutes':>{gap}}"
    for row in table.rows:
        if row.price is not None:
            orders = "both" if row.positions == "both" else "one"
            usd, batch = _dollars(row.price.usd), _dollars(row.price.usd_batch)
            yield (
                f"{row.power.samples:>4}     {orders:<8}{row.price.calls:>{gap},}"
                f"{usd:>{gap}}{batch:>{gap}}{_minutes(row.price):>{gap}}"
            )
    unknown = {
        name for row in table.rows if row.price
        for name, price in row.price.by_judge.items() if price.usd is None
    }  # fmt: skip
    if unknown:
        yield f"price not known: {', '.join(sorted(unknown))}. Put [price] into the judge's file."
    yield "Answers of usual length; a batch may take a day. `brie eval` quotes once more."


def _dollars(usd: float | None) -> str:
    if usd is None:
        return "unknown"
    return "free" if usd == 0 else dollars(usd)


def _minutes(price: Price) -> str:
    if price.minutes is None:
        return "not timed"
    return "at once" if price.minutes == 0 else f"{max(1, round(price.minutes)):,}"
