"""What an evaluation knows of its judges' changes: links in its chain, and what follows from them.

A link says what the last check of a judge's anchors came to. `alarm`: the judge had changed by then,
and these verdicts are of the changed one; with `doubt` they were asked before, after the last time that
it had not, so that nobody knows whose they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from brie.errors import UsageError
from brie.evaluation.anchors import AnchorsDocument, DriftCheck, all_anchors, of_one_file
from brie.evaluation.folders import Evaluation, evaluations
from brie.evaluation.manifest import amend, change
from brie.evaluation.missing import verdicts_there
from brie.evaluation.work import Work
from brie.number_format import drifted
from brie.project import Project
from brie.records import Manifest, PanelJudge
from brie.records.judges import Drift
from brie.store import Store


def drift_of(manifest: Manifest) -> dict[str, Drift]:
    """Judge id -> what its anchors said last, as the evaluation's chain has it; a doubt stays."""
    notes: dict[str, Drift] = {}
    for link in manifest.amendments:
        if link.kind == "drift":
            note = Drift.model_validate({k: v for k, v in link.detail.items() if k != "judge"})
            before = notes.get(link.judge)
            notes[link.judge] = before if before is not None and before.doubt else note
    return notes


def with_notes(evaluation: Evaluation, store: Store, project: Project) -> Evaluation:
    """The evaluation with the last checks of its judges chained to it, where it has not got them."""
    known = {note.check for note in drift_of(evaluation.manifest).values()}
    judges = [p for p in Work.of(evaluation.manifest).panel_judges if p.judge.provided.remote]
    documents = all_anchors(project) if judges else []
    last = {p.judge.id: _of(p, documents) for p in judges}
    new = {name: note for name, note in last.items() if note is not None and note.check not in known}
    return _chained(evaluation, new, store) if new else evaluation


def _of(judge: PanelJudge, documents: Sequence[AnchorsDocument]) -> Drift | None:
    """What the last check says of a judge as an evaluation has it."""
    for document in reversed(documents):
        if document.checks and document.judge.digest == judge.digest and not document.found:
            return _note(document, document.checks[-1])
        if document.found and document.found.digest == judge.judge.after:
            return _note(document, document.found)
    return None


def _note(document: AnchorsDocument, check: DriftCheck, *, doubt: bool = False) -> Drift:
    return Drift(
        check=check.digest,
        at=check.last.at,
        since=document.before(check).at,
        asked=check.first.asked,
        changed=check.first.changed,
        expected=document.limits.expected,
        limit=document.limits.alarm,
        alarm=check.outcome == "changed",
        doubt=doubt,
    )


def _chained(evaluation: Evaluation, notes: Mapping[str, Drift], store: Store) -> Evaluation:
    before = verdicts_there(Work.of(evaluation.manifest), store)

    def linked(manifest: Manifest) -> Manifest:
        for name, note in notes.items():
            detail: dict[str, JsonValue] = {"judge": name, **note.model_dump(mode="json")}
            if not any(link.kind == "drift" and link.detail == detail for link in manifest.amendments):
                manifest = amend(manifest, "drift", detail, verdicts_before=before)
        return manifest

    return Evaluation(evaluation.folder, change(evaluation.folder, linked))


def mark_doubtful(document: AnchorsDocument, store: Store, project: Project) -> list[Evaluation]:
    """Chain a confirmed alarm to the evaluations of which nobody knows which judge they had.

    Args:
        document: anchors whose last check found the judge changed.
        store: when verdicts were asked.
        project: whose evaluations.

    Returns:
        Those that were marked: numbers of record that they have are to be made again.
    """
    assert document.found is not None, "only a change is told to evaluations"
    note = _note(document, document.found, doubt=True)
    good, marked = document.before(document.found).newest, []
    for evaluation in evaluations(project):
        work = Work.of(evaluation.manifest)
        theirs = {p.judge.id for p in work.panel_judges if p.digest == document.judge.digest}
        planned = work.planned()
        keys = planned.take(planned.is_by(theirs)).keys if theirs else []
        if store.last_kept(keys)[0] > good:
            marked.append(_chained(evaluation, dict.fromkeys(theirs, note), store))
    return marked


def refuse_mixed(manifests: Sequence[Manifest]) -> None:
    """Refuse to set verdicts of a judge before and after a change side by side.

    Raises:
        UsageError: a judge of two of them has changed in between, or may have.
    """
    seats = [
        (manifest, seat, note)
        for manifest in manifests
        for seat in manifest.plan.seats
        if not seat.instrument
        for note in [drift_of(manifest).get(seat.judge.id)]
    ]
    for number, (one, seat, note) in enumerate(seats):
        for other, another, its_note in seats[:number]:
            if one.id == other.id or not of_one_file(seat.judge, another.judge):
                continue
            doubted = [n for n in (note, its_note) if n is not None and n.doubt]
            if seat.judge.after == another.judge.after and not doubted:
                continue
            alarm = next((n for n in (*doubted, note, its_note) if n is not None and n.alarm), None)
            told = f": {drifted(alarm)}, found {alarm.at[:10]}" if alarm else ""
            old = one if (note and note.doubt) or not seat.judge.after else other
            raise UsageError(
                f"judge {seat.judge.id} has changed between the verdicts of {other.id} and {one.id}"
                f"{told}. A difference could be the judge's, so it is not computed. "
                f"Evaluate again what was judged before: {old.command}"
            )
