"""What a list says of one comparison, and what it is sorted and filtered by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from brie.records import Status
from brie.records.analysis import ComparisonView
from brie.report.judged import counted, flipped, judge_scores, spread


@dataclass(frozen=True, slots=True)
class Cell:
    """What one judge, or all together, said of a comparison."""

    score: float | None
    """1 is a win of the candidate; None where not every planned order has a usable verdict."""
    flipped: bool
    """The order changed it."""
    unusable: bool
    """A verdict cannot be used."""


@dataclass(frozen=True, slots=True)
class Cells:
    """All of a comparison."""

    all: Cell
    """Of the judges that count."""
    by_judge: Mapping[str, Cell]
    spread: float
    """How far apart the judges are that count."""
    flips: int
    """How many of them changed with the order."""
    unusable: int
    """How many of their verdicts cannot be used."""


def cells_of(view: ComparisonView, panel: Collection[str]) -> Cells:
    """What a list says of a comparison.

    Args:
        view: the comparison.
        panel: the judges that count.
    """
    counting = counted(view, panel)
    flips = len(flipped(counting))
    unusable = sum(verdict.status is not Status.OK for verdict in counting.verdicts)
    together = Cell(view.score, flips > 0, unusable > 0)
    return Cells(together, _by_judge(view), spread(counting), flips, unusable)


def _by_judge(view: ComparisonView) -> dict[str, Cell]:
    scores, flips = judge_scores(view), set(flipped(view))
    planned: dict[str, int] = {}
    for verdict in view.verdicts:
        planned[verdict.judge] = planned.get(verdict.judge, 0) + 1
    cells = {}
    for judge, orders in planned.items():
        usable = scores.get(judge, [])
        mean = sum(usable) / len(usable) if usable and len(usable) == orders else None
        cells[judge] = Cell(mean, judge in flips, len(usable) < orders)
    return cells
