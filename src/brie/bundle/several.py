"""Bundles of several suites: the bundle of each suite's evaluation, and what was sealed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from brie import __version__, versions
from brie.bundle.contents import Contents
from brie.bundle.layout import SUITES, SUITES_MANIFEST, SUITES_NUMBERS, Index, parse
from brie.bundle.pack import Members, pack_evaluation, write_zip
from brie.bundle.unpack import Opened, opened
from brie.errors import InputError
from brie.evaluation.suites import MANIFEST, NUMBERS, Suites, broken, read_suites
from brie.project import Project, write_text
from brie.records.suites import SuitesDocument, SuitesManifest
from brie.report.clean import without_paths


def pack_suites(suites: Suites, project: Project, out: Path) -> Path:
    """Write the bundle of several suites; the same suites give the same bytes.

    Raises:
        UsageError: the numbers of one are not what the store gives, or a key or a place of this machine
            would be in the file.
        InputError: `out` cannot be written, or an evaluation is not here.
    """
    manifest = suites.manifest.model_copy(update={"command": without_paths(suites.manifest.command)})
    members: Members = {SUITES_MANIFEST: (manifest.model_dump_json(indent=1) + "\n").encode()}
    if suites.numbers_file.is_file():
        members[SUITES_NUMBERS] = suites.numbers_file.read_bytes()
    index = Index(kind="suites", id=manifest.id, version=__version__, store=versions.STORE, members={})
    with TemporaryDirectory(prefix="brie-bundle-") as folder:
        for evaluation in suites.evaluations(project):
            name = f"{evaluation.manifest.id}.zip"
            members[f"{SUITES}{name}"] = pack_evaluation(evaluation, project, Path(folder) / name)
        return write_zip(out, members, project, index)


@contextmanager
def unpacked(bundle: Opened) -> Iterator[tuple[SuitesManifest, SuitesDocument | None, list[Path]]]:
    """What was sealed together, its table, and the bundles of its evaluations, all checked.

    Raises:
        InputError: a part is missing or another than the sealed one; nothing was taken.
    """
    manifest = parse(SuitesManifest, bundle.document(SUITES_MANIFEST), SUITES_MANIFEST)
    names = [f"{SUITES}{part.evaluation}.zip" for part in manifest.plan.parts]
    numbers = SUITES_NUMBERS if SUITES_NUMBERS in bundle.names else None
    listed = {SUITES_MANIFEST, *names, *([numbers] if numbers else [])}
    if broken(manifest) or bundle.index.id != manifest.id or listed != set(bundle.names):
        raise InputError("the bundle does not hold what was sealed together; nothing was taken.")
    document = parse(SuitesDocument, bundle.document(numbers), numbers) if numbers else None
    with TemporaryDirectory(prefix="brie-unbundle-") as folder:
        paths = []
        for part, name in zip(manifest.plan.parts, names, strict=True):
            path = Path(folder) / f"{part.evaluation}.zip"
            with path.open("wb") as handle:
                bundle.copy(name, handle)
            with opened(path) as inner:
                contents = Contents(inner) if inner.index.kind == "evaluation" else None
            sealed = (part.evaluation, part.seal)
            if contents is None or (contents.manifest.id, contents.manifest.plan.identity()) != sealed:
                raise InputError(
                    f"the bundle's {part.evaluation} is another one than was sealed; nothing was taken."
                )
            paths.append(path)
        yield manifest, document, paths


def keep(manifest: SuitesManifest, document: SuitesDocument | None, project: Project) -> bool:
    """Write the folder of several suites, where it is not here; returns whether it was not.

    Raises:
        InputError: another one of that name is here.
    """
    folder = project.runs / manifest.id
    if (folder / MANIFEST).is_file():
        if read_suites(folder).manifest.seal != manifest.seal:
            raise InputError(f"{manifest.id} was sealed otherwise here; it stays as it is.")
        return False
    folder.mkdir(parents=True, exist_ok=True)
    if document is not None:
        write_text(folder / NUMBERS, document.model_dump_json(indent=1) + "\n")
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
    return True


Merge = Callable[[Path], tuple[int, int]]
"""Takes the bundle of one evaluation in; returns how many completions and verdicts were added."""


def merge_suites(bundle: Opened, project: Project, merge: Merge) -> tuple[str, bool, int, int]:
    """Take several suites into a project.

    Returns:
        Their id, whether they are new, and the completions and verdicts that were added.
    """
    with unpacked(bundle) as (manifest, document, paths):
        added = [merge(path) for path in paths]
        new = keep(manifest, document, project)
    return manifest.id, new, sum(rows for rows, _ in added), sum(rows for _, rows in added)
