"""Taking a bundle into a project: all of it, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from brie.bundle.contents import Contents
from brie.bundle.folders import place, staging
from brie.bundle.rows import Exchange
from brie.bundle.runs import merge_run
from brie.bundle.several import merge_suites
from brie.bundle.unpack import Opened, opened
from brie.digest import digest
from brie.errors import InputError, UsageError
from brie.evaluation.context import CARRIED
from brie.evaluation.gather import gather
from brie.evaluation.manifest import amend, change, read_manifest, write_manifest
from brie.evaluation.rows import EvaluationData
from brie.evaluation.training_data import record
from brie.project import Project, write_text
from brie.records import Amendment, Manifest
from brie.report.curve import CURVE

_JOINED = ("judge", "voter", "repeat", "retry")
"""Additions that two machines may make independently of one another."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a bundle."""

    kind: str
    id: str
    new: bool
    """False where the project had it already."""
    completions: int = 0
    """Rows added."""
    verdicts: int = 0
    outdated: bool = False
    """Rows came to an evaluation whose numbers were made here without them."""


def unbundle(path: Path, project: Project) -> Merged:
    """Merge a bundle into a project's store and folders.

    Rows that are there stay; nothing is overwritten. Where anything contradicts what is there, or
    the bundle is not what it says, nothing at all is written.

    Raises:
        InputError: a damaged or hostile bundle, or a contradiction; both digests are named.
        UsageError: it is a checkpoint of an unfinished run.
        StoreError: the store cannot be written.
    """
    with opened(path) as bundle:
        return merge(bundle, project)


def merge(bundle: Opened, project: Project) -> Merged:
    """`unbundle` of a bundle that is open."""
    if bundle.index.kind == "run":
        return Merged("run", *merge_run(bundle, project))
    if bundle.index.kind == "suites":
        return _merge_suites(bundle, project)
    if bundle.index.kind == "checkpoint":
        raise UsageError(f"{bundle.name} is a checkpoint of a job that runs elsewhere; see: brie jobs")
    return merge_evaluation(Contents(bundle), project)[0]


def _merge_suites(bundle: Opened, project: Project) -> Merged:
    def merge(path: Path) -> tuple[int, int]:
        merged = unbundle(path, project)
        return merged.completions, merged.verdicts

    return Merged("suites", *merge_suites(bundle, project, merge))


def merge_answers(path: Path, project: Project) -> Manifest:
    """Take the answers out of an evaluation's bundle, and nothing else that may be in it.

    Returns:
        The manifest as the bundle has it.

    Raises:
        InputError: a damaged or hostile bundle, or one of another plan than the one that is here.
        StoreError: the store cannot be written.
    """
    with opened(path) as bundle:
        contents = Contents(bundle)
        here, came = read_manifest(project.runs / contents.manifest.id), contents.manifest
        if here.seal != came.seal:
            raise InputError(
                f"{here.id} was sealed as {here.seal} here and as {came.seal} in the bundle; "
                "nothing was merged."
            )
        with Exchange.open(project.store) as store, store.together():
            store.merge_completions(contents.completions())
    return came


# --- evaluations -------------------------------------------------------------------------


def merge_evaluation(contents: Contents, project: Project) -> tuple[Merged, EvaluationData | None]:
    """`unbundle` of an evaluation's contents.

    Returns:
        What came of it; and its rows, where it is new here and has numbers.
    """
    target = project.runs / contents.manifest.id
    here = read_manifest(target) if target.exists() else None
    manifest = contents.manifest if here is None else joined(here=here, there=contents.manifest)
    rows = None
    with staging(project) as folder, Exchange.open(project.store) as store:
        _write_folder(contents, folder)
        with store.together():
            completions = store.merge_completions(contents.completions())
            verdicts = store.merge_attempts(contents.attempts())
            store.merge_calls(contents.calls(), contents.booked_under)
            store.merge_looks(contents.looks)
            if here is None:
                rows = _checked_rows(contents, store)
        # Rows without a folder are seen by nobody and merged again; a folder without rows is seen.
        if here is None:
            place(folder, target=target)
        elif manifest != here:
            manifest = change(target, lambda now: joined(here=now, there=contents.manifest))
        _keep_voters(contents, target)
    outdated = here is not None and bool(completions + verdicts)
    return Merged("evaluation", manifest.id, here is None, completions, verdicts, outdated), rows


def joined(*, here: Manifest, there: Manifest) -> Manifest:
    """The manifest with what was added on the other machine chained after what was added here.

    Raises:
        InputError: the plans differ, or additions that do not go together.
    """
    if here.seal != there.seal:
        raise InputError(
            f"{here.id} was sealed as {here.seal} here and as {there.seal} in the bundle; "
            "nothing was merged."
        )
    links_here = {_identity(link) for link in here.amendments}
    for number, link in enumerate(there.amendments):
        if _identity(link) in links_here:
            continue
        if here.amendments == there.amendments[:number]:  # the other chain simply goes on
            here = here.model_copy(update={"amendments": there.amendments[: number + 1]})
        elif link.kind in _JOINED:
            detail = {**link.detail, "merged": link.digest}
            here = amend(here, link.kind, detail, verdicts_before=link.verdicts_before)
        else:
            raise InputError(
                f"what was added to {here.id} here ({here.amendments[-1].digest}) and in the bundle "
                f"({link.digest}) does not go together; nothing was merged."
            )
    return here


def _identity(link: Amendment) -> str:
    return digest([link.kind, {k: v for k, v in link.detail.items() if k != "merged"}])


def _write_folder(contents: Contents, folder: Path) -> None:
    write_manifest(folder, contents.manifest)
    write_text(folder / CARRIED, _json(contents.carried))
    if contents.trained is not None:
        record(folder, contents.trained)
    if contents.curve is not None:
        write_text(folder / CURVE, _json(contents.curve))
    if contents.analysis is not None:
        write_text(folder / "analysis.json", contents.analysis.to_json())


def _keep_voters(contents: Contents, target: Path) -> None:
    for name, closed in contents.voters.items():
        path = target / "voters" / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            write_text(path, closed.model_dump_json() + "\n")


def _checked_rows(contents: Contents, store: Exchange) -> EvaluationData | None:
    """The rows, which must be the ones the numbers were made from; None where there are no numbers."""
    if contents.analysis is None:
        return None
    rows = gather(contents.manifest, store, texts=False)
    if rows.digest != contents.analysis.rows_digest:
        raise InputError(
            f"the bundle's rows ({rows.digest}) are not those its numbers were made from "
            f"({contents.analysis.rows_digest}); nothing was merged."
        )
    return rows


def _json(document: BaseModel) -> str:
    return document.model_dump_json(indent=1) + "\n"
