"""Many models as one table: what the page, Markdown and terminal say of an audit's ranking."""

from __future__ import annotations

from dataclasses import dataclass

from brie.number_format import percent, plural
from brie.records.analysis import Analysis
from brie.records.audit import ModelGap, ModelTable

NEIGHBOURS = 12
"""Unresolved neighbours listed one by one."""


@dataclass(frozen=True)
class Place:
    """One model's row."""

    name: str
    rank: str
    """Where the intervals of all differences together allow it to be: "1" or "1 to 3"."""
    value: float
    low: float | None
    high: float | None
    comparisons: int
    opponents: int


def table_of(analysis: Analysis) -> ModelTable | None:
    """The ranking of an audit of many models; None elsewhere."""
    return analysis.audit.table if analysis.audit is not None else None


def title_of(analysis: Analysis) -> str:
    """Whose numbers these are."""
    if table_of(analysis) is not None:
        return analysis.candidate.name
    return f"{analysis.candidate.name} against {analysis.baseline.name}"


def places(analysis: Analysis) -> list[Place]:
    """The table's rows, the best model first."""
    table = table_of(analysis)
    return [
        Place(
            name=model.name,
            rank=_span(model.rank_low, model.rank_high),
            value=model.expected.value,
            low=model.expected.low,
            high=model.expected.high,
            comparisons=model.comparisons,
            opponents=model.opponents,
        )
        for model in (table.models if table else ())
    ]


def ranking_sentence(table: ModelTable) -> str:
    """Who is ahead, as far as the prompts say it."""
    lead, rest = ranking_parts(table)
    return f"{lead}: {rest}" if rest else f"{lead}."


def ranking_parts(table: ModelTable) -> tuple[str, str]:
    """Who is ahead, and by how much: what stands before and after the colon of the sentence."""
    if not table.models:
        return "No two models met: there is nothing to rank", ""
    first = table.models[0]
    tied = [model.name for model in table.models[1:] if model.rank_low == 1]
    rest = len(table.models) - 1
    lead = (
        f"`{_bare(first.name)}` is ahead of the other {plural(rest, 'model') if rest > 1 else 'model'}"
    )
    if tied:
        others = f"{plural(len(tied), 'other')}"
        lead = f"`{_bare(first.name)}` leads, and {others} may be as good or better"
    return lead, (
        f"it wins {percent(first.expected.value)} against the others, ties counting half; "
        f"{_not_resolved(table)} by {plural(table.prompts, 'prompt')}."
    )


def _not_resolved(table: ModelTable) -> str:
    """How many pairs of models the prompts leave open, as the end of a sentence."""
    if not table.unresolved:
        return "every pair of models is resolved"
    of = f"{table.unresolved:,} of {plural(table.pairs, 'pair')} of models"
    return f"{of} {'is' if table.unresolved == 1 else 'are'} not resolved"


def unresolved(analysis: Analysis) -> list[str]:
    """Neighbours in the table of which nothing says who is ahead, as sentences."""
    table = table_of(analysis)
    gaps = [gap for gap in table.neighbours if not gap.resolved] if table else []
    sentences = [_gap(gap, table) for gap in gaps[:NEIGHBOURS] if table]
    if len(gaps) > NEIGHBOURS:
        sentences.append(f"{len(gaps) - NEIGHBOURS} more neighbours are not resolved.")
    return sentences


def _gap(gap: ModelGap, table: ModelTable) -> str:
    if gap.prompts_needed is None:
        both = f"`{_bare(gap.ahead)}` and `{_bare(gap.behind)}`"
        return f"{both}: no number of prompts would tell them apart."
    return (
        f"`{_bare(gap.ahead)}` over `{_bare(gap.behind)}`: {percent(min(gap.resolution, 1.0))} of the "
        f"prompts that would be needed ({table.prompts:,} of about {gap.prompts_needed:,})."
    )


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _bare(name: str) -> str:
    return name.replace("`", "")
