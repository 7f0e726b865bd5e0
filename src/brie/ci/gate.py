"""A requirement on an evaluation, for continuous integration: met, not met, or undecided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brie.conventions import MARGIN
from brie.records.analysis import Analysis

Require = Literal["better", "not-worse"]


@dataclass(frozen=True, slots=True)
class Gate:
    """What a requirement came to."""

    met: bool | None
    """None: the data cannot say."""
    sentence: str


def gate(analysis: Analysis, require: Require, *, margin: float = MARGIN) -> Gate:
    """Hold an evaluation against a requirement.

    `better` asks for that verdict. `not-worse` is a non-inferiority test: the 90 % interval of the
    win rate, one-sided 95 %, must lie above one half less the margin; it is refuted where all of the
    interval lies below, and undecided in between. After safe early stopping the interval that holds
    at any time takes its place.

    Args:
        analysis: the evaluation's numbers.
        require: what is required.
        margin: as a share of comparisons.
    """
    rate = analysis.win_rate
    if analysis.interim:
        return Gate(None, "verdicts are still missing, so nothing can be required of it yet")
    if analysis.verdict is None or rate is None:
        return Gate(None, f"the verdict is withheld: {_reason(analysis)}")
    if require == "better":
        return _better(analysis)
    ends = rate.interval_90 or ((rate.low, rate.high) if rate.low is not None else None)
    if ends is None or ends[0] is None or ends[1] is None:
        return Gate(None, f"there are too few prompts for an interval: {rate.prompts}")
    floor = 0.5 - margin
    sentence = f"the interval of the win rate is {_percent(ends[0])} to {_percent(ends[1])} %"
    if ends[0] >= floor - 1e-12:
        return Gate(True, f"not worse: {sentence}, at or above {_percent(floor)} %")
    if ends[1] < floor:
        return Gate(False, f"worse: {sentence}, all of it below {_percent(floor)} %")
    return Gate(None, f"{sentence}, which reaches below {_percent(floor)} %; more prompts would tell")


def _better(analysis: Analysis) -> Gate:
    sentence = f"the verdict is {analysis.verdict!r}: {analysis.verdict_reason}"
    if analysis.verdict == "better":
        return Gate(True, sentence)
    return Gate(None if analysis.verdict == "undecided" else False, sentence)


def _reason(analysis: Analysis) -> str:
    return analysis.notes.get("verdict", "").removeprefix("withheld: ") or "its reason is in the report"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
