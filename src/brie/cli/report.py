"""`brie report`: build an evaluation's report again, with its figures, or write a model's card."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import cards, options, screen
from brie.cli import suites as several
from brie.errors import UsageError

if TYPE_CHECKING:
    from brie.evaluation.results import Outcome


@click.command(
    epilog="""\b
Examples:
  brie report
  brie report eval-demo-1a2b3c4d
  brie report eval-demo-1a2b3c4d --open      in the browser
  brie report eval-demo-1a2b3c4d --pr        25 lines of Markdown for a pull request
  brie report eval-demo-1a2b3c4d --card      a card and a badge to share
  brie report eval-demo-1a2b3c4d --figures
  brie report demo:best --model-card         the card that goes with a model
  brie report --schema
"""
)
@click.argument("evaluation", required=False)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--pr", "short", is_flag=True, help="Print at most 25 lines of Markdown instead.")
@click.option("--link", default="", metavar="URL", help="With --pr: where the full report is.")
@click.option("--card", is_flag=True, help="Also write a card (SVG, PNG) and a badge (SVG).")
@click.option("--figures", is_flag=True, help="Also write every figure as SVG and PNG.")
@click.option("--model-card", is_flag=True, help="Write the card of a run's model or a candidate.")
@options.TAGS
@click.option("--schema", is_flag=True, help="Print the JSON Schema of analysis.json; nothing else.")
def command(
    evaluation: str | None,
    opens: bool,
    short: bool,
    link: str,
    card: bool,
    figures: bool,
    model_card: bool,
    tags: tuple[str, ...],
    schema: bool,
) -> None:
    """Analyse what the store holds and write the report: HTML, Markdown, verdicts.csv.

    Nothing is asked.
    """
    from brie.evaluation.folders import find_evaluation
    from brie.evaluation.results import pull_request, rebuild
    from brie.evaluation.suites import find_suites
    from brie.records.schema import analysis_schema

    if schema:
        click.echo(json.dumps(analysis_schema(), indent=2))
        return
    if link and not short:
        raise UsageError("--link goes with --pr: it is the address the short text points to.")
    if tags and not model_card:
        raise UsageError("--tag goes with --model-card: it stands in the card's metadata.")
    screen.offline()
    project = screen.project()
    if model_card:
        if short or card or figures:
            raise UsageError("--model-card is about a model; leave --pr, --card and --figures out.")
        cards.report_card(evaluation, tags, project, opens=opens)
        return
    if (suites := find_suites(evaluation, project)) is not None:
        if short or figures:
            raise UsageError("--pr and --figures are of one evaluation; name a suite's: brie ls")
        several.report(suites, project, card=card, opens=opens)
        return
    chosen = find_evaluation(evaluation, project, command=screen.typed(project))
    if short:
        click.echo(pull_request(chosen, project, link), nl=False)
        return
    outcome = rebuild(chosen, project)
    screen.out(str(outcome.report))
    screen.publish(outcome)
    for path in _pictures(outcome, card=card, figures=figures):
        screen.out(project.relative(path))
    if opens and not webbrowser.open(outcome.report.resolve().as_uri()):
        raise UsageError(f"no browser could be opened here; open {outcome.report} yourself.")


def _pictures(outcome: Outcome, *, card: bool, figures: bool) -> list[Path]:
    """What was asked for beside the report, in its folder `figures`."""
    from brie.report.figures import write_card, write_figures

    analysis, manifest = outcome.analysis, outcome.evaluation.manifest
    folder = outcome.report.parent / "figures"
    if figures:
        return write_figures(analysis, manifest, folder)
    return write_card(analysis, manifest, folder) if card else []
