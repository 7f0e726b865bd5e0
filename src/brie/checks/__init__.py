"""Is the number a mirage? Every reason not to believe it, each looked for by one small check.

    run_checks(Evidence(analysis=analysis, table=table, plan=plan, …))

Each check is a function of an `Evidence` that returns a `Check`: its status, the figures, one plain
sentence and, where there is one, a remedy. Nothing here asks a model or reads a file.
"""

from __future__ import annotations

from collections.abc import Callable

from brie.checks import (
    blinding,
    checkpoint,
    conditions,
    contamination,
    controls,
    injection,
    judges,
    length,
    looks,
    position,
    sample_size,
    sampling,
    sources,
    truncation,
)
from brie.checks.evidence import Answer, Evidence, Looks, Models, Pair, Training
from brie.checks.exposure import by_training, unseen_sources
from brie.checks.imported import fitting
from brie.checks.standing import standing_of
from brie.records import WORST_FIRST, Check

CHECKS: tuple[Callable[[Evidence], Check], ...] = (
    checkpoint.check,
    conditions.check,
    truncation.check,
    blinding.check,
    position.check,
    length.check,
    sample_size.check,
    sampling.check,
    judges.check,
    controls.check,
    contamination.check,
    sources.check,
    looks.check,
    injection.check,
)
"""In the order of the design."""


def run_checks(evidence: Evidence) -> tuple[Check, ...]:
    """Every check, worst first; in the design's order where they are equally bad."""
    checks = [check(evidence) for check in CHECKS]
    if evidence.plan is None:
        checks = [fitting(check) for check in checks]
    return tuple(sorted(checks, key=lambda check: WORST_FIRST[check.status]))


__all__ = [
    "CHECKS",
    "Answer",
    "Evidence",
    "Looks",
    "Models",
    "Pair",
    "Training",
    "by_training",
    "run_checks",
    "standing_of",
    "unseen_sources",
]
