"""How checks write numbers and put their findings together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from brie.analyse.study import plain
from brie.records import Check
from brie.records.analysis import WinRate

SEVERITY = {"fail": 0, "warn": 1, "pass": 2, "not_run": 3}
"""Worst first."""


class Finding(NamedTuple):
    """One reason not to believe the number, as a sentence, and what can be done."""

    status: Literal["fail", "warn"]
    text: str
    remedy: str | None = None


def conclude(
    name: str, findings: Sequence[Finding], evidence: Mapping[str, Any], otherwise: str
) -> Check:
    """A check's result: its findings, worst first; `otherwise` is said where there are none."""
    figures = plain(dict(evidence))
    if not findings:
        return Check(id=name, status="pass", summary=otherwise, evidence=figures, remedy=None)
    ordered = sorted(findings, key=lambda finding: SEVERITY[finding.status])
    remedies = dict.fromkeys(finding.remedy for finding in ordered if finding.remedy)
    return Check(
        id=name,
        status=ordered[0].status,
        summary=" ".join(finding.text for finding in ordered),
        evidence=figures,
        remedy=" ".join(remedies) or None,
    )


def not_run(name: str, why: str, remedy: str | None = None, **evidence: Any) -> Check:
    """A check that could not be made, with the reason as a sentence."""
    return Check(id=name, status="not_run", summary=why, evidence=plain(evidence), remedy=remedy)


def share(value: float) -> str:
    """A share: whole per cents, one digit more where whole ones would say 0, 50 or 100."""
    for digits in (0, 1, 2):
        text = f"{100 * value:.{digits}f}"
        if float(text) not in (0.0, 50.0, 100.0) or abs(100 * value - float(text)) < 1e-9:
            break
    return f"{text} %"


def points(value: float) -> str:
    """A difference of shares, unsigned: `22 points`."""
    size = round(100 * abs(value), 1)
    text = f"{size:.0f}" if size >= 2 or size == int(size) else f"{size:.1f}"
    return f"{text} point{'' if text == '1' else 's'}"


def interval(low: float, high: float) -> str:
    """`62 to 79 %`."""
    return f"{share(low).removesuffix(' %')} to {share(high)}"


def rated(rate: WinRate | None) -> str:
    """A rate with its interval and prompts: `71 % (62 to 79 %, 40 prompts)`."""
    if rate is None:
        return "nothing"
    low, high = (rate.low, rate.high) if rate.low is not None else rate.betting_interval or (None, None)
    inside = f"{interval(low, high)}, " if low is not None and high is not None else ""
    return f"{share(rate.value)} ({inside}{count(rate.prompts, 'prompt')})"


def p_value(value: float) -> str:
    """`.034`, `.0004`, `below .0001`."""
    if value < 0.0001:
        return "below .0001"
    digits = 2 if value >= 0.1 else 3 if value >= 0.01 else 4
    return f"{value:.{digits}f}".lstrip("0") if value < 0.995 else "1"


def count(number: int, noun: str) -> str:
    """`1 prompt`, `1,200 prompts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """`a, b and c`; beyond `most` the rest is counted."""
    shown = [f"`{name.replace('`', '')}`" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def either(words: Sequence[str]) -> str:
    """`place, letter or layout`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def summary_of(rate: WinRate | None) -> dict[str, Any] | None:
    """The figures of a rate that stand in a check's evidence."""
    if rate is None:
        return None
    low, high = (rate.low, rate.high) if rate.low is not None else rate.betting_interval or (None, None)
    return {"value": rate.value, "low": low, "high": high, "prompts": rate.prompts}
