"""`brie curve`: win rate over a run's training steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.errors import Stopped, UsageError
from brie.number_format import p_equals
from brie.project import Project

if TYPE_CHECKING:
    from brie.evaluation.budget import Spending
    from brie.evaluation.gather import gather
    from brie.evaluation.request import EvalRequest
    from brie.records import Manifest
    from brie.records.studies import CurveDocument, CurveRung
    from brie.store import Store


@click.command(
    epilog="""\b
Examples:
  brie curve demo --suite demo
  brie curve 3f9a --suite in_domain --judge claude-opus --samples 1 --budget 20
  brie curve 3f9a --suite in_domain --select-by-judges
"""
)
@click.argument("run")
@click.option("--suite", required=True, help="A suite's name or file.")
@click.option("--judge", "judges", metavar="ID", multiple=True, help="A judge; may be repeated.")
@click.option("--panel", metavar="NAME", help="A panel of judges/panels.toml.")
@click.option("--samples", type=click.IntRange(1), help="Answers a prompt and side.")
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Most all of it may cost.")
@click.option("--yes", is_flag=True, help="Agree to the quotes beforehand.")
@click.option("--batch", is_flag=True, help="Ask through the providers' batches, at half the price.")
@click.option("--select-by-judges", is_flag=True, help="Choose on one half, quote the other.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw it: svg, png, pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def command(
    run: str,
    suite: str,
    judges: tuple[str, ...],
    panel: str | None,
    samples: int | None,
    budget: float | None,
    yes: bool,
    batch: bool,
    select_by_judges: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Evaluate every checkpoint of RUN against the base, on the same baseline answers.

    The intervals hold together (max-T): picking the best of ten equal checkpoints does not make
    it look better. Validation loss chooses the default checkpoint. With --select-by-judges one half
    of the suite, fixed for its version, chooses instead, and only the other half is quoted.
    """
    from brie.cli.plan import check_plot
    from brie.evaluation.request import EvalRequest
    from brie.store import Store
    from brie.studies import curve, selected

    check_plot(plot)
    project = screen.project()
    wishes = EvalRequest(suite=suite, judges=judges, panel=panel, samples=samples, controls=0)
    spending = screen.spending(budget, yes=yes, batch=batch, retry=False)
    manifests = evaluated(run, wishes, project, spending)
    with Store.open(project.store) as store:
        document = (selected if select_by_judges else curve)(manifests, store, best_step(run, project))
        document = looked(document, store)
    keep(document, manifests, project)
    if plot is not None:
        from brie.report.curve_figure import write_curve_figure

        write_curve_figure(document, f"{run} on {suite}", plot)
        screen.say(project.relative(plot))
    click.echo(json.dumps(document.written(), indent=2) if as_json else "\n".join(lines(document)))


def evaluated(
    run: str, wishes: EvalRequest, project: Project, spending: Spending
) -> dict[str, Manifest]:
    """Each checkpoint's evaluation, run or gone on with; the budget is for all of them together.

    Raises:
        UsageError: the run has no checkpoints.
        Stopped: one of them is not finished; the same command goes on.
    """
    from dataclasses import replace

    from brie.catalog import load_defaults
    from brie.cli.eval import typed
    from brie.evaluation.request import prepare
    from brie.evaluation.run import run_evaluation
    from brie.pin import checkpoints, find_run
    from brie.store import Store

    found = find_run(run, project)
    steps = sorted(checkpoints(found.folder))
    if not steps:
        raise UsageError(f"run {found.name} has no checkpoints to evaluate.")
    left = load_defaults(project).budget if spending.budget is None else spending.budget
    manifests: dict[str, Manifest] = {}
    for step in steps:
        asked, _ = prepare(replace(wishes, candidate=f"{found.name}:{step}"), project)
        own = replace(spending, budget=left)
        outcome = run_evaluation(asked, project, screen.Terminal(), command=typed(project), spending=own)
        if outcome.stopped:
            raise Stopped(outcome.stopped)
        manifests[str(step)] = outcome.evaluation.manifest
        with Store.open(project.store, read_only=True) as store:
            left = max(0.0, left - store.committed(outcome.evaluation.manifest.id))
    return manifests


