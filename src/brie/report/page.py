"""What a report says, as one object: both writers, HTML and Markdown, print this and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brie.number_format import p_value, percent
from brie.records import Check, Manifest
from brie.records.analysis import Analysis, ComparisonView
from brie.report import cite
from brie.report.accuracy import RightAndWrong, right_and_wrong
from brie.report.benchmarks import benchmarks
from brie.report.clean import one_line
from brie.report.comparisons import Comparisons
from brie.report.curve import Curve
from brie.report.facts import (
    Effect,
    Group,
    answers,
    checks_worst_first,
    cost_words,
    curve_group,
    effects,
    flip_rate,
    groups,
    reasons,
    tastes,
)
from brie.report.glossary import GLOSSARY
from brie.report.judge_pairs import AgreementCell, panel_agreement, people_agreement
from brie.report.leaderboard import Place, places, table_of, title_of, unresolved
from brie.report.opening import Opening, opening
from brie.report.panel import Panel, panel_of
from brie.report.provenance import Provenance, provenance
from brie.report.secondary import Taste, rewards, robustness
from brie.report.sentence import (
    SCOPE,
    caveats,
    method_words,
    p_name,
    tone,
    verdict_sentence,
)
from brie.report.shown import Shelves, shelves


@dataclass(frozen=True)
class Page:
    """Everything on the page, in the order of the page."""

    analysis: Analysis
    title: str
    opening: Opening
    """What stands at the top; the fields after it stand behind "How sure?"."""
    ends: tuple[str, str]
    """What the two ends of the scale mean."""
    tone: str
    """`better`, `worse`, `even`, `open`, `conditional` or `withheld`: picks colour and mark."""
    sentence: str
    caveats: list[str]
    facts: list[tuple[str, str]]
    method: str
    checks: list[Check]
    groups: list[Group]
    effects: list[Effect]
    flips: float | None
    tastes: list[tuple[str, list[Effect]]]
    rewards: list[Taste]
    robustness: list[str]
    findings: list[str]
    """Of an audit: what is odd about the imported judgments."""
    ranking: list[Place]
    """Of an audit of many models: one row a model, the best first."""
    unresolved: list[str]
    """Neighbours of which these prompts do not say who is ahead, and what would."""
    panel_agreement: list[str]
    people: list[tuple[str, str, AgreementCell]]
    """How far those who voted agree with each judge."""
    right: RightAndWrong | None
    """Where prompts say what is right."""
    benchmarks: RightAndWrong | None
    """Where both models did tasks of lm-eval."""
    answers: list[tuple[str, str, str]]
    shelves: Shelves
    """The comparisons to be read."""
    provenance: Provenance
    scope: str
    quote: str
    bibtex: str
    glossary: tuple[tuple[str, str], ...]
    reasons: list[tuple[str, str]]
    panel: Panel


def build_page(
    analysis: Analysis,
    manifest: Manifest | None,
    comparisons: Comparisons | Sequence[ComparisonView],
    curve: Curve | None = None,
) -> Page:
    """The report's content; a pure function of its inputs."""
    rate, panel = analysis.win_rate, panel_of(analysis, manifest)
    return Page(
        analysis=analysis,
        title=title_of(analysis),
        opening=opening(analysis, manifest),
        ends=_ends(analysis),
        tone=tone(analysis),
        sentence=verdict_sentence(analysis, manifest),
        caveats=caveats(analysis),
        facts=key_facts(analysis, manifest),
        method=f"{percent(rate.level)} interval: {method_words(rate)}." if rate else "",
        checks=checks_worst_first(analysis),
        groups=[*groups(analysis, manifest), *([curve_group(curve, analysis)] if curve else [])],
        effects=effects(analysis),
        flips=flip_rate(analysis),
        tastes=tastes(analysis),
        rewards=rewards(analysis),
        robustness=robustness(analysis),
        findings=list(analysis.audit.findings) if analysis.audit else [],
        ranking=places(analysis),
        unresolved=unresolved(analysis),
        panel_agreement=panel_agreement(analysis),
        people=people_agreement(analysis),
        right=right_and_wrong(analysis),
        benchmarks=benchmarks(analysis),
        answers=answers(analysis),
        shelves=shelves(comparisons, panel),
        provenance=provenance(analysis, manifest),
        scope=SCOPE,
        quote=cite.quote(analysis, manifest),
        bibtex=cite.bibtex(analysis, manifest),
        glossary=GLOSSARY,
        reasons=reasons(analysis),
        panel=panel,
    )


def _ends(analysis: Analysis) -> tuple[str, str]:
    """Which side is chosen more often at 0 and at 100, with its name."""
    facts = analysis.audit
    sides = (("baseline", analysis.baseline.name), ("candidate", analysis.candidate.name))
    bare = facts is not None and not facts.sides_defined
    words = [
        one_line(name, 40) if bare or name == side else f"{side} ({one_line(name, 40)})"
        for side, name in sides
    ]
    return f"{words[0]} chosen more often", f"{words[1]} chosen more often"


def key_facts(analysis: Analysis, manifest: Manifest | None) -> list[tuple[str, str]]:
    """The few figures that stand beside the verdict."""
    rate, outcomes = analysis.win_rate, analysis.outcomes
    ranking = table_of(analysis)
    if ranking is not None:
        return [
            ("Models", f"{len(ranking.models):,}"),
            ("Prompts", f"{ranking.prompts:,}"),
            ("Pairs not resolved", f"{ranking.unresolved:,} of {ranking.pairs:,}"),
        ]
    panel, same = panel_of(analysis, manifest), analysis.counts.identical
    among = ", identical answers among the ties" if same and outcomes.identical is None else ""
    rows = [
        ("Prompts", f"{rate.prompts:,}" if rate else "0"),
        ("Samples a prompt", str(manifest.plan.samples) if manifest else ""),
        ("Rules" if panel.only_rules else "Judges", str(panel.size) if panel.size else ""),
        ("Won, tied, lost", f"{outcomes.win:,}, {outcomes.tie:,}, {outcomes.loss:,} shown pairs{among}"),
        ("Identical answers", f"{same:,} of {analysis.counts.comparisons:,}" if same else ""),
        (p_name(rate), p_value(rate.p_value)) if rate else ("", ""),
        ("Cost", cost_words(analysis.cost) if analysis.cost else ""),
    ]
    return [(name, value) for name, value in rows if value]
