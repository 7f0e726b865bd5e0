"""How often were verdicts on these prompts looked at before this result was found?

What counts is what could have informed a choice: see docs/checks.md.
"""

from __future__ import annotations

from brie.checks.evidence import Evidence
from brie.checks.findings import Finding, conclude, not_run
from brie.number_format import p_value
from brie.records import Check, Plan

ID = "looks"
ALPHA = 0.05
"""Level that p times the number of looks (Bonferroni) is held against."""
_FRESH = (
    "For a number to publish, judge once on prompts nobody has looked at; for checkpoints of one run, "
    "`brie curve`."
)


def check(evidence: Evidence) -> Check:
    """The number of this look, and p times it."""
    looks, rate = evidence.looks, evidence.analysis.win_rate
    if looks is None:
        return not_run(
            ID, "Nothing says how often these prompts were judged before this result was chosen."
        )
    p = rate.p_value if rate else None
    corrected = None if p is None else min(1.0, p * looks.number)
    figures = {
        "look": looks.number,
        "on_other_versions_of_the_suite": looks.other_versions,
        "p_value": p,
        "p_times_looks": corrected,
    }
    before = _before_the_seal(evidence.plan)
    if before:
        figures |= {"existed_before_the_seal": evidence.plan.existed if evidence.plan else None}
    if looks.number == 1:
        return conclude(ID, [], figures, f"No verdicts on these prompts were analysed before.{before}")
    times = f"Verdicts on these prompts have been analysed {looks.number} times"
    if looks.other_versions:
        times += f" ({looks.other_versions} of them in a suite of another name or version)"
    if p is None or corrected is None:
        return conclude(ID, [Finding("warn", f"{times}.{before}", _FRESH)], figures, "")
    least = rate is not None and rate.p_at_most
    both = f"p {p_value(p)} times {looks.number} is {p_value(corrected, at_most=least)}"
    lost = p < ALPHA <= corrected
    ending = f"{both}, which is no longer below {p_value(ALPHA)}" if lost else both
    return conclude(
        ID, [Finding("fail" if lost else "warn", f"{times}: {ending}.{before}", _FRESH)], figures, ""
    )


def _before_the_seal(plan: Plan | None) -> str:
    """How many of a plan's verdicts were there when it was sealed: its maker may have read them."""
    if plan is None or not plan.existed:
        return ""
    return f" {plan.existed:,} of {plan.verdicts:,} verdicts existed before this plan was sealed."
