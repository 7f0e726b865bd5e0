"""`brie plan`: what a suite can detect, before anything is spent."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from brie.cli import screen
from brie.resources import Project


@click.command(
    epilog="""\b
Examples:
  brie plan --suite in_domain
  brie plan --suite my_prompts.toml --samples 1 --samples 5
"""
)
@click.option("--suite", required=True, help="A suite's name or file.")
@click.option("--samples", type=click.IntRange(1), multiple=True, help="Numbers of samples to compare.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def command(suite: str, samples: tuple[int, ...], as_json: bool) -> None:
    """Show the smallest win rate the suite can detect, and how many prompts an effect needs.

    80 % power, 5 % two-sided, one judge's worth of noise: more judges share their errors, so they
    are not counted as precision. Variance measured by an earlier evaluation is used where there is one.
    """
    from brie.catalog import load_suite
    from brie.studies import design

    project = screen.project()
    loaded = load_suite(suite, project)
    earlier = measured(loaded.digest(), project)
    found = design(
        len(loaded.prompts),
        samples or (1, 3, 5),
        earlier.get("variance"),
        earlier.get("id"),
        rate=(earlier.get("win_rate") or {}).get("value", 0.5),
        judges=len(
            [j for j in (earlier.get("by_judge") or {"": {}}).values() if not j.get("instrument")]
        ),
        both_orders=True,
    )
    if as_json:
        click.echo(json.dumps({"schema": "brie.plan-table/1", **asdict(found)}, indent=2))
        return
    click.echo(f"suite {loaded.name}: {found.prompts} prompts")
    click.echo(
        f"variance measured by {found.measured}" if found.measured else "variance assumed (ICC .3)"
    )
    rates = list(found.rows[0].needed)
    click.echo("")
    click.echo("samples  detects     prompts needed to detect a true win rate of    prompts for")
    click.echo(
        "a prompt from " + " " * 9 + "".join(f"{rate:>8.0%}" for rate in rates) + "   `equivalent`"
    )
    for row in found.rows:
        detects = f"{row.detectable:.0%}" if row.detectable is not None else "nothing"
        needed = "".join(f"{row.needed[rate]:>8}" for rate in rates)
        click.echo(f"{row.samples:>5}    {detects:<10}    {needed}   {row.equivalence:>8}")
    click.echo("")
    for row in found.rows:
        click.echo(f"samples {row.samples:>2} {bar(row.detectable)}")
    click.echo("           50 %  ░ cannot be told from even   ▓ would be found       100 %")


def bar(detectable: float | None, width: int = 50) -> str:
    """Which true rates from 50 to 100 % would be found."""
    edge = width if detectable is None else round((detectable - 0.5) * 2 * width)
    return "░" * edge + "▓" * (width - edge)


def measured(suite: str, project: Project) -> dict[str, Any]:
    """The analysis of the latest finished evaluation of a suite that measured its variance."""
    from brie.evaluations import evaluations

    found: dict[str, Any] = {}
    for evaluation in sorted(evaluations(project), key=lambda e: e.manifest.created):
        if evaluation.manifest.plan.suite.digest() != suite:
            continue
        try:
            loaded = json.loads(evaluation.analysis_file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if loaded.get("variance"):
            found = loaded
    return found
