"""How checks put their findings together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from brie.analyse.study import plain
from brie.records import WORST_FIRST, Check
from brie.records.analysis import WinRate


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
    ordered = sorted(findings, key=lambda finding: WORST_FIRST[finding.status])
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


def summary_of(rate: WinRate | None) -> dict[str, Any] | None:
    """The figures of a rate that stand in a check's evidence."""
    if rate is None:
        return None
    low, high = (rate.low, rate.high) if rate.low is not None else rate.betting_interval or (None, None)
    return {"value": rate.value, "low": low, "high": high, "prompts": rate.prompts}
