"""`brie agreement`: how far the judges agree, and what each of them rewards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from brie.cli import options, screen
from brie.lines import folded
from brie.number_format import percent, two_digits

if TYPE_CHECKING:
    from brie.records.agreement import PairAgreement, PanelCoefficients
    from brie.records.estimates import Estimate
    from brie.records.studies import AgreementDocument

LISTED = 12
"""Pairs printed one by one; the report has all."""
_COEFFICIENTS = {
    "percent": "percent agreement",
    "kappa": "Cohen's kappa",
    "alpha": "Krippendorff's alpha, nominal",
    "alpha_ordinal": "Krippendorff's alpha, ordinal",
    "ac1": "Gwet's AC1",
}


@click.command(
    epilog="""\b
Examples:
  brie agreement                          the only evaluation
  brie agreement eval-in-domain-3f9a12cd
  brie agreement EVAL EVAL --json
"""
)
@click.argument("names", metavar="[EVAL]...", nargs=-1)
@options.JSON
def command(names: tuple[str, ...], as_json: bool) -> None:
    """Report how the judges of one or more evaluations agree, with intervals over prompts.

    Writes agreement.html and agreement.md beside the evaluation's report. Agreement is not
    validity: judges that share an error agree perfectly about it.
    """
    from brie.evaluation.folders import find_evaluation
    from brie.report.sheets import write_agreement
    from brie.store import Store
    from brie.studies import agreement, disagreement_views

    project = screen.project()
    typed = screen.typed(project)
    manifests = [find_evaluation(name, project, command=typed).manifest for name in names or (None,)]
    with Store.open(project.store, read_only=True) as store:
        document = agreement(manifests, store)
        views = disagreement_views(document, manifests, store)
    written = write_agreement(document, views, project.reports / folder_name(document))
    if as_json:
        click.echo(json.dumps(document.written(), indent=2))
        return
    for line in lines(document):
        screen.show(line, hanging=4)
    click.echo("")
    for path in written:
        screen.out(project.relative(path))


def folder_name(document: AgreementDocument) -> str:
    """One evaluation's own report folder; several have one together, the same for the same ones."""
    from brie.digest import digest, short

    ids = sorted(evaluation.id for evaluation in document.evaluations)
    return ids[0] if len(ids) == 1 else f"agreement-{short(digest(ids))}"


def lines(document: AgreementDocument) -> Iterator[str]:
    """The report for a terminal, at most 80 columns; names made harmless."""
    from brie.number_format import plural
    from brie.report.agreement_words import (
        alone,
        beyond,
        lead,
        panel_sentences,
        reward_sentences,
        roll_words,
    )
    from brie.report.clean import one_line

    agreement, panel = document.agreement, document.agreement.panel
    yield from filled(f"{lead(document)} {beyond(document)}")
    beside = roll_words(document, beside=True)
    who = roll_words(document, beside=False) + (f"; beside the headline {beside}" if beside else "")
    yield from filled(f"{who}; {plural(document.prompts, 'prompt')}")
    for warning in document.warnings:
        yield from filled(f"careful: {warning}.")
    for pair in agreement.pairs[:LISTED]:
        left, right = (one_line(name, 30) for name in pair.judges)
        yield ""
        yield f"{left} and {right}: {plural(pair.n, 'comparison')}"
        yield from _coefficients(pair)
        for name, of in pair.marginals.items():
            shares = "  ".join(f"{won} {percent(of[won]):>5}" for won in ("win", "tie", "loss"))
            yield f"  {one_line(name, 30):<32} {shares}"
    if len(agreement.pairs) > LISTED:
        yield ""
        yield f"{len(agreement.pairs) - LISTED} more pairs are in the report"
    if panel and len(agreement.pairs) > 1 and not alone(document):
        yield ""
        yield "the whole panel"
        yield from _coefficients(panel)
    yield from _people(document)
    yield ""
    for sentence in [*panel_sentences(document), "", *reward_sentences(document)]:
        yield from filled(sentence)
    for name, judge in document.by_judge.items():
        if judge.consistency:
            again = estimate(judge.consistency.same)
            yield f"{one_line(name, 40)} asked again said the same: {again}"
    worst = list(dict.fromkeys(one_line(row.prompt, 40) for row in agreement.disagreements))
    if worst:
        yield ""
        yield from filled("they disagree most on: " + ", ".join(worst[:6]))


def _people(document: AgreementDocument) -> Iterator[str]:
    """Each judge held against people's votes, where there are any."""
    from brie.report.clean import one_line
    from brie.report.measured import judge_figures, people_sentences

    for name, people in document.people.items():
        yield ""
        of = f", {name}" if len(document.people) > 1 else ""
        yield f"held against people's votes on drawn prompts{of}"
        for sentence in people_sentences(people):
            yield from filled(sentence)
        for judge, measured in people.by_judge.items():
            yield ""
            yield f"{one_line(judge, 30)} and people: {measured.agreement.n:,} comparisons"
            for figure in judge_figures(measured):
                ends = f"  [{figure.ends.replace(' to ', ', ')}]" if figure.ends else ""
                value = "not defined here" if figure.value == "–" else figure.value
                yield f"  {figure.name:<32} {value}{ends}"


def _coefficients(entry: PairAgreement | PanelCoefficients) -> Iterator[str]:
    from brie.records.agreement import coefficients

    computed = coefficients(entry)
    for key, label in _COEFFICIENTS.items():
        if key in computed:
            yield f"  {label:<32} {estimate(computed[key])}"


def filled(text: str) -> list[str]:
    """A sentence in lines of at most 80 columns; an empty one is an empty line."""
    return folded(text.replace("`", ""), min(screen.width(), 80), hanging="  ")


def estimate(measured: Estimate | None) -> str:
    """A value with its interval, or that there is none."""
    if measured is None:
        return "not defined here"
    if measured.low is None or measured.high is None:
        return two_digits(measured.value)
    ends = f"[{two_digits(measured.low)}, {two_digits(measured.high)}]"
    return f"{two_digits(measured.value)}  {ends}"
