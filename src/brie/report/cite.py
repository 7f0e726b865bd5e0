"""How to quote the result: one sentence for a paper, one entry for its bibliography."""

from __future__ import annotations

from brie.digest import short
from brie.number_format import p_equals, percent, plural, points
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.panel import Panel, panel_of
from brie.report.sentence import interval_of, method_words, p_name


def quote(analysis: Analysis, manifest: Manifest | None) -> str:
    """The finding with everything a reader of a paper needs to judge it; "" without a verdict."""
    rate = analysis.win_rate
    if rate is None or analysis.interim:
        return ""
    ends = interval_of(rate)
    held = (
        f"{percent(rate.level)} interval {points(ends[0])} to {points(ends[1])}, {method_words(rate)}"
        if ends
        else "no interval"
    )
    samples = f", {plural(manifest.plan.samples, 'sample')} each" if manifest else ""
    return (
        f"Win rate {percent(rate.value)} ({held}; {_lower(p_name(rate))} {p_equals(rate.p_value)}), "
        f"{plural(rate.prompts, 'prompt')}{samples}, {_judged_by(panel_of(analysis, manifest))}; "
        f"{_fingerprint(analysis)}{_software(manifest)}."
    )


def bibtex(analysis: Analysis, manifest: Manifest | None) -> str:
    """A BibTeX entry for the evaluation; every value cleared of BibTeX's own signs."""
    year = analysis.created[:4]
    title = f"{analysis.candidate.name} against {analysis.baseline.name} on {analysis.suite.name}"
    return (
        f"@misc{{{_plain(analysis.id)},\n"
        f"  title = {{Pairwise evaluation of {_plain(title)}}},\n"
        f"  year = {{{_plain(year)}}},\n"
        f"  note = {{{_plain(_fingerprint(analysis) + _software(manifest))}}}\n}}"
    )


def _judged_by(panel: Panel) -> str:
    names = ", ".join(panel.models + panel.rules + panel.people)
    return f"rule-based ({names})" if panel.only_rules else f"judged by {names}"


def _fingerprint(analysis: Analysis) -> str:
    return f"fingerprint of the plan {short(analysis.seal, 16)}" if analysis.seal else "plan not sealed"


def _software(manifest: Manifest | None) -> str:
    version = manifest.versions.get("brie-eval", "") if manifest else ""
    return f"; brie {version}" if version else ""


def _plain(text: str) -> str:
    return "".join(char for char in text if char not in "{}\\%$#&~^")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
