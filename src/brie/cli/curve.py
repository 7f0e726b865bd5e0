"""`brie curve`: win rate over a run's training steps."""

from __future__ import annotations

import json

import click

from brie.cli import screen
from brie.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  brie curve demo --suite demo
  brie curve 3f9a --suite in_domain --judge claude-opus --samples 1
"""
)
@click.argument("run")
@click.option("--suite", required=True, help="A suite's name or file.")
@click.option("--judge", "judges", metavar="ID", multiple=True, help="A judge; may be repeated.")
@click.option("--panel", metavar="NAME", help="A panel of judges/panels.toml.")
@click.option("--samples", type=click.IntRange(1), help="Answers a prompt and side.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def command(
    run: str,
    suite: str,
    judges: tuple[str, ...],
    panel: str | None,
    samples: int | None,
    as_json: bool,
) -> None:
    """Evaluate every checkpoint of RUN against the base, on the same baseline answers.

    The intervals hold together (max-T): picking the best of ten equal checkpoints does not make
    it look better. Validation loss chooses the default checkpoint; this shows, it does not select.
    """
    from brie.ask import Wishes, prepare
    from brie.pin import checkpoints, find_run
    from brie.pipeline import evaluate
    from brie.store import Store
    from brie.studies import curve

    project = screen.project()
    found_run = find_run(run, project)
    steps = sorted(checkpoints(found_run.folder))
    if not steps:
        raise UsageError(f"run {found_run.name} has no checkpoints to evaluate.")
    manifests = {}
    for step in steps:
        wishes = Wishes(
            suite=suite,
            candidate=f"{found_run.name}:{step}",
            judges=judges,
            panel=panel,
            samples=samples,
            controls=0,
        )
        asked, _ = prepare(wishes, project)
        outcome = evaluate(
            asked, project, screen.Terminal(), command=f"brie curve {run} --suite {suite}"
        )
        manifests[str(step)] = outcome.evaluation.manifest
    with Store.open(project.store, read_only=True) as store:
        found = curve(manifests, store)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo("step   win rate (intervals of all checkpoints hold together)")
    for rung in found["checkpoints"]:
        span = f"{rung['value']:.0%} [{rung['low']:.0%}, {rung['high']:.0%}]"
        click.echo(f"{rung['step']:>5}  {plot(rung)}  {span}")


def plot(rung: dict[str, float], width: int = 41) -> str:
    """An interval on a line from 0 to 100 %, with one half marked."""
    cells = ["·"] * width
    place = [round(share * (width - 1)) for share in (rung["low"], rung["high"], 0.5, rung["value"])]
    for cell in range(place[0], place[1] + 1):
        cells[cell] = "━"
    cells[place[2]] = "│"
    cells[place[3]] = "●"
    return "".join(cells)
