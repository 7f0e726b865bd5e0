"""What a card is about: one model, its training run, and everything it was judged in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brie.ci.claim_sources import cited_document, cited_evaluation, cited_run
from brie.errors import InputError, UsageError, unknown
from brie.evaluation.folders import Evaluation, evaluations, find_evaluation, names_of
from brie.evaluation.settled import stored_analysis
from brie.evaluation.suites import every_suites
from brie.export.run import MANIFEST as EXPORT
from brie.export.run import read_manifest as read_export
from brie.pin import locate, read_pin
from brie.pin.bases import PACKAGED_PREFIX
from brie.project import Project
from brie.publish.licence import Licence, licence_of
from brie.publish.quoted import Quoted
from brie.records import BaseModelRef, Pin
from brie.train.config import PINS
from brie.train.runs import RunInfo, list_runs, name_of

_ELSEWHERE = {"served": "behind a server", "answers": "a file of answers"}
"""Kinds of pins that are no model on this machine."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, and what the records say of it."""

    name: str
    pin: Pin
    quoted: Quoted
    """The pin, as a claim can cite it."""
    licence: Licence
    """Of its base."""
    run: Quoted | None = None
    """The training run it comes from; None where none of this project made it."""
    evaluations: tuple[Quoted, ...] = ()
    """Finished ones, oldest first."""
    unfinished: tuple[str, ...] = ()
    """Ids of those that are not."""
    suites: tuple[Quoted, ...] = ()
    """Tables over several suites in which it was judged."""
    export: Quoted | None = None
    """The export whose folder the card lies in."""
    repo: str = ""
    """Where on the Hub it goes; "" where it goes nowhere."""
    tags: tuple[str, ...] = ()

    @property
    def is_trained(self) -> bool:
        """Whether it is an adapter on a base; of a whole model nothing says what it was made from."""
        return self.pin.kind == "adapter"

    @property
    def base(self) -> BaseModelRef:
        """The base it was made from."""
        return self.pin.base


def of_reference(name: str | None, project: Project, *, command: str = "") -> Subject:
    """The model that a run or an evaluation is about.

    Args:
        name: a run (its best checkpoint), RUN:best, RUN:last, or an evaluation (its candidate); None:
            the only evaluation.
        project: where they are.
        command: what was typed without a name.

    Raises:
        UsageError: nothing or several things are called so.
    """
    if name is None:
        return _of_evaluation(find_evaluation(None, project, command=command), project)
    run_name, _, which = name.partition(":")
    runs = [run for run in list_runs(project) if run_name in _names(run)]
    there = [] if which else [e for e in evaluations(project) if name in names_of(e)]
    if len(runs) + len(there) > 1:
        ids = [f"{run.id}:best" for run in runs] + [e.manifest.id for e in there]
        listing = "\n  ".join(f"brie report {each} --model-card" for each in ids)
        raise UsageError(f"{len(ids)} things are called {name!r}; say which:\n  {listing}")
    if runs:
        return _of_run(runs[0], which or "best", project)
    if which:
        raise unknown("training run", run_name, [run.name for run in list_runs(project)])
    return _of_evaluation(there[0] if there else find_evaluation(name, project), project)


def of_export(folder: Path, name: str, project: Project) -> Subject:
    """The model that an export's folder holds.

    Args:
        folder: the export's.
        name: what its checkpoint is called.
        project: where its run and its evaluations are.
    """
    manifest = read_export(folder)
    export = Quoted(EXPORT, cited_document(EXPORT, project, folder))
    return _subject(name, manifest.source, export.under("source"), project, export=export)


def _names(run: RunInfo) -> tuple[str, ...]:
    return (run.id, run.id.rsplit("-", 1)[-1], *([run.manifest.name] if run.manifest.name else []))


