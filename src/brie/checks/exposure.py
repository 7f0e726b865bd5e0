"""Win rates by what training has seen: sources, and single prompts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from brie.analyse.arrays import generator
from brie.analyse.bootstrap import percentiles
from brie.analyse.cells import cells, prompt_means
from brie.checks.evidence import Evidence
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import SliceNumbers, WinRate

_DRAWS = 9999


@dataclass(frozen=True)
class Halves:
    """The suite in two, by what training has seen."""

    seen: WinRate | None
    unseen: WinRate | None
    seen_names: tuple[str, ...]
    unseen_names: tuple[str, ...]
    how: str
    """How it is known, as the end of a sentence."""
    low: float | None = None
    """Interval of seen minus unseen; None where a half has fewer than `FEWEST_PROMPTS`."""
    high: float | None = None

    @property
    def gap(self) -> float | None:
        """Seen minus unseen."""
        return self.seen.value - self.unseen.value if self.seen and self.unseen else None


def unseen_sources(evidence: Evidence) -> tuple[set[str], str] | None:
    """Sources that training has not seen, and how that is known; None where it is not."""
    held = set(evidence.plan.held_out_sources) if evidence.plan else set()
    if held:
        return held, "held out by name"
    if evidence.training and evidence.training.sources:
        unseen = set(evidence.table.sources) - set(evidence.training.sources)
        held = set(evidence.training.held_out)
        how = "held out of" if unseen and unseen <= held else "not in"
        return unseen, f"{how} {evidence.training.file}"
    return None


def by_source(evidence: Evidence) -> Halves | None:
    """Sources training has seen and those it has not; None where that is not known."""
    known = unseen_sources(evidence)
    if known is None:
        return None
    unseen, how = known
    sources = tuple(sorted(set(evidence.table.sources)))
    names = [(n, evidence.table.sources[c]) for n, c in _prompt_sources(evidence)]
    return _halves(
        evidence,
        "sources",
        {prompt for prompt, source in names if source in unseen},
        (tuple(s for s in sources if s not in unseen), tuple(s for s in sources if s in unseen), how),
    )


def by_prompt(evidence: Evidence) -> Halves | None:
    """Prompts near to a training row and those far from all; None without training data."""
    if evidence.training is None:
        return None
    near = evidence.training.all_nearest
    far = [name for name in evidence.table.prompts if name not in near]
    here = tuple(name for name in evidence.table.prompts if name in near)
    return _halves(evidence, "prompts", set(far), (here, tuple(far), f"in {evidence.training.file}"))


def _prompt_sources(evidence: Evidence) -> list[tuple[str, int]]:
    return list(zip(evidence.table.prompts, evidence.table.source.tolist(), strict=True))


def _halves(
    evidence: Evidence,
    name: str,
    unseen: Collection[str],
    names: tuple[tuple[str, ...], tuple[str, ...], str],
) -> Halves:
    rows = evidence.of_prompts(unseen)
    seen, other = evidence.rate(f"{name}.seen", ~rows), evidence.rate(f"{name}.unseen", rows)
    low, high = _difference(evidence, name, unseen)
    return Halves(seen, other, names[0], names[1], names[2], low, high)


def _difference(
    evidence: Evidence, name: str, unseen: Collection[str]
) -> tuple[float, float] | tuple[None, None]:
    """Prompt bootstrap of seen minus unseen, each half drawn for itself."""
    means = prompt_means(cells(evidence.table))
    new = evidence.table.prompts
    is_new = [new[code] in unseen for code in means.prompt.tolist()]
    seen = means.mean[[not flag for flag in is_new]]
    two = means.mean[is_new]
    if min(len(seen), len(two)) < FEWEST_PROMPTS:
        return None, None
    rng = generator(evidence.seed, f"checks.{name}.gap")
    draws = [v[rng.integers(len(v), size=(_DRAWS, len(v)))].mean(axis=1) for v in (seen, two)]
    ends = percentiles(draws[0] - draws[1], evidence.settings.level)
    return ends if ends is not None else (None, None)


def by_training(evidence: Evidence) -> dict[str, SliceNumbers]:
    """`by_training` of the document: the rates of both halves, where there are two."""
    slices: dict[str, SliceNumbers] = {}
    sources, prompts = by_source(evidence), by_prompt(evidence)
    named = (
        ("seen sources", "unseen sources", sources),
        ("near the training data", "far from the training data", prompts),
    )
    for seen, unseen, halves in named:
        if halves is not None and halves.seen is not None and halves.unseen is not None:
            slices[seen] = SliceNumbers(win_rate=halves.seen)
            slices[unseen] = SliceNumbers(win_rate=halves.unseen)
    return slices
