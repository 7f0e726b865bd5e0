"""The win rate by the length of prompts, and of the baseline's answers (docs/statistics.md 10.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from brie.analyse.arrays import Bools, Floats, Ints
from brie.analyse.slices import by_prompt_group, with_family
from brie.analyse.study import Study
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import LengthSlice, SliceNumbers

PARTS = 3
"""Parts of about as many prompts each."""
_NAMES: Mapping[int, tuple[str, ...]] = {2: ("short", "long"), PARTS: ("short", "middle", "long")}


@dataclass(frozen=True)
class _Parted:
    """Prompts by one length."""

    of: Literal["prompt", "answer"]
    unit: Literal["characters", "tokens"]
    group: Ints
    """One entry a prompt: which part it is in."""
    ends: Floats
    """The longest of each part but the last."""
    longest: float

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.of}_{size}" for size in _NAMES[len(self.ends) + 1])

    def part(self, code: int, numbers: SliceNumbers) -> LengthSlice:
        ends = [*self.ends.tolist(), self.longest]
        return LengthSlice(
            **{name: getattr(numbers, name) for name in numbers.model_fields_set},
            of=self.of,
            unit=self.unit,
            over=ends[code - 1] if code else None,
            up_to=ends[code],
        )


def by_length(study: Study) -> dict[str, LengthSlice]:
    """Thirds of the prompts by their length, and by the mean length of the baseline's answers.

    Edges come from lengths alone. All parts are one family: adjusted p and simultaneous interval of
    each hold over all of them.
    """
    lengths, fewest = study.table.lengths, PARTS * FEWEST_PROMPTS
    if lengths is None or len(study.means) < fewest:
        if lengths is not None:
            study.notes["by_length"] = f"fewer than {fewest} prompts are too few to part by length"
        return {}
    known = [
        _parted("prompt", "characters", lengths.prompt),
        _parted("answer", lengths.unit, lengths.answer),
    ]
    slices: dict[str, LengthSlice] = {}
    keep: dict[str, Bools] = {}
    for parted in (part for part in known if part):
        each = by_prompt_group(study, "by_length", parted.group, parted.names)
        for code, (name, numbers) in enumerate(each.items()):
            slices[name] = parted.part(code, numbers)
            keep[name] = parted.group[study.means.prompt] == code
    return with_family(study, "by_length", slices, keep)


def _parted(
    of: Literal["prompt", "answer"], unit: Literal["characters", "tokens"], length: Floats
) -> _Parted | None:
    """None where not every length is known, or all are the same."""
    if not len(length) or not np.isfinite(length).all():
        return None
    shares = np.arange(1, PARTS) / PARTS
    longest = float(length.max())
    ends = np.unique(np.quantile(length, shares, method="inverted_cdf"))
    ends = ends[ends < longest]
    if not len(ends):
        return None
    return _Parted(of, unit, np.searchsorted(ends, length), ends, longest)