def _of_run(run: RunInfo, which: str, project: Project) -> Subject:
    path = run.folder / PINS / f"{which}.json"
    if not path.is_file():
        pins = sorted(path.stem for path in (run.folder / PINS).glob("*.json"))
        hint = f"For another checkpoint export it: brie export {run.name}:{which} --to merged"
        raise unknown("pin", which, pins, hint)
    quoted = Quoted(run.id, cited_run(run.id, project))
    pin = read_pin(path)
    return _subject(f"{name_of(run.manifest)}:{which}", pin, quoted.under("pinned", which), project)


def _of_evaluation(evaluation: Evaluation, project: Project) -> Subject:
    manifest = evaluation.manifest
    pin = manifest.plan.candidate
    if pin.kind in _ELSEWHERE:
        raise UsageError(
            f"the candidate of {manifest.id} is {_ELSEWHERE[pin.kind]}, so that there is no model here "
            "to write a card of."
        )
    quoted = Quoted(manifest.id, cited_evaluation(manifest.id, project))
    name = manifest.names["candidate"]
    return _subject(name, pin, quoted.under("plan", "candidate"), project)


def _subject(
    name: str, pin: Pin, quoted: Quoted, project: Project, export: Quoted | None = None
) -> Subject:
    run = _run_of(pin, project)
    judged = [e for e in evaluations(project) if e.manifest.plan.candidate.digest == pin.digest]
    judged.sort(key=lambda evaluation: (evaluation.manifest.created, evaluation.manifest.id))
    finished = [e for e in judged if _is_finished(e)]
    ids = {evaluation.manifest.id for evaluation in finished}
    return Subject(
        name=name,
        pin=pin,
        quoted=quoted,
        licence=_licence(pin, run, project),
        run=Quoted(run.id, cited_run(run.id, project)) if run else None,
        evaluations=tuple(_judged(evaluation, project) for evaluation in finished),
        unfinished=tuple(e.manifest.id for e in judged if e not in finished),
        suites=tuple(_suites(ids, project)),
        export=export,
    )


def _judged(evaluation: Evaluation, project: Project) -> Quoted:
    """An evaluation's numbers, which must be those of its rows as they are now.

    Raises:
        UsageError: its numbers of record are older.
    """
    name, stored = evaluation.manifest.id, stored_analysis(evaluation)
    quoted = Quoted(name, cited_evaluation(name, project))
    if stored is None or stored.rows_digest != quoted.said("rows_digest"):
        raise UsageError(f"the numbers of {name} are older than its rows: brie report {name}")
    return quoted


def _is_finished(evaluation: Evaluation) -> bool:
    analysis = stored_analysis(evaluation)
    return analysis is not None and not analysis.interim


def _suites(ids: set[str], project: Project) -> list[Quoted]:
    """The tables of several suites whose evaluations are all among these, and finished."""
    whole = [
        suites.manifest.id
        for suites in every_suites(project)
        if {part.evaluation for part in suites.manifest.plan.parts} <= ids
    ]
    return [Quoted(name, cited_document(name, project, project.root)) for name in whole]


def _run_of(pin: Pin, project: Project) -> RunInfo | None:
    """The run of this project that made a checkpoint."""
    for run in list_runs(project):
        pinned = {entry.digest for entry in run.manifest.pins.values()}
        if pin.digest in pinned or pin.digest in run.manifest.digests.values():
            return run
    return None


def _licence(pin: Pin, run: RunInfo | None, project: Project) -> Licence:
    if run is not None and run.manifest.config.recipe.license:
        recipe = run.manifest.config.recipe
        return Licence(recipe.license, "as its recipe has it", recipe.license_note or "")
    location = run.manifest.config.base_location if run is not None else pin.base_location
    folder = None
    if location is not None or pin.base.repo.startswith(PACKAGED_PREFIX):
        try:
            folder = locate(pin.base, location, project.root)
        except (UsageError, InputError):
            folder = None
    return licence_of(pin.base.repo, folder or _cached(pin.base), project)


def _cached(base: BaseModelRef) -> Path | None:
    """The folder of a Hub base in the local cache; nothing is downloaded for it."""
    if base.revision is None or "/" not in base.repo:
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    config = try_to_load_from_cache(base.repo, "config.json", revision=base.revision)
    return Path(config).parent if isinstance(config, str) else None
