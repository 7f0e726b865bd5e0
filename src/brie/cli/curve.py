"""`brie curve`: win rate over a run's training steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from brie.cli import options, screen
from brie.lines import command as command_line
from brie.lines import folded
from brie.number_format import p_equals, percent, span

if TYPE_CHECKING:
    from brie.records.studies import CurveDocument, CurveRung
    from brie.studies.curve_log import Tracker


@click.command(
    epilog="""\b
Examples:
  brie curve demo --suite demo
  brie curve 3f9a --suite in_domain --judge claude-opus --samples 1 --budget 20
  brie curve 3f9a --suite in_domain --select-by-judges
  brie curve 3f9a --suite in_domain --report-to tensorboard
"""
)
@click.argument("run")
@options.SUITE
@options.JUDGES
@options.PANEL
@options.SAMPLES
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Most all of it may cost.")
@click.option("--yes", is_flag=True, help="Agree to the quotes beforehand.")
@options.BATCH
@options.PATIENCE
@options.PROBE
@options.DRIFT
@click.option("--select-by-judges", is_flag=True, help="Choose on one half, quote the other.")
@click.option(
    "--report-to",
    multiple=True,
    type=click.Choice(["tensorboard", "wandb"]),
    help="Log the win rates beside the run's losses too.",
)
@options.ALLOW_CODE
@options.PLOT
@options.JSON
def command(
    run: str,
    budget: float | None,
    yes: bool,
    patience: float,
    probe: bool,
    drift: Literal["auto", "off"],
    batch: bool,
    select_by_judges: bool,
    report_to: tuple[Tracker, ...],
    plot: Path | None,
    as_json: bool,
    **request: options.Value,
) -> None:
    """Evaluate every checkpoint of RUN against the base, on the same baseline answers.

    The intervals hold together (max-T): picking the best of ten equal checkpoints does not make
    it look better. Validation loss chooses the default checkpoint. With --select-by-judges one half
    of the suite, fixed for its version, chooses instead, and only the other half is quoted.
    """
    from brie.evaluation.request import EvalRequest
    from brie.studies.run_curve import Manner, run_curve

    project = screen.project()
    manner = Manner(
        command=screen.typed(project),
        spending=screen.spending(
            budget, yes=yes, batch=batch, retry=False, patience=patience, probe=probe, drift=drift
        ),
        select_by_judges=select_by_judges,
        report_to=report_to,
    )
    wanted = options.request_of(EvalRequest, {**request, "typed": screen.typed(project)})
    document = run_curve(run, wanted, project, screen.Terminal(), manner)
    if plot is not None:
        from brie.report.curve_figure import write_curve_figure

        write_curve_figure(document, f"{run} on {wanted.suite}", plot)
        screen.say(screen.named(plot, project))
    if as_json:
        click.echo(json.dumps(document.written(), indent=2))
    else:
        screen.out("\n".join(lines(document, min(screen.width(), 80))))


def lines(document: CurveDocument, width: int = 80) -> Iterator[str]:
    """The curve for a terminal, in so many columns."""
    scale = min(41, max(11, width - 39)) | 1
    for line in _lines(document, scale):
        yield from folded(line, width, hanging="  " if line[:1].strip() else " " * (scale + 9))


def _lines(document: CurveDocument, scale: int) -> Iterator[str]:
    best, chosen = document.best_by_validation_loss, document.selection
    yield f"on {document.prompts}; the intervals hold together (max-T)"
    yield f" step  {'0':<{scale // 2}}{'50':<{scale // 2 - 2}}100   win rate"
    for rung in document.checkpoints:
        rate = f"{percent(rung.value)} ({span(rung.low, rung.high)})"
        marks = ["best by loss"] if rung.name == best else []
        marks += ["chosen"] if chosen and rung.name == chosen.checkpoint else []
        yield f"{rung.step or 0:>5}  {plot_line(rung, scale)}  {rate:<16} {', '.join(marks)}".rstrip()
    if chosen is None:
        yield "Validation loss chooses the default checkpoint; this shows, it does not select."
        named = best or (document.checkpoints[-1].name if document.checkpoints else "")
        if report := document.evaluations.get(named):
            yield ""
            yield f"Next  {command_line('report', report)}"
        return
    quotable = chosen.win_rate
    quoted = f"{percent(quotable.value)} ({span(quotable.low, quotable.high)})"
    p = p_equals(quotable.p_value)
    yield ""
    yield f"chosen: step {chosen.step}, by {chosen.dev_prompts:,} prompts that are not quoted"
    yield f"quote this: {quoted}, p {p}, on {chosen.quoted_prompts:,} other prompts"
    yield f"Not its {percent(chosen.dev_win_rate)} above: it leads there because it was chosen there."
    yield "Nor the whole suite's rate in its report, which contains those prompts."
    yield f"Times tested on this suite so far: {chosen.looks}"


def plot_line(rung: CurveRung, width: int = 41) -> str:
    """An interval on a line from 0 to 100 %, with one half marked."""
    cells = ["·"] * width
    ends = (rung.low, rung.high, 0.5, rung.value)
    low, high, half, value = (round(share * (width - 1)) for share in ends)
    for cell in range(low, high + 1):
        cells[cell] = "━"
    cells[half] = "│"
    cells[value] = "●"
    return "".join(cells)
