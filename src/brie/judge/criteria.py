"""A rubric with its criteria in another order: each item of the list stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from brie.catalog import CRITERIA, criterion
from brie.records import Rubric
from brie.records.base import CriteriaOrder

T = TypeVar("T")


def in_order(rubric: Rubric, order: CriteriaOrder) -> Rubric:
    """The rubric as a judge reads it in an order of its criteria.

    Args:
        rubric: its list stands under `## Criteria`; one without such a list keeps its text.
        order: `own`: the rubric as it is.
    """
    if order == "own":
        return rubric
    head, heading, rest = rubric.text.partition(CRITERIA)
    section, following, tail = rest.partition("\n## ")
    text = f"{head}{heading}{_reordered(section, order)}{following}{tail}"
    criteria = tuple(_ordered(rubric.criteria, order))
    return rubric.model_copy(update={"text": text, "criteria": criteria})


def _reordered(section: str, order: CriteriaOrder) -> str:
    """The items that name a criterion change places; every other line keeps its own."""
    pieces: list[list[str]] = []
    named: list[int] = []
    for line in section.split("\n"):
        within = bool(named) and named[-1] == len(pieces) - 1 and line.startswith((" ", "\t"))
        if criterion(line) is not None:
            named.append(len(pieces))
        if within:
            pieces[-1].append(line)
        else:
            pieces.append([line])
    moved = dict(zip(named, _ordered([pieces[k] for k in named], order), strict=True))
    return "\n".join(line for k, piece in enumerate(pieces) for line in moved.get(k, piece))


def _ordered(items: Sequence[T], order: CriteriaOrder) -> Sequence[T]:
    """`reversed`: the last first; `rotated`: the second half before the first."""
    if order == "reversed":
        return list(reversed(items))
    half = (len(items) + 1) // 2
    return [*items[half:], *items[:half]] if order == "rotated" else items
