"""How to quote the result: one sentence for a paper, one entry for its bibliography."""

from __future__ import annotations

from brie.checks.standing import standing_of
from brie.digest import short
from brie.number_format import percent, plural, points
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.leaderboard import table_of
from brie.report.opening import opening
from brie.report.panel import panel_of
from brie.report.people import is_anchored, people_words
from brie.report.sentence import interval_of


def quote(analysis: Analysis, manifest: Manifest | None) -> str:
    """The finding as one plain sentence to paste; "" without a verdict.

    "tune:best won 86 of 100 against base, ties counting half (95 % interval 79 to 91), on 66 prompts of
    the suite demo, 3 samples each, judged by a model (claude-opus); brie 1.0, plan 6da24aa463a1b055."
    """
    rate = analysis.win_rate
    if rate is None or analysis.interim or table_of(analysis) is not None:
        return ""
    ends = interval_of(rate)
    held = f" ({percent(rate.level)} interval {points(ends[0])} to {points(ends[1])})" if ends else ""
    where = analysis.suite.name if analysis.audit is not None else f"the suite {analysis.suite.name}"
    samples = f", {plural(manifest.plan.samples, 'sample')} each" if manifest else ""
    by = (
        people_words(analysis)
        if is_anchored(analysis)
        else f"judged by {panel_of(analysis, manifest).by}"
    )
    told = (
        f"{analysis.candidate.name} won {points(rate.value)} of 100 against {analysis.baseline.name}, "
        f"ties counting half{held}, on {plural(rate.prompts, 'prompt')} of {where}{samples}, "
        f"{by}{_doubts(analysis)}; {_made(analysis, manifest)}."
    )
    return told.replace("`", "")


def bibtex(analysis: Analysis, manifest: Manifest | None) -> str:
    """A BibTeX entry, cleared of BibTeX's own signs; author and address are left to who publishes it."""
    title = f"{analysis.candidate.name} against {analysis.baseline.name} on {analysis.suite.name}"
    note = f"{opening(analysis, manifest).title}; {_made(analysis, manifest)}"
    return (
        "% AUTHOR and URL are for whoever publishes it to fill in\n"
        f"@misc{{{_plain(analysis.id)},\n"
        "  author = {AUTHOR},\n"
        f"  title = {{{_plain(title)}: a pairwise evaluation}},\n"
        "  howpublished = {Blind pairwise evaluation made with brie},\n"
        "  url = {URL},\n"
        f"  year = {{{_plain(analysis.created[:4])}}},\n"
        f"  note = {{{_plain(note)}}}\n}}"
    )


def _doubts(analysis: Analysis) -> str:
    """Why it does not stand, as part of the sentence: no quotation leaves it out."""
    standing = standing_of(analysis)
    if standing is None or not standing.reasons:
        return ""
    lead = "this does not stand: " if standing.state == "withheld" else "this holds "
    return "; " + lead + "; ".join(reason.text for reason in standing.reasons)


def _made(analysis: Analysis, manifest: Manifest | None) -> str:
    """With which brie, and by which plan."""
    version = manifest.versions.get("brie-eval", "") if manifest else ""
    plan = f"plan {short(analysis.seal, 16)}" if analysis.seal else "imported verdicts"
    return f"brie {version}, {plan}" if version else plan


def _plain(text: str) -> str:
    return "".join(char for char in text if char not in "{}\\%$#&~^")
