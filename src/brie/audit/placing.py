"""Place and letter in imported files: what only their sum can tell is given as the sum.

A file that does not say which letter an answer carried does not make the place's effect known: most
tools tie the two. Leaving a column out never makes more identified than having it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from brie.analyse.assemble import AnalysisParts
from brie.analyse.cells import cells
from brie.analyse.position import presentation_effects
from brie.analyse.table import VerdictTable
from brie.records.analysis import Analysis
from brie.records.estimates import Effect, PositionEffect
from brie.records.judges import JudgeNumbers

_TIED = "the letter always went with the order, so only place and letter together are identified"
_NO_LETTER = "the letters were not recorded, so only place and letter together are identified"
_NO_ORDER = "the order was not recorded, so only place and letter together are identified"


@dataclass(frozen=True)
class Placing:
    """What a design tells of place and letter."""

    joint: Effect | None = None
    """Both together, where neither is identified alone."""
    why: str = ""
    by_judge: Mapping[str, Effect] | None = None

    def told(self, analysis: Analysis) -> Analysis:
        """The analysis with the joint effect where checks look for one of place."""
        if self.joint is None or analysis.position is None:
            return analysis
        together = analysis.position.model_copy(update=_numbers(self.joint))
        return analysis.model_copy(update={"position": together, "label": _alone(analysis.label)})


def placing(table: VerdictTable, parts: AnalysisParts) -> Placing:
    """The joint effect of place and letter, where a design of imported rows identifies no more."""
    used = table.usable & ~table.identical
    position, label = table.position[used], table.label[used]
    known = (position != 0) & (label != 0)
    if known.any():
        product = np.unique(position[known] * label[known])
        if len(product) != 1 or len(np.unique(position[known])) < 2:
            return Placing()
        return _joint(replace(table, label=np.zeros_like(table.label)), _TIED, "position")
    if len(np.unique(position[position != 0])) == 2:
        return _joint(table, _NO_LETTER, "position")
    if len(np.unique(label[label != 0])) == 2:
        return _joint(table, _NO_ORDER, "label")
    return Placing()


def without_alone(document: Analysis, place: Placing) -> Analysis:
    """The document without numbers for place or letter alone, where only their sum is known."""
    if place.joint is None:
        return document
    notes = {"position": place.why, "label": place.why}
    judges = {name: _of_judge(numbers) for name, numbers in document.by_judge.items()}
    notes |= {f"by_judge.{name}.{what}": place.why for name in judges for what in ("position", "label")}
    return document.model_copy(
        update={
            "position": _alone(document.position),
            "label": _alone(document.label),
            "by_judge": judges,
            "notes": {**document.notes, **notes},
        }
    )


def _of_judge(numbers: JudgeNumbers) -> JudgeNumbers:
    update = {"position": _alone(numbers.position), "label": _alone(numbers.label)}
    return numbers.model_copy(update=update)


def _joint(table: VerdictTable, why: str, name: str) -> Placing:
    shown = presentation_effects(table, cells(table))
    effect: Effect = getattr(shown, name)
    if effect.effect is None:
        return Placing()
    return Placing(Effect(**_numbers(effect)), why)


def _numbers(effect: Effect) -> dict[str, float | bool | int | None]:
    return {key: getattr(effect, key) for key in ("identified", "effect", "low", "high", "level", "n")}


def _alone(effect: Effect | PositionEffect | None) -> Effect | None:
    """Not identified; how often the winner changes with the order stays."""
    if effect is None:
        return None
    return effect.model_copy(update={"identified": False, "effect": None, "low": None, "high": None})