def keep(document: CurveDocument, manifests: Mapping[str, Manifest], project: Project) -> None:
    """Leave the curve beside every evaluation of these checkpoints on this suite: their reports show
    it from now on."""
    from brie.evaluation.folders import evaluations
    from brie.evaluation.results import write_report
    from brie.project import write_text
    from brie.records.analysis import Analysis
    from brie.report.curve import CURVE
    from brie.store import Store

    points = {_point(manifest) for manifest in manifests.values()}
    text = json.dumps(document.written(), indent=1) + "\n"
    with Store.open(project.store, read_only=True) as store:
        for evaluation in evaluations(project):
            if _point(evaluation.manifest) in points and evaluation.analysis_file.is_file():
                write_text(evaluation.folder / CURVE, text)
                analysis = Analysis.read(evaluation.analysis_file.read_bytes())
                write_report(evaluation, analysis, gather(evaluation.manifest, store), project)


def _point(manifest: Manifest) -> tuple[str, str, str]:
    plan = manifest.plan
    return plan.candidate.digest, plan.baseline.digest, plan.suite.digest()


def best_step(run: str, project: Project) -> str | None:
    """The step of the run's `best` pin: the lowest validation loss; None where there is none."""
    from brie.pin import find_run
    from brie.records import Pin

    path = find_run(run, project).folder / "pins" / "best.json"
    if not path.is_file():
        return None
    step = Pin.model_validate_json(path.read_bytes()).step
    return None if step is None else str(step)


def looked(document: CurveDocument, store: Store) -> CurveDocument:
    """Count a quoted half as a look at the suite, and say how many there were."""
    chosen = document.selection
    if chosen is None:
        return document
    looks = store.look(suite=chosen.suite, evaluation=chosen.evaluation, rows=chosen.rows)
    return document.model_copy(update={"selection": chosen.model_copy(update={"looks": looks})})


def lines(document: CurveDocument) -> Iterator[str]:
    """The curve for a terminal, at most 80 columns."""
    best, chosen = document.best_by_validation_loss, document.selection
    yield f"on {document.prompts}; the intervals hold together (max-T)"
    yield " step  0                  50               100   win rate"
    for rung in document.checkpoints:
        span = f"{rung.value:.0%} [{rung.low:.0%}, {rung.high:.0%}]"
        marks = ["best by loss"] if rung.name == best else []
        marks += ["chosen"] if chosen and rung.name == chosen.checkpoint else []
        yield f"{rung.step or 0:>5}  {plot_line(rung)}  {span:<16} {', '.join(marks)}".rstrip()
    if chosen is None:
        yield "Validation loss chooses the default checkpoint; this shows, it does not select."
        return
    rate = chosen.win_rate
    span = f"{rate.value:.0%} [{rate.low:.0%}, {rate.high:.0%}]"
    p = p_equals(rate.p_value)
    yield ""
    yield f"chosen: step {chosen.step}, by {chosen.dev_prompts} prompts that are not quoted"
    yield f"quote this: {span}, p {p}, on {chosen.quoted_prompts} other prompts"
    yield f"Not its {chosen.dev_win_rate:.0%} above: it leads there because it was chosen there."
    yield "Nor the whole suite's rate in its report, which contains those prompts."
    yield f"Times tested on this suite so far: {chosen.looks}"


def plot_line(rung: CurveRung, width: int = 41) -> str:
    """An interval on a line from 0 to 100 %, with one half marked."""
    cells = ["·"] * width
    place = [round(share * (width - 1)) for share in (rung.low, rung.high, 0.5, rung.value)]
    for cell in range(place[0], place[1] + 1):
        cells[cell] = "━"
    cells[place[2]] = "│"
    cells[place[3]] = "●"
    return "".join(cells)
