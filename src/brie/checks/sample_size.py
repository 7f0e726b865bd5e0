"""What can this many prompts find? Never whether they are enough for the effect that was seen."""

from __future__ import annotations

from brie.analyse.power import smallest_detectable
from brie.checks.evidence import Evidence
from brie.checks.findings import Finding, conclude, not_run
from brie.conventions import FEWEST_PROMPTS
from brie.lines import command
from brie.number_format import percent, plural
from brie.records import Check
from brie.records.analysis import WinRate

ID = "sample_size"
FEW = 30
"""Prompts below which a suite is small whatever it finds: 30 with one verdict each find 75 %."""
_FLOOR = 0.05
"""Smallest variance ratio that is believed, as in planning: fewer prompts than it asks for are too few
to measure one."""


def check(evidence: Evidence) -> Check:
    """The smallest rate that this many prompts find at 80 % power; effective n.

    Power at the observed rate is no news: it is a function of the p-value (Hoenig and Heisey 2001).
    """
    analysis = evidence.analysis
    rate = analysis.win_rate
    if rate is None:
        return not_run(ID, "There is no win rate yet.")
    smallest = _smallest(rate)
    figures = {
        "prompts": rate.prompts,
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
    return conclude(ID, _few(rate, can, evidence), figures, f"{can}.")


def _smallest(rate: WinRate) -> float | None:
    ratio = min(max(rate.prompts / rate.effective_n, _FLOOR), 1.0) if rate.effective_n else 1.0
    return smallest_detectable(rate.prompts, ratio)


def _few(rate: WinRate, can: str, evidence: Evidence) -> list[Finding]:
    plan = command("plan", "--suite", evidence.analysis.suite.name)
    remedy = f"`{plan}` says what more prompts would find."
    if rate.prompts < FEWEST_PROMPTS:
        few = "is too few" if rate.prompts == 1 else "are too few"
        text = f"{plural(rate.prompts, 'prompt')} {few}: below {FEWEST_PROMPTS} no interval holds."
        return [Finding("fail", text, remedy)]
    if rate.prompts >= FEW:
        return []
    return [Finding("warn", f"{can}: most differences between models are smaller.", remedy)]
