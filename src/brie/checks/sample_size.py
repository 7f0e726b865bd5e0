"""Are there enough prompts for the effect that was seen?"""

from __future__ import annotations

from brie.analyse.power import smallest_detectable
from brie.checks.evidence import Evidence
from brie.checks.findings import Finding, conclude, not_run
from brie.conventions import FEWEST_PROMPTS
from brie.number_format import percent, plural
from brie.records import Check
from brie.records.analysis import WinRate

ID = "sample_size"
_FLOOR = 0.05
"""Smallest variance ratio that is believed, as in planning: fewer prompts than it asks for are too few
to measure one."""


def check(evidence: Evidence) -> Check:
    """Prompts there are and prompts the observed rate needs at 80 % power; effective n."""
    analysis = evidence.analysis
    rate = analysis.win_rate
    if rate is None:
        return not_run(ID, "There is no win rate yet.")
    smallest = _smallest(rate)
    figures = {
        "prompts": rate.prompts,
        "prompts_needed": rate.prompts_needed,
        "effective_n": rate.effective_n,
        "smallest_detectable": smallest,
        "power": 0.8,
    }
    can = (
        f"{plural(rate.prompts, 'prompt')} like these find {percent(smallest)} or more with 80 % power"
        if smallest is not None
        else f"{plural(rate.prompts, 'prompt')} like these find no rate with 80 % power"
    )
    if analysis.verdict == "equivalent":
        return conclude(
            ID, [], figures, f"{can}, and were enough to show that the sides are equivalent."
        )
    findings = _few(rate, can, evidence)
    passed = f"{can}; the observed {percent(rate.value)} needs {_needed(rate)}."
    return conclude(ID, findings, figures, passed)


def _smallest(rate: WinRate) -> float | None:
    ratio = min(max(rate.prompts / rate.effective_n, _FLOOR), 1.0) if rate.effective_n else 1.0
    return smallest_detectable(rate.prompts, ratio)


def _few(rate: WinRate, can: str, evidence: Evidence) -> list[Finding]:
    remedy = f"`brie plan --suite {evidence.analysis.suite.name}` says what more prompts would find."
    if rate.prompts < FEWEST_PROMPTS:
        text = f"{plural(rate.prompts, 'prompt')} are too few: below {FEWEST_PROMPTS} no interval holds."
        return [Finding("fail", text, remedy)]
    if rate.prompts_needed is not None and rate.prompts >= rate.prompts_needed:
        return []
    needs = f"the observed {percent(rate.value)} would need {_needed(rate)}"
    return [Finding("warn", f"{can}; {needs}.", remedy)]


def _needed(rate: WinRate) -> str:
    return "more than any suite has" if rate.prompts_needed is None else f"{rate.prompts_needed:,}"
