"""An evaluation's numbers of record: made by one process at a time, never from fewer rows than before.

Rows are only ever added to a store. Where numbers stand that were made from more rows than there are
now, the store was deleted, replaced or restored from an old copy: that is an error, and nothing is
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from brie.errors import RowsGone, UsageError
from brie.evaluation.columns import chosen
from brie.evaluation.folders import Evaluation
from brie.evaluation.gather import gather
from brie.evaluation.manifest import read_manifest
from brie.evaluation.margins import counting_judges
from brie.evaluation.rows import EvaluationData, row_counts
from brie.evaluation.votes import votes_by_prompt
from brie.evaluation.work import Work
from brie.judge.run_context import FINAL
from brie.number_format import plural
from brie.project import alone
from brie.records import Manifest, Status
from brie.records.analysis import Analysis, RowCounts
from brie.store import Store

_LOCK = ".numbers.lock"
_PATIENCE = 1800.0
"""Seconds to wait while others make the same evaluation's numbers; a large report takes a while."""


@contextmanager
def settled(evaluation: Evaluation, store: Store) -> Iterator[tuple[Evaluation, EvaluationData]]:
    """The evaluation as it stands now with all its rows, while nobody else makes its numbers.

    Raises:
        SealBroken: its seal does not hold.
        RowsGone: rows that its finished numbers were made from are not there any more.
        StoreError: the store was deleted or replaced meanwhile, or a row is damaged.
    """
    with alone(evaluation.folder / _LOCK, patience=_PATIENCE):
        store.refuse_replaced()
        current = Evaluation(evaluation.folder, read_manifest(evaluation.folder))
        data = gather(current.manifest, store, texts=False)
        refuse_gone(current, data, store)
        yield current, data


def refuse_gone_rows(evaluation: Evaluation, store: Store) -> None:
    """The same look at the rows before anything is asked; unfinished numbers hold nobody up.

    Raises:
        RowsGone: as `settled`.
    """
    stored = stored_analysis(evaluation)
    if stored is None or stored.interim:
        return
    manifest = evaluation.manifest
    if stored.rows is None or manifest.plan.stopping is not None:
        refuse_gone(evaluation, gather(manifest, store, texts=False), store)
    else:
        _refuse(evaluation, _gone(stored.rows, counts_there(manifest, store)), store)


def counts_there(manifest: Manifest, store: Store) -> RowCounts:
    """`row_counts` of an evaluation that does not stop early, without reading a row."""
    work = Work.of(manifest)
    planned, every = work.planned(), tuple(Status)
    unfinished = planned.missing(store, FINAL)
    there = planned.counts() - unfinished.missing(store, every).counts()
    cast = [task for tasks in votes_by_prompt(manifest, work).values() for task in tasks]
    voted = store.present("verdicts", (task.key for task in cast), every)
    there.update(task.judge for task in cast if task.key in voted)
    answers = store.present("completions", work.texts_needed())
    return RowCounts(answers=len(answers), verdicts=dict(there))


def refuse_gone(evaluation: Evaluation, data: EvaluationData, store: Store) -> None:
    """Refuse rows that are fewer than those the numbers of record were made from.

    Raises:
        RowsGone: names how many are gone, of what.
    """
    stored = stored_analysis(evaluation)
    _refuse(evaluation, gone_rows(stored, data) if stored is not None else {}, store)


def _refuse(evaluation: Evaluation, gone: Mapping[str, int], store: Store) -> None:
    if not gone:
        return
    what = ", ".join(f"{count:,} of {name}" for name, count in gone.items())
    name = evaluation.manifest.id
    raise RowsGone(
        f"{plural(sum(gone.values()), 'row')} that the numbers of {name} were made from "
        f"({what}) are not in {store.path} any more, and the numbers stay as they are. Put the store "
        f"back from a copy, or move runs/{name} away to make it anew."
    )


def gone_rows(stored: Analysis, data: EvaluationData) -> dict[str, int]:
    """Judge, voter or `answers` -> how many rows there are less than when these numbers were made."""
    gone = _gone(_counted(stored), row_counts(data))
    if not stored.rows and not stored.interim:
        gone["the headline's judges"] = _headline(stored) - _headline_there(data)
    return {name: count for name, count in gone.items() if count > 0}


def _gone(before: RowCounts, there: RowCounts) -> dict[str, int]:
    gone = {"answers": before.answers - there.answers} if before.answers else {}
    gone |= {name: count - there.verdicts.get(name, 0) for name, count in before.verdicts.items()}
    return {name: count for name, count in gone.items() if count > 0}


def _counted(stored: Analysis) -> RowCounts:
    """What a document says of its rows; earlier builds kept only the votes apart from the headline."""
    if stored.rows is not None:
        return stored.rows
    votes = {name: judge.votes for name, judge in stored.by_judge.items() if judge.votes}
    return RowCounts(answers=0, verdicts=votes)


def _headline(stored: Analysis) -> int:
    counts = stored.counts
    return counts.ok + counts.invalid + counts.refused + counts.error


def _headline_there(data: EvaluationData) -> int:
    columns = data.columns
    by_them = columns.is_by(counting_judges(data))
    return len(chosen(columns.is_of("main"), by_them, ~columns.missing))


def stored_analysis(evaluation: Evaluation) -> Analysis | None:
    """The numbers of record; None where there are none, or none that can be read."""
    try:
        return Analysis.read(evaluation.analysis_file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def refuse_poorer(stored: Analysis | None, made: Analysis) -> None:
    """Finished numbers are not replaced by interim ones.

    Raises:
        UsageError: names the command that finishes what is missing.
    """
    if stored is not None and not stored.interim and made.interim:
        raise UsageError(
            f"the numbers of {made.id} are finished and stay; what the store gives now lacks "
            f"{plural(made.counts.missing, 'verdict')}. Ask for them: brie judge {made.id}"
        )
