"""How checks put their findings together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Literal, NamedTuple, TypeAlias

from pydantic import JsonValue

from brie.records import WORST_FIRST, Check, Record
from brie.records.analysis import WinRate

Figure: TypeAlias = "str | float | Record | Mapping[str, Figure] | Sequence[Figure] | None"
"""What may stand in a check's evidence."""


class Finding(NamedTuple):
    """One reason not to believe the number, as a sentence, and what can be done."""

    status: Literal["fail", "warn"]
    text: str
    remedy: str | None = None


def conclude(
    name: str, findings: Sequence[Finding], evidence: Mapping[str, Figure], otherwise: str
) -> Check:
    """A check's result: its findings, worst first; `otherwise` is said where there are none."""
    figures = _written(evidence)
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


def not_run(
    name: str,
    why: str,
    remedy: str | None = None,
    *,
    evidence: Mapping[str, Figure] | None = None,
) -> Check:
    """A check that could not be made, with the reason as a sentence."""
    return Check(
        id=name, status="not_run", summary=why, evidence=_written(evidence or {}), remedy=remedy
    )


def summary_of(rate: WinRate | None) -> dict[str, float | None] | None:
    """The figures of a rate that stand in a check's evidence."""
    if rate is None:
        return None
    low, high = rate.ends or (None, None)
    return {"value": rate.value, "low": low, "high": high, "prompts": rate.prompts}


def _written(figures: Mapping[str, Figure]) -> dict[str, JsonValue]:
    """Figures as JSON has them: records by their fields, None for what is not finite."""
    return {str(name): _value(figure) for name, figure in figures.items()}


def _value(figure: Figure) -> JsonValue:
    if isinstance(figure, Record):
        return _written(figure.model_dump(mode="json", exclude_unset=True))
    if isinstance(figure, Mapping):
        return _written(figure)
    if isinstance(figure, float):
        return figure if isfinite(figure) else None
    if figure is None or isinstance(figure, str | int):
        return figure
    return [_value(item) for item in figure]
