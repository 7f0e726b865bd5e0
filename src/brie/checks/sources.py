"""Does the result hold for new sources of prompts, or does one source carry it?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brie.analyse.arrays import Ints
from brie.analyse.cells import cells, prompt_means
from brie.checks.difference import mean_of_sources
from brie.checks.evidence import Evidence, side, survives
from brie.checks.exposure import Halves, by_source
from brie.checks.findings import Figure, Finding, conclude, not_run, summary_of
from brie.number_format import difference, interval, percent, plural, quoted, rated, signed_span
from brie.records import Check
from brie.records.analysis import WinRate

ID = "sources"
GAP = 0.10
"""Difference between seen and unseen sources that is worth a warning; one published model lost 22
points that way."""
FEWEST_SOURCES = 8
"""Below this many sources nothing is said of new ones: with 4 no interval can exclude one half."""
MOST = 200
"""Groups tried one by one; a single one of more than these cannot carry a result."""


def check(evidence: Evidence) -> Check:
    """Leave one source or category out; the interval for new sources; seen against unseen."""
    rate = evidence.analysis.win_rate
    if rate is None:
        return not_run(ID, "There is no win rate yet.")
    halves = by_source(evidence)
    carried = [*_carried(evidence, "source"), *_carried(evidence, "category")]
    figures: dict[str, Figure] = {
        "sources": len(evidence.table.sources),
        "new_sources": rate.by_source_interval,
        "without": {f"{kind} {name}": summary_of(left) for kind, name, left in carried},
        "mean_of_sources": _mean_of_sources(evidence, rate),
        **_figures(halves),
        **({"holds_unseen": survives(evidence, halves.unseen)} if halves else {}),
    }
    findings = [*_seen(halves, evidence), *_new(rate), *_carriers(carried, evidence), *_single(evidence)]
    return conclude(ID, findings, figures, _passed(rate, halves, evidence))


def _mean_of_sources(evidence: Evidence, rate: WinRate) -> dict[str, float | None] | None:
    """The mean of source means, its interval, and the test that it is another than the headline."""
    means = prompt_means(cells(evidence.table))
    source = np.asarray(evidence.table.source[means.prompt])
    number = len(np.unique(source))
    if number < FEWEST_SOURCES or rate.by_source_interval is None:
        return None
    low, high = rate.by_source_interval
    found = mean_of_sources(means.mean, source)
    value = float(means.mean.mean()) + found.value
    return {
        "value": value, "low": low, "high": high, "sources": number,
        "difference": found.value, "p_value": found.p_value,
    }  # fmt: skip


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


def _carried(evidence: Evidence, kind: str) -> Iterator[tuple[str, str, WinRate | None]]:
    """Groups without which the result no longer stands."""
    whole = side(evidence.analysis.win_rate)
    codes: Ints = getattr(evidence.table, kind)
    names = evidence.table.sources if kind == "source" else evidence.table.categories
    if whole == 0 or not 2 <= len(names) <= MOST:
        return
    for code, name in enumerate(names):
        left = evidence.rate(f"sources.{kind}.{name}", np.asarray(codes[evidence.table.prompt] != code))
        if not survives(evidence, left):
            yield kind, name, left


def _carriers(carried: list[tuple[str, str, WinRate | None]], evidence: Evidence) -> list[Finding]:
    findings = []
    for kind, name, left in carried[:3]:
        value = left.value if left else 0.5
        turned = (value - 0.5) * side(evidence.analysis.win_rate) <= 0
        text = f"Without the {kind} {quoted([name])} the result no longer stands: {rated(left)}."
        remedy = "Add prompts of other sources; a suite of one kind of prompt measures that kind."
        findings.append(Finding("fail" if turned else "warn", text, remedy))
    return findings


def _new(rate: WinRate) -> list[Finding]:
    ends = rate.by_source_interval
    if ends is None or side(rate) == 0 or ends[0] > 0.5 or ends[1] < 0.5:
        return []
    text = (
        f"For prompts of new sources the interval is {interval(*ends)}: the result holds for new "
        "prompts of these sources, and is not shown beyond them."
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


def _passed(rate: WinRate, halves: Halves | None, evidence: Evidence) -> str:
    sentences = [
        f"no single one of {plural(len(evidence.table.sources), 'source')} or category carries it"
    ]
    if rate.by_source_interval and side(rate):
        sentences.insert(0, f"it holds for new sources too ({interval(*rate.by_source_interval)})")
    if side(rate) == 0:
        sentences = ["there is no difference for one source to carry"]
    if halves is not None and halves.gap is not None:
        sentences.append(
            f"seen sources {rated(halves.seen)} and unseen ones {rated(halves.unseen)} are alike"
        )
    elif halves is not None and halves.unseen is not None:
        how = f"training has seen none of these sources ({halves.how})"
        sentences.append(f"{how}: {percent(rate.value)} is for new ones")
    text = "; ".join(sentences)
    return f"{text[:1].upper()}{text[1:]}."
