"""Is it the better answer that wins, or the longer one?"""

from __future__ import annotations

import numpy as np

from brie.analyse.cells import cells
from brie.analyse.length import LARGE_CHANGE
from brie.checks.evidence import Evidence, side
from brie.checks.findings import Figure, Finding, conclude, not_run
from brie.number_format import difference, interval, percent
from brie.records import Check, kind_of
from brie.records.estimates import LengthControlled

ID = "length"
LONGER_WINS = 0.8
"""Share of decided comparisons won by the longer answer (or the shorter) from which length alone
explains the verdicts; strong judges are reported near .68."""


def check(evidence: Evidence) -> Check:
    """Raw and length-controlled rate, overlap, and how often the longer answer wins."""
    analysis = evidence.analysis
    model = analysis.length_controlled
    won = _longer_wins(evidence)
    figures: dict[str, Figure] = {"longer_wins": won, "longer_judge": _longer_judge(evidence)}
    if model is None:
        why = analysis.notes.get("length_controlled", "the lengths are not known")
        return not_run(ID, f"No length-controlled rate: {why}.", evidence=figures)
    figures = {
        "raw": model.raw, "value": model.value, "low": model.low, "high": model.high,
        "coefficient": model.coefficient, "mean_difference": model.mean_difference,
        "longer": model.longer, "shorter": model.shorter, "overlap_ok": model.overlap_ok,
        "coefficient_low": model.coefficient_low, "coefficient_high": model.coefficient_high, **figures,
    }  # fmt: skip
    findings = [*_change(model, evidence), *_overlap(model), *_explains(won)]
    passed = (
        f"At equal length the rate would be {percent(model.value)} instead of "
        f"{percent(model.raw)}; the longer answer wins {_won(won)}."
    )
    return conclude(ID, findings, figures, passed)


def _change(model: LengthControlled, evidence: Evidence) -> list[Finding]:
    change = model.value - model.raw
    if abs(change) <= LARGE_CHANGE:
        return []
    whole = side(evidence.analysis.win_rate)
    reversed_ = (model.high < 0.5 and whole > 0) or (model.low > 0.5 and whole < 0)
    open_ = whole != 0 and model.low <= 0.5 <= model.high
    ending = "which turns the result round" if reversed_ else "which leaves it open" if open_ else ""
    return [
        Finding(
            "fail" if reversed_ else "warn",
            f"At equal length the rate would be {percent(model.value)} "
            f"({interval(model.low, model.high)}) instead of {percent(model.raw)}, a change of "
            f"{difference(change)}{', ' + ending if ending else ''}.",
            "Length may be part of being better: read pairs of equal length in `brie view`.",
        )
    ]


def _overlap(model: LengthControlled) -> list[Finding]:
    if model.overlap_ok:
        return []
    few = min(model.longer, model.shorter)
    which = "longer" if model.longer < model.shorter else "shorter"
    text = (
        f"The candidate's answer is the {which} one in only {percent(few)} of verdicts, so the rate at "
        "equal length is an extrapolation."
    )
    return [Finding("warn", text, "Ask both sides for a length in the prompts, or judge more samples.")]


def _explains(won: float | None) -> list[Finding]:
    if won is None or 1 - LONGER_WINS < won < LONGER_WINS:
        return []
    which, rate = ("longer", won) if won >= LONGER_WINS else ("shorter", 1 - won)
    return [
        Finding(
            "warn",
            f"The {which} answer wins {percent(rate)} of the decided comparisons, whosever it is.",
        )
    ]


def _longer_wins(evidence: Evidence) -> float | None:
    """Share of decided comparisons of different length that the longer answer wins."""
    table = evidence.table
    if table.length_difference is None or not len(table.score):
        return None
    cell_means = cells(table)
    difference = np.full(len(cell_means.prompt), np.nan)
    difference[cell_means.of_row] = table.length_difference
    decided = cell_means.complete & (np.abs(cell_means.mean - 0.5) > 1e-9) & (np.abs(difference) > 0)
    if not decided.any():
        return None
    return float(((cell_means.mean[decided] > 0.5) == (difference[decided] > 0)).mean())


def _longer_judge(evidence: Evidence) -> float | None:
    """Win rate by the rule that always names the longer answer."""
    for judge in evidence.analysis.by_judge.values():
        if kind_of(judge.provider) == "rule" and judge.model == "longer" and judge.win_rate:
            return judge.win_rate.value
    return None


def _won(won: float | None) -> str:
    return "nothing, as none was decided" if won is None else f"{percent(won)} of decided comparisons"
