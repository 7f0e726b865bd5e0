"""`brie compare`: several candidates on the same prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen, sweeps
from brie.conventions import FEWEST_PROMPTS
from brie.errors import UsageError
from brie.number_format import p_equals

if TYPE_CHECKING:
    from brie.records.studies import ComparisonDocument, Difference


@click.command(
    epilog="""\b
Examples:
  brie compare eval-in-domain-3f9a12cd eval-in-domain-77b01e55
  brie compare ranks --plot ranks.svg
"""
)
@click.argument("names", metavar="EVAL EVAL...|SWEEP", nargs=-1, required=True)
@click.option("--like", metavar="EVAL", help="Of a sweep: judged as this evaluation of one of its runs.")
@options.PLOT
@options.JSON
def command(names: tuple[str, ...], like: str | None, plot: Path | None, as_json: bool) -> None:
    """Compare evaluations prompt by prompt: differences with intervals, Holm over all pairs.

    Of a sweep, all settings: win rates over prompts and seeds, and those that cannot be told from the
    best. The intervals hold together (max-T), so the best is not just the luckiest.
    """
    from brie.evaluation.folders import find_evaluation
    from brie.store import Store
    from brie.studies import compare_evaluations

    project = screen.project()
    if sweeps.meant(names, project):
        sweeps.compare(names[0], project, like=like, plot=plot, as_json=as_json)
        return
    if like is not None or plot is not None:
        raise UsageError("--like and --plot belong to a sweep: brie compare SWEEP.")
    manifests = [find_evaluation(name, project).manifest for name in names]
    with Store.open(project.store, read_only=True) as store:
        document = compare_evaluations(manifests, store)
    if as_json:
        click.echo(json.dumps(document.written(), indent=2))
        return
    names_of = _names(document)
    for difference in document.differences:
        pair = f"{names_of[difference.first]} minus {names_of[difference.second]}"
        screen.show(f"{pair}: {100 * difference.value:+.1f} points{_interval(difference)}", hanging=4)
        word = "p after Holm" if len(document.differences) > 1 else "p"
        screen.show(f"    {difference.prompts} shared prompts, {word} {p_equals(difference.p_adjusted)}")
    screen.show(f"{document.scope}.", hanging=2)
    for warning in document.warnings:
        screen.show(f"careful: {warning}.", hanging=2)


def _names(document: ComparisonDocument) -> dict[str, str]:
    """Evaluation id -> what it is called here: its candidate, and its id where two have the same."""
    candidates = [evaluation.candidate for evaluation in document.evaluations.values()]
    return {
        name: evaluation.candidate
        if candidates.count(evaluation.candidate) == 1
        else f"{evaluation.candidate} ({name})"
        for name, evaluation in document.evaluations.items()
    }


def _interval(difference: Difference) -> str:
    """The interval to go with the p that is shown: of several pairs, the one that holds for all."""
    low, high = difference.simultaneous or (difference.low, difference.high)
    if low is None or high is None:
        return f", no interval below {FEWEST_PROMPTS} prompts"
    together = ", all pairs together" if difference.simultaneous else ""
    ends = ", ".join(f"{100 * end:+.1f}" for end in (low, high))
    return f" [{ends}], {100 * difference.level:g} % interval{together}"
