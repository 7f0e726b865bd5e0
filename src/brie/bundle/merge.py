"""Taking a bundle into a project: all of it, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from brie.bundle import layout
from brie.bundle.contents import Contents
from brie.bundle.layout import parse
from brie.bundle.rows import Exchange
from brie.bundle.several import merge_suites
from brie.bundle.unpack import Opened, opened
from brie.digest import digest, file_digest
from brie.errors import InputError, PinError
from brie.evaluation.context import CARRIED
from brie.evaluation.gather import gather
from brie.evaluation.manifest import amend, change, read_manifest, write_manifest
from brie.evaluation.training_data import record
from brie.pin import ADAPTER_CONFIG, canonical_config, folder_template_digest, has_template
from brie.project import Project, write_text
from brie.records import Amendment, Manifest, Pin
from brie.report.curve import CURVE
from brie.train.config import RunManifest, TrainConfig

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
        StoreError: the store cannot be written.
    """
    with opened(path) as bundle:
        if bundle.index.kind == "run":
            return _merge_run(bundle, project)
        if bundle.index.kind == "suites":
            return _merge_suites(bundle, project)
        return _merge_evaluation(Contents(bundle), project)


def _merge_suites(bundle: Opened, project: Project) -> Merged:
    def merge(path: Path) -> tuple[int, int]:
        merged = unbundle(path, project)
        return merged.completions, merged.verdicts

    return Merged("suites", *merge_suites(bundle, project, merge))


# --- evaluations -------------------------------------------------------------------------


def _merge_evaluation(contents: Contents, project: Project) -> Merged:
    target = project.runs / contents.manifest.id
    here = read_manifest(target) if target.exists() else None
    manifest = contents.manifest if here is None else joined(here=here, there=contents.manifest)
    with _staging(project) as folder, Exchange.open(project.store) as store:
        _write_folder(contents, folder)
        with store.together():
            completions = store.merge_completions(contents.completions())
            verdicts = store.merge_attempts(contents.attempts())
            store.merge_calls(contents.calls)
            store.merge_looks(contents.looks)
            if here is None:
                _check_rows(contents, store)
        # Rows without a folder are seen by nobody and merged again; a folder without rows is seen.
        if here is None:
            _place(folder, target=target)
        elif manifest != here:
            manifest = change(target, lambda now: joined(here=now, there=contents.manifest))
        _keep_voters(contents, target)
    outdated = here is not None and bool(completions + verdicts)
    return Merged("evaluation", manifest.id, here is None, completions, verdicts, outdated)


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


def _check_rows(contents: Contents, store: Exchange) -> None:
    """Whether the rows are the ones the numbers were made from."""
    if contents.analysis is None:
        return
    rows_digest = gather(contents.manifest, store).digest
    if rows_digest != contents.analysis.rows_digest:
        raise InputError(
            f"the bundle's rows ({rows_digest}) are not those its numbers were made from "
            f"({contents.analysis.rows_digest}); nothing was merged."
        )


# --- runs --------------------------------------------------------------------------------


def _merge_run(bundle: Opened, project: Project) -> Merged:
    name = bundle.index.id
    manifest = parse(RunManifest, bundle.document(layout.RUN_MANIFEST), layout.RUN_MANIFEST)
    config = parse(TrainConfig, bundle.document(layout.RUN_CONFIG), layout.RUN_CONFIG)
    if layout.RUN_ID.fullmatch(name) is None or manifest.id != name or manifest.config != config:
        raise InputError("the bundle's run contradicts itself; nothing was taken.")
    target = project.runs / name
    if target.exists():
        _same_run(target, manifest)
        return Merged("run", name, new=False)
    with _staging(project) as folder:
        _write_run(bundle, folder)
        _check_pins(folder)
        _place(folder, target=target)
    return Merged("run", name, new=True)


