"""What presentation moved, in points around zero: place, letter, layout, the order of the criteria."""

from __future__ import annotations

from dataclasses import dataclass

from brie.records import estimates
from brie.records.analysis import Analysis
from brie.report.clean import one_line


@dataclass(frozen=True)
class Effect:
    """A bias in points around zero."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    meaning: str
    note: str = ""


def effects(analysis: Analysis) -> list[Effect]:
    """Position, letter and layout effects of the whole panel, and those of the order of the criteria,
    where they were computed."""
    named = (
        ("position", "Standing first", "points gained by the answer shown first"),
        ("label", "Being called A", "points gained by the letter A"),
        ("layout", "A shown first", "points gained where the first answer carries A"),
    )
    measured = {"position": analysis.position, "label": analysis.label, "layout": analysis.layout}
    return [
        _effect(title, meaning, measured[key], analysis.notes.get(key, ""))
        for key, title, meaning in named
        if key in analysis.model_fields_set
    ] + [
        _effect(f"Criteria {name.replace('-', ', not ')}", _READ, effect, "")
        for name, effect in (analysis.criteria_order.effects if analysis.criteria_order else {}).items()
    ]


_READ = "points that the rate is higher with the criteria in the first of these orders"


def flip_rate(analysis: Analysis) -> float | None:
    """Share of comparisons whose winner changes when the sides are exchanged."""
    return analysis.position.flip_rate if analysis.position else None


def tastes(analysis: Analysis) -> list[tuple[str, list[Effect]]]:
    """Judge -> its own position and letter effects, for judges that have both and are no instrument."""
    judges: list[tuple[str, list[Effect]]] = []
    for name, judge in analysis.by_judge.items():
        if {"position", "label"} <= judge.model_fields_set and not judge.instrument:
            both = (("position", judge.position), ("label", judge.label))
            liked = [
                _effect(key, "", effect, analysis.notes.get(f"by_judge.{name}.{key}", ""))
                for key, effect in both
            ]
            judges.append((one_line(name, 80), liked))
    return judges


def _effect(name: str, meaning: str, estimated: estimates.Effect | None, note: str) -> Effect:
    if estimated is not None and estimated.identified and estimated.effect is not None:
        # Resampled effects may pass the end of their scale; no answer gains more than 100 points.
        low = None if estimated.low is None else max(estimated.low, -1.0)
        high = None if estimated.high is None else min(estimated.high, 1.0)
        return Effect(name, estimated.effect, low, high, meaning)
    by_design = estimated is not None and not estimated.identified
    why = "this design cannot tell" if by_design else "not known"
    return Effect(name, None, None, None, meaning, note or why)
