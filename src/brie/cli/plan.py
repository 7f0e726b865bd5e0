"""`brie plan`: what a suite can detect, and what judging it costs, before anything is spent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from brie.cli import screen
from brie.errors import UsageError
from brie.project import Project

if TYPE_CHECKING:
    from brie.judge.quote import CallStats
    from brie.records import PanelJudge, Positions, Suite
    from brie.studies.planning import Design, Earlier, Price, Row

PLOTS = (".svg", ".png", ".pdf")


@click.command(
    epilog="""\b
Examples:
  brie plan --suite in_domain
  brie plan --suite my_prompts.toml --samples 1 --samples 5 --panel default
  brie plan --suite in_domain --judge claude-sonnet --positions balanced --plot plan.svg
"""
)
@click.option("--suite", required=True, help="A suite's name or file.")
@click.option("--samples", type=click.IntRange(1), multiple=True, help="Numbers of samples to compare.")
@click.option(
    "--positions", type=click.Choice(["both", "balanced"]), multiple=True, help="Orders to compare."
)
@click.option(
    "--judge", "judges", metavar="ID", multiple=True, help="A judge to price; may be repeated."
)
@click.option("--panel", metavar="NAME", help="A panel to price; the project's by default.")
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE", help="Also draw it: svg, png, pdf."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def command(
    suite: str,
    samples: tuple[int, ...],
    positions: tuple[str, ...],
    judges: tuple[str, ...],
    panel: str | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show the smallest win rate a suite can detect, how many prompts an effect needs, and the price.

    80 % power, 5 % two-sided, one judge's worth of noise: more judges share their errors, so they
    are not counted as precision. Variance measured by an earlier evaluation of the suite is used
    where there is one. Nothing is asked and nothing is sent.
    """
    from brie.catalog import load_suite
    from brie.studies import design

    check_plot(plot)
    project = screen.project()
    loaded = load_suite(suite, project)
    seats = place_seats(judges, panel, loaded, project)
    orders = cast("tuple[Positions, ...]", positions) or ("both", "balanced")
    found = design(
        loaded,
        tuple(dict.fromkeys(samples)) or (1, 3, 5),
        tuple(dict.fromkeys(orders)),
        earlier=measured(loaded, project),
        seats=seats,
        habits=_habits(seats, project),
    )
    if plot is not None:
        from brie.report.plan_figure import write_plan_figure

        write_plan_figure(found.document(), plot)
        screen.say(project.relative(plot))
    if as_json:
        click.echo(json.dumps(found.document().written(), indent=2))
        return
    click.echo("\n".join(lines(found)))


def lines(found: Design) -> Iterator[str]:
    """The plan for a terminal, at most 80 columns."""
    yield f"suite {found.suite}: {found.prompts} prompts"
    if found.measured:
        yield f"variance as measured by {found.measured}"
    else:
        yield "variance assumed: two samples of a prompt correlate .3 (later: measured)"
    rows = found.rows if found.measured else _one_order(found.rows)
    yield ""
    yield from _power(rows)
    yield ""
    yield "80 % power, 5 % two-sided. 25+3: the formula, and 3 more below 50 prompts,"
    yield "where it is a little optimistic. `equivalent`: within 5 points of even."
    if not found.measured:
        yield "The second order buys freedom from position bias; it is not counted here."
    yield ""
    yield from _bars(rows, both=bool(found.measured))
    if found.judges:
        yield ""
        yield from _prices(found)


def _one_order(rows: Sequence[Row]) -> list[Row]:
    """Without measured components, orders differ in price alone."""
    return [row for row in rows if row.positions == rows[0].positions]


def _power(rows: Sequence[Row]) -> Iterator[str]:
    rates = list(rows[0].power.needed)
    both = len({row.positions for row in rows}) > 1
    yield "             finds a win   prompts needed to find a true win rate of    for"
    yield "samples      rate from  " + "".join(f"{rate:>8.0%}" for rate in rates) + "  equivalent"
    for row in rows:
        power = row.power
        detects = f"{power.detectable:.0%}" if power.detectable is not None else "nothing"
        cells = "".join(f"{_needed(power.formula[rate], power.needed[rate]):>8}" for rate in rates)
        order = f" {row.positions}" if both else ""
        yield f"{power.samples:>4}{order:<9}{detects:>8}   {cells}{power.equivalence:>12}"