def _write_run(bundle: Opened, folder: Path) -> None:
    for name in bundle.names:
        if not name.startswith(layout.RUN):
            raise InputError(f"the bundle of a run holds {name}; nothing was taken.")
        path = folder / name.removeprefix(layout.RUN)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("wb") as handle:
                bundle.copy(name, handle)
        except OSError as error:
            raise InputError(f"cannot write {path.name}: {error.strerror or error}.") from error


def _check_pins(folder: Path) -> None:
    """Whether pins lead to the run's own checkpoints, and those that came are the pinned ones."""
    named: set[str] = set()
    for path in sorted(folder.glob("pins/*.json")):
        pin = parse(Pin, path.read_bytes(), f"run/pins/{path.name}")
        where = pin.checkpoint or ""
        if layout.CHECKPOINT.fullmatch(where) is None or _leads_out(pin.base_location):
            raise InputError(f"the bundle's pin {path.name} leads out of its run; nothing was taken.")
        checkpoint = folder / where.removeprefix("../")
        if checkpoint.is_dir():
            named.add(checkpoint.name)
            _check_adapter(pin, checkpoint)
    came = {path.name for path in folder.glob("checkpoints/*")}
    if came - named:
        raise InputError("the bundle holds a checkpoint that no pin names; nothing was taken.")


def _leads_out(location: str | None) -> bool:
    """Whether a base's folder is not inside the project it is taken into."""
    path = Path(location or "")
    return path.is_absolute() or ".." in path.parts


def _check_adapter(pin: Pin, checkpoint: Path) -> None:
    came = sorted(path.name for path in checkpoint.iterdir())
    odd = [name for name in came if name not in (*pin.files, ADAPTER_CONFIG)]
    if odd and pin.version > 1:
        raise InputError(
            f"{odd[0][:80]} is in the bundle, and its pin does not list it; nothing was taken."
        )
    for name, pinned in pin.files.items():
        path = checkpoint / name
        actual = file_digest(path) if path.is_file() else "missing"
        if name not in layout.ADAPTER_FILES or actual != pinned:
            raise InputError(f"{name[:80]} is {actual}, its pin says {pinned}; nothing was taken.")
    try:
        config = digest(canonical_config(checkpoint / ADAPTER_CONFIG))
    except PinError as error:
        raise InputError("the bundle's adapter_config.json cannot be read.") from error
    if config != pin.config:
        raise InputError(f"adapter_config.json is {config}, its pin says {pin.config}.")
    if has_template(checkpoint):
        rendered = folder_template_digest(checkpoint)
        if rendered != pin.template_digest:
            raise InputError(
                f"the bundle's chat template is {rendered}, its pin says {pin.template_digest}; "
                "nothing was taken."
            )


def _same_run(target: Path, manifest: RunManifest) -> None:
    path = target / "manifest.json"
    here = parse(RunManifest, path.read_bytes(), path.name) if path.is_file() else None
    identity_here = here.identity if here else "unreadable"
    if here is None or identity_here != manifest.identity or here.pins != manifest.pins:
        raise InputError(
            f"run {target.name} is another one here ({identity_here}) than in the bundle "
            f"({manifest.identity}); nothing was merged."
        )


# --- folders -----------------------------------------------------------------------------


@contextmanager
def _staging(project: Project) -> Iterator[Path]:
    """A folder beside the runs, gone at the end unless it was moved into its place."""
    try:
        project.runs.mkdir(parents=True, exist_ok=True)
        outer = Path(tempfile.mkdtemp(prefix=".unbundle-", dir=project.runs))
    except OSError as error:
        raise InputError(f"cannot write to {project.runs}: {error.strerror or error}.") from error
    try:
        folder = outer / "folder"
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def _place(folder: Path, *, target: Path) -> None:
    """Move a finished folder to where it belongs, in one step."""
    try:
        folder.rename(target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}.") from error


def _json(document: BaseModel) -> str:
    return document.model_dump_json(indent=1) + "\n"
