"""`brie compare`: several candidates on the same prompts."""

from __future__ import annotations

import json

import click

from brie.cli import options, screen
from brie.number_format import p_equals


@click.command(epilog="\b\nExample:\n  brie compare eval-in-domain-3f9a12cd eval-in-domain-77b01e55\n")
@click.argument("names", metavar="EVAL EVAL...", nargs=-1, required=True)
@options.JSON
def command(names: tuple[str, ...], as_json: bool) -> None:
    """Compare evaluations prompt by prompt: differences with intervals, Holm over all pairs."""
    from brie.conventions import FEWEST_PROMPTS
    from brie.evaluation.folders import find_evaluation
    from brie.store import Store
    from brie.studies import compare_evaluations

    project = screen.project()
    manifests = [find_evaluation(name, project).manifest for name in names]
    with Store.open(project.store, read_only=True) as store:
        document = compare_evaluations(manifests, store)
    if as_json:
        click.echo(json.dumps(document.written(), indent=2))
        return
    sides = {name: evaluation.candidate for name, evaluation in document.evaluations.items()}
    for difference in document.differences:
        few = difference.prompts < FEWEST_PROMPTS
        span = "(no interval: " + ("too few prompts)" if few else "all prompts differ alike)")
        if difference.low is not None and difference.high is not None:
            span = f"[{100 * difference.low:+.0f}, {100 * difference.high:+.0f}]"
        pair = f"{sides[difference.first]} minus {sides[difference.second]}"
        click.echo(f"{pair}: {100 * difference.value:+.1f} points {span}")
        p = p_equals(difference.p_adjusted)
        click.echo(f"    {difference.prompts} shared prompts, p after Holm {p}")
    click.echo(f"{document.scope}.")
    for warning in document.warnings:
        click.echo(f"careful: {warning}.")