def _needed(formula: int, planned: int) -> str:
    return str(formula) if planned == formula else f"{formula}+{planned - formula}"


def _bars(rows: Sequence[Row], *, both: bool) -> Iterator[str]:
    for row in rows:
        order = f" {row.positions}" if both else ""
        yield f"{row.power.samples:>4}{order:<9} {bar(row.power.detectable)}"
    yield f"{'':14}50 %{'75':>21}{'100 %':>26}"
    yield f"{'':14}░ cannot be told from even   ▓ would be found"


def bar(detectable: float | None, width: int = 50) -> str:
    """Which true rates from 50 to 100 % would be found."""
    edge = width if detectable is None else round((detectable - 0.5) * 2 * width)
    return "░" * edge + "▓" * (width - edge)


def _prices(found: Design) -> Iterator[str]:
    names = ", ".join(found.judges)
    yield f"judging by {names if len(names) < 60 else f'{len(found.judges)} judges'}, controls included"
    yield "samples  orders        verdicts       price     batched   minutes"
    for row in found.rows:
        if row.price is not None:
            orders = "both" if row.positions == "both" else "one"
            yield (
                f"{row.power.samples:>4}     {orders:<10}{row.price.calls:>12,}"
                f"{_dollars(row.price.usd):>12}{_dollars(row.price.usd_batch):>12}"
                f"{_minutes(row.price):>10}"
            )
    unknown = {
        name for row in found.rows if row.price
        for name, price in row.price.by_judge.items() if price.usd is None
    }  # fmt: skip
    if unknown:
        yield f"price not known: {', '.join(sorted(unknown))}. Put [price] into the judge's file."
    yield "Answers of usual length; a batch may take a day. `brie eval` quotes once more."


def _dollars(usd: float | None) -> str:
    if usd is None:
        return "unknown"
    return "free" if usd == 0 else f"${usd:,.2f}"


def _minutes(price: Price) -> str:
    if price.minutes is None:
        return "not timed"
    return "at once" if price.minutes == 0 else f"{max(1, round(price.minutes)):,}"


def measured(suite: Suite, project: Project) -> Earlier | None:
    """The latest finished evaluation of a suite that measured its variance."""
    from brie.evaluation.folders import evaluations
    from brie.records.analysis import Analysis
    from brie.studies.planning import Earlier

    found: Earlier | None = None
    for evaluation in sorted(evaluations(project), key=lambda e: e.manifest.created):
        if evaluation.manifest.plan.suite.digest() != suite.digest():
            continue
        try:
            analysis = Analysis.read(evaluation.analysis_file.read_bytes())
        except (OSError, ValueError):
            continue
        variance, rate = analysis.variance, analysis.win_rate
        if variance is not None and rate is not None and not analysis.interim:
            judges = [judge for judge in analysis.by_judge.values() if not judge.instrument]
            found = Earlier(evaluation.manifest.id, rate.value, max(1, len(judges)), variance)
    return found


def place_seats(
    judges: Sequence[str], panel: str | None, suite: Suite, project: Project
) -> list[PanelJudge]:
    """The judges to price; without any named, the project's panel."""
    from brie.catalog import load_defaults, load_judge, load_panel, load_rubric
    from brie.studies.planning import place

    if judges and panel:
        raise UsageError("name judges with --judge or a panel with --panel, not both.")
    names = judges or load_panel(panel or load_defaults(project).panel, project).judges
    specs = [load_judge(name, project) for name in dict.fromkeys(names)]
    return [place(spec, load_rubric(spec.rubric or suite.rubric, project)) for spec in specs]


def _habits(seats: Sequence[PanelJudge], project: Project) -> dict[str, CallStats]:
    from brie.judge.quote import CallStats
    from brie.store import Store

    if not project.store.is_file():
        return {}
    with Store.open(project.store, read_only=True) as store:
        return {one.judge.id: CallStats(*store.habits(one.judge.id)) for one in seats}


def check_plot(path: Path | None) -> None:
    """Refuse a figure that cannot be drawn before any work is done for it."""
    if path is not None and path.suffix.lower() not in PLOTS:
        raise UsageError(f"--plot draws {', '.join(PLOTS)} files, not {path.suffix or path.name!r}.")
    if path is not None and not path.resolve().parent.is_dir():
        raise UsageError(f"--plot: there is no folder {path.parent}.")
