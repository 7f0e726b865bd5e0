"""Does the result hold for new sources of prompts, or does one source carry it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from brie.analyse.arrays import generator
from brie.analyse.cells import PromptMeans, cells, prompt_means
from brie.analyse.multiplicity import holm
from brie.checks.difference import ALPHA, DEALS, groups_differ, mean_of_sources
from brie.checks.evidence import Evidence, side, survives
from brie.checks.exposure import Halves, by_source
from brie.checks.findings import Figure, Finding, conclude, not_run, summary_of
from brie.conventions import FEWEST_PROMPTS, FEWEST_SOURCES
from brie.number_format import (
    difference,
    interval,
    p_equals,
    percent,
    plural,
    quoted,
    rated,
    signed_span,
)
from brie.records import Check, Record
from brie.records.analysis import WinRate

ID = "sources"
GAP = 0.10
"""Difference between seen and unseen sources that is worth a warning; one published model lost 22
points that way."""
MOST = 200
"""Groups of a kind that are looked at one by one; a single one of more cannot carry a result."""


class MeanOfSources(Record):
    """The mean of source means, its interval, and the test that it is another than the headline."""

    value: float
    low: float
    high: float
    sources: int
    difference: float
    """The mean of source means minus the headline."""
    p_value: float | None

    @property
    def differs(self) -> bool:
        """From the headline, by test."""
        return self.p_value is not None and self.p_value < ALPHA

    def shows(self, towards: int) -> bool:
        """Whether the interval lies on that side of one half."""
        return self.low > 0.5 if towards > 0 else self.high < 0.5


@dataclass(frozen=True)
class Group:
    """A source or category that differs from the other prompts, by test."""

    kind: str
    name: str
    rate: WinRate | None
    others: WinRate | None
    p_value: float
    """After Holm, over all sources and categories."""
    at_most: bool
    """No deal was as far apart: the p is the least there is."""
    holds: bool
    """The result still stands without it."""


def check(evidence: Evidence) -> Check:
    """Sources and categories that differ; the mean of source means; seen against unseen."""
    rate = evidence.analysis.win_rate
    if rate is None:
        return not_run(ID, "There is no win rate yet.")
    halves, number = by_source(evidence), len(evidence.table.sources)
    apart, mean = _apart(evidence), _mean_of_sources(evidence, rate)
    figures: dict[str, Figure] = {
        "sources": number,
        "new_sources": rate.by_source_interval,
        "without": {
            f"{group.kind} {group.name}": summary_of(group.others) for group in apart if not group.holds
        },
        "differ": {
            f"{group.kind} {group.name}": {
                "win_rate": summary_of(group.rate),
                "others": summary_of(group.others),
                "p_value": group.p_value,
                "holds_without": float(group.holds),
            }
            for group in apart
        },
        "mean_of_sources": mean,
        **_figures(halves),
        **({"holds_unseen": survives(evidence, halves.unseen)} if halves else {}),
    }
    findings = [
        *_seen(halves, evidence),
        *_new(mean, rate),
        *_differing(apart, evidence),
        *_single(evidence),
    ]
    if findings and not _seen(halves, evidence) and (beside := _beside(halves)):
        last = findings[-1]
        findings[-1] = last._replace(text=f"{last.text} {beside[:1].upper()}{beside[1:]}.")
    return conclude(ID, findings, figures, _passed(mean, rate, halves, evidence))  # fmt: skip


def _mean_of_sources(evidence: Evidence, rate: WinRate) -> MeanOfSources | None:
    """None below `FEWEST_SOURCES` sources."""
    means = prompt_means(cells(evidence.table))
    source = np.asarray(evidence.table.source[means.prompt])
    number = len(np.unique(source))
    if number < FEWEST_SOURCES or rate.by_source_interval is None:
        return None
    low, high = rate.by_source_interval
    tested = mean_of_sources(means.mean, source)
    value = float(means.mean.mean()) + tested.value
    return MeanOfSources(
        value=value, low=low, high=high, sources=number, difference=tested.value, p_value=tested.p_value
    )


def _figures(halves: Halves | None) -> dict[str, Figure]:
    if halves is None:
        return {}
    return {
        "seen": summary_of(halves.seen),
        "unseen": summary_of(halves.unseen),
        "gap": halves.gap,
        "gap_interval": [halves.low, halves.high],
        "unseen_sources": list(halves.unseen_names),
        "unseen_by": halves.how,
    }


def _apart(evidence: Evidence) -> list[Group]:
    """Groups that differ from the other prompts, by test over all groups."""
    means = prompt_means(cells(evidence.table))
    tested = [*_tested(evidence, means, "source"), *_tested(evidence, means, "category")]
    if not tested:
        return []
    adjusted = holm(np.array([p for _, _, _, p in tested])).tolist()
    least = 1 / (_deals(evidence) + 1) + 1e-9
    return [
        _group(evidence, code, p, kind=kind, name=name, at_most=raw <= least)
        for (kind, name, code, raw), p in zip(tested, adjusted, strict=True)
        if p < ALPHA
    ]


def _deals(evidence: Evidence) -> int:
    return min(DEALS, evidence.settings.resamples)


def _tested(
    evidence: Evidence, means: PromptMeans, kind: Literal["source", "category"]
) -> list[tuple[str, str, int, float]]:
    """Kind, name, code and p of every group of a kind; none where there is one, or too many."""
    table = evidence.table
    codes, names = {
        "source": (table.source, table.sources), "category": (table.category, table.categories),
    }[kind]  # fmt: skip
    if not 2 <= len(names) <= MOST or len(means) < FEWEST_PROMPTS:
        return []
    rng = generator(evidence.seed, f"checks.sources.{kind}")
    p = groups_differ(means.mean, np.asarray(codes[means.prompt]), rng, deals=_deals(evidence))
    return [(kind, names[code], code, value) for code, value in enumerate(p.tolist())]


def _group(evidence: Evidence, code: int, p: float, *, kind: str, name: str, at_most: bool) -> Group:
    table = evidence.table
    inside = np.asarray((table.source if kind == "source" else table.category)[table.prompt] == code)
    rate = evidence.rate(f"sources.{kind}.{name}.alone", inside)
    others = evidence.rate(f"sources.{kind}.{name}", ~inside)
    return Group(kind, name, rate, others, p, at_most, survives(evidence, others))


def _differing(groups: list[Group], evidence: Evidence) -> list[Finding]:
    findings = []
    for group in sorted(groups, key=lambda group: (group.holds, group.p_value))[:3]:
        value = group.others.value if group.others else 0.5
        turned = not group.holds and (value - 0.5) * side(evidence.analysis.win_rate) <= 0
        text = (
            f"The {group.kind} {quoted([group.name])} differs from the others: {rated(group.rate)} "
            f"against {rated(group.others)}, p {p_equals(group.p_value, at_most=group.at_most)} "
            f"after Holm{'' if group.holds else '; without it the result no longer stands'}."
        )
        remedy = (
            f"Look at the rate of {quoted([group.name])} by itself."
            if group.holds
            else "Add prompts of other sources; a suite of one kind of prompt measures that kind."
        )
        findings.append(Finding("fail" if turned else "warn", text, remedy))
    return findings


def _new(mean: MeanOfSources | None, rate: WinRate) -> list[Finding]:
    """Sources weigh the same, and the result is another one: by test, and not by a wide interval."""
    if mean is None or side(rate) == 0 or mean.shows(side(rate)) or not mean.differs:
        return []
    text = (
        f"Small sources come out otherwise than large ones: the mean of {mean.sources} source means is "
        f"{percent(mean.value)} ({interval(mean.low, mean.high)}), so the result holds for new prompts "
        "of these sources, and is not shown beyond them."
    )
    return [Finding("warn", text, "More sources narrow it, not more prompts of the same.")]


def _seen(halves: Halves | None, evidence: Evidence) -> list[Finding]:
    """Both halves side by side, where training saw one and not the other."""
    if halves is None or halves.gap is None:
        return []
    clear = halves.low is not None and halves.low > 0
    if halves.gap < GAP and not clear:
        return []
    lost = side(halves.seen) != 0 and not survives(evidence, halves.unseen)
    text = (
        f"Seen sources {rated(halves.seen)}, unseen sources {rated(halves.unseen)}: a gap of "
        f"{difference(halves.gap)}{_gap_interval(halves)}."
    )
    remedy = "Quote the rate of the unseen sources; the other one may be memory."
    return [Finding("fail" if lost else "warn", text, remedy)]


def _gap_interval(halves: Halves) -> str:
    if halves.low is None or halves.high is None:
        return ""
    return f" ({signed_span(halves.low, halves.high)})"


def _single(evidence: Evidence) -> list[Finding]:
    if len(evidence.table.sources) > 1:
        return []
    labelled = evidence.table.sources != ("unknown",)
    fact = "All prompts are of one source" if labelled else "No prompt says which source it is from"
    text = f"{fact}: nothing says how the candidate would do on those of another."
    remedy = "Give prompts a `source` each: the recipe, site or person they are from."
    return [Finding("warn", text, remedy)]


def _passed(mean: MeanOfSources | None, rate: WinRate, halves: Halves | None, evidence: Evidence) -> str:
    kinds = [
        plural(len(names), *words)
        for names, words in (
            (evidence.table.sources, ("source",)),
            (evidence.table.categories, ("category", "categories")),
        )
        if 2 <= len(names) <= MOST
    ]
    sentences = [f"none of {' and '.join(kinds)} is shown to differ from the others"] if kinds else []
    number = len(evidence.table.sources)
    if number < FEWEST_SOURCES:
        sentences.append(f"{plural(number, 'source')}: nothing can be said of new ones")
    elif mean is not None and side(rate):
        holds = "it holds" if mean.shows(side(rate)) else "whether it holds is not shown"
        ends = f"the mean of {number} source means is {percent(mean.value)}"
        sentences.insert(0, f"{holds} for new sources ({ends}, {interval(mean.low, mean.high)})")
    if beside := _beside(halves):
        sentences.append(beside)
    elif halves is not None and halves.unseen is not None:
        how = f"training has seen none of these sources ({halves.how})"
        sentences.append(f"{how}: {percent(rate.value)} is for new ones")
    text = "; ".join(sentences)
    return f"{text[:1].upper()}{text[1:]}."


def _beside(halves: Halves | None) -> str:
    """Both halves where training saw one of them, and nothing is shown to part them."""
    if halves is None or halves.gap is None:
        return ""
    return (
        f"no gap between seen sources, {rated(halves.seen)}, and unseen ones, "
        f"{rated(halves.unseen)}, is shown"
    )
