"""What goes to the Hub: weights, card, records and reports, without a key or a place of this machine."""

from __future__ import annotations

import re
import shutil
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from brie.bundle.layout import ANALYSIS, REPORT, REPORT_FILES
from brie.bundle.pack import pack_evaluation
from brie.bundle.pack_runs import pack_run
from brie.bundle.several import pack_suites
from brie.ci.verify import verify
from brie.errors import UsageError
from brie.evaluation.folders import Evaluation, find_evaluation
from brie.evaluation.suites import read_suites
from brie.export.run import MANIFEST, read_manifest
from brie.project import Project, write_text
from brie.publish.subject import of_export
from brie.publish.write import CARD, Written, write_card
from brie.records.shipping import ExportManifest
from brie.report.clean import without_paths
from brie.wire.watch import Watch

RECORDS = "brie"
"""Folder of the repository that holds bundles and reports."""
_BLOCK = 2**20
_TELLING = re.compile(r"[^a-z]")
"""A machine's name is looked for where it is more than a word of small letters."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Every file that goes, and the card among them."""

    files: dict[str, Path]
    """Path in the repository -> the file here."""
    card: Written

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(path.stat().st_size for path in self.files.values())


def pack(
    export: Path, name: str, repo: str, project: Project, *, tags: tuple[str, ...] = (),
    places: tuple[str, ...] = (),
) -> Parcel:  # fmt: skip
    """Put together what goes with an export, in a folder beside it.

    Args:
        export: the export's folder.
        name: what its checkpoint is called.
        repo: where it goes.
        project: where its records are.
        tags: for the card's metadata.
        places: folders of this machine that must be in no byte, besides the project's.

    Raises:
        UsageError: a claim of the card or an evaluation does not hold, or a key or a place of this
            machine would be in a file.
    """
    folder = export.with_name(f"{export.name}.hub")
    _clear(folder)
    manifest = read_manifest(export)
    write_text(folder / MANIFEST, portable(manifest).model_dump_json(indent=2) + "\n")
    subject = replace(of_export(folder, name, project), repo=repo, tags=tags)
    card = write_card(subject, folder, project)
    records = folder / RECORDS
    records.mkdir()
    for quoted in subject.evaluations:
        _add_evaluation(find_evaluation(quoted.name, project), records, project)
    for quoted in subject.suites:
        suites = read_suites(project.runs / quoted.name)
        pack_suites(suites, project, records / f"{quoted.name}.zip")
    if subject.run is not None and subject.run.said("state") == "complete":
        name_of_run = subject.run.name
        pack_run(project.runs / name_of_run, project, records / f"{name_of_run}.zip")
    files = {file.path: export / file.path for file in manifest.files}
    files |= {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}
    parcel = Parcel(dict(sorted(files.items())), card)
    _look(parcel, project, places)
    return parcel


def portable(manifest: ExportManifest) -> ExportManifest:
    """An export's manifest without folders of this machine."""
    location = manifest.source.base_location
    inside = location if location is None or not Path(location).is_absolute() else None
    return manifest.model_copy(
        update={
            "source": manifest.source.model_copy(update={"base_location": inside}),
            "tools": {tool: without_paths(version) for tool, version in manifest.tools.items()},
            "serve": tuple(map(without_paths, manifest.serve)),
        }
    )


def _clear(folder: Path) -> None:
    """An empty folder but for a card that is there: words may have been added to it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != CARD:
            path.unlink()


def _add_evaluation(evaluation: Evaluation, records: Path, project: Project) -> None:
    """An evaluation's bundle, and the report and the numbers in it as files to be looked at.

    Raises:
        UsageError: it does not hold.
    """
    name = evaluation.manifest.id
    broken = [finding.what for finding in verify(evaluation, project) if not finding.holds]
    if broken:
        raise UsageError(f"{name} does not hold, so nothing is sent: {broken[0]} (brie verify {name})")
    bundle = pack_evaluation(evaluation, project, records / f"{name}.zip")
    with zipfile.ZipFile(bundle) as archive:
        for member in (ANALYSIS, *(f"{REPORT}{file}" for file in REPORT_FILES)):
            path = records / name / member.rpartition("/")[2]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(archive.read(member))


def _look(parcel: Parcel, project: Project, places: tuple[str, ...]) -> None:
    """Look at every byte that goes, those inside bundles too.

    Raises:
        UsageError: one of them says where it comes from, or holds a key.
    """
    machine = socket.gethostname()
    names = [machine] if _TELLING.search(machine) else []
    watch = Watch(project, (*places, *names))
    for name, path in parcel.files.items():
        for where, block in _blocks(name, path):
            watch.look(block, where)


def _blocks(name: str, path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            yield name, block
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as inner:
                    while block := inner.read(_BLOCK):
                        yield f"{name}/{member}", block
