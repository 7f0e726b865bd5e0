"""What missing verdicts could do to a verdict: the share at which it tips (docs/statistics.md 1.3)."""

from __future__ import annotations

from collections.abc import Callable

from brie.analyse.arrays import distinct
from brie.analyse.study import Study
from brie.analyse.table import StatusCode
from brie.records.analysis import VerdictWord
from brie.records.standing import MissingVerdicts

WordAt = Callable[[float], VerdictWord | None]
"""The verdict if every missing verdict had this score for the candidate."""


def missing_verdicts(study: Study, word: VerdictWord, word_at: WordAt | None) -> MissingVerdicts | None:
    """Verdicts that could not be used; None where there are none.

    Args:
        study: the headline's verdicts.
        word: the verdict on the judged ones.
        word_at: the verdict with the missing ones filled in; None where it is the same at both ends.
    """
    table, cells = study.table, study.cells
    if not study.has_missing:
        return None
    comparison = cells.prompt * (int(table.sample.max()) + 1) + cells.sample
    counted = MissingVerdicts(
        verdicts=int(((table.status != StatusCode.OK) & (table.repeat == 0)).sum()),
        prompts=distinct(cells.prompt),
        judged_prompts=len(study.means),
        comparisons=distinct(comparison),
        unusable_comparisons=distinct(comparison) - distinct(comparison[cells.complete]),
    )
    if word_at is None or word not in ("better", "worse"):
        return counted
    outcomes = table.outcomes()
    against = outcomes.loss if word == "better" else outcomes.win
    total = outcomes.win + outcomes.tie + outcomes.loss
    update = {
        "against": "losses" if word == "better" else "wins",
        "tipping": _tipping(word, word_at),
        "judged": (against + outcomes.tie / 2) / total if total else None,
    }
    return counted.model_copy(update=update)


def _tipping(word: VerdictWord, word_at: WordAt) -> float:
    """Largest share, to one percent, of missing verdicts against the side named with which it holds."""
    holds, lost = 0, 100
    while lost - holds > 1:
        middle = (holds + lost) // 2
        score = 1 - middle / 100 if word == "better" else middle / 100
        holds, lost = (middle, lost) if word_at(score) == word else (holds, middle)
    return holds / 100
