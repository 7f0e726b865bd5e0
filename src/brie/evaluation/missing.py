"""What is left to be asked for: verdicts that are not stored, of answers that are not identical."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from brie.analyse.arrays import Ints
from brie.evaluation.gather import without_collection
from brie.evaluation.planned import Planned
from brie.evaluation.work import Work
from brie.judge.run_context import FINAL
from brie.records import Status
from brie.store import Store


@dataclass(frozen=True, slots=True)
class Missing:
    """Planned verdicts that are to be asked for."""

    tasks: Planned
    identical: Ints
    """Numbers of those among all that are planned that need none: their answers are the same."""
    texts: Mapping[str, str]
    """Completion key -> text, of the answers of both that are there."""


@without_collection()
def missing_of(
    planned: Planned,
    store: Store,
    final: Sequence[Status] = FINAL,
    known: Callable[[], Mapping[str, str]] = dict,
) -> Missing:
    """What of some planned verdicts is to be asked for; only the answers of these are read.

    Args:
        planned: the verdicts.
        store: where answers and verdicts are.
        final: statuses that make a verdict done.
        known: completion key -> text, of answers that exist and may not be in the store yet; worked out
            where some are not.
    """
    rows = planned.rows_missing(store, final)
    lacking = planned.take(rows)
    needed = lacking.answers()
    texts = store.texts(needed)
    if len(texts) < len(needed):
        told = known()
        texts |= {key: told[key] for key in needed if key in told}
    same = lacking.identical(texts)
    return Missing(lacking.take(~same), rows[same], texts)


def verdicts_there(work: Work, store: Store) -> int:
    """How many planned verdicts were asked for, whatever became of them."""
    return len(store.present("verdicts", work.planned().keys, tuple(Status)))
