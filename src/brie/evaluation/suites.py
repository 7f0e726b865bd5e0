"""Several suites sealed together: the list of their evaluations, and its folder `runs/suites-*`.

Each suite is an evaluation with a plan, a seal and a report of its own, so that its numbers are those it
has alone. What is sealed here is which belong together, and at which level their intervals hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from brie.conventions import MARGIN
from brie.digest import short
from brie.errors import InputError, UsageError
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import LOCK, read_manifest
from brie.project import Project, alone, read_json, write_text
from brie.provenance import now
from brie.records import Manifest
from brie.records.suites import SuitePart, SuitesDocument, SuitesManifest, SuitesPlan

MANIFEST, NUMBERS = "manifest.json", "suites.json"


@dataclass(frozen=True, slots=True)
class Suites:
    """Several suites on disk."""

    folder: Path
    manifest: SuitesManifest

    @property
    def numbers_file(self) -> Path:
        """The table of record."""
        return self.folder / NUMBERS

    def evaluations(self, project: Project) -> list[Evaluation]:
        """The evaluation of each suite, in the order they were named.

        Raises:
            InputError: one of them is not here.
        """
        return [evaluation_of(part, self.manifest.id, project) for part in self.manifest.plan.parts]


def evaluation_of(part: SuitePart, whole: str, project: Project) -> Evaluation:
    """The evaluation of one suite.

    Raises:
        InputError: it is not here.
    """
    folder = project.runs / part.evaluation
    if not (folder / "manifest.json").is_file():
        raise InputError(
            f"{part.evaluation}, the suite {part.suite!r} of {whole}, is not in {project.runs}; put its "
            "folder back."
        )
    return Evaluation(folder, read_manifest(folder))


def plan_of(manifests: Sequence[tuple[str, str, str, str]]) -> SuitesPlan:
    """What is sealed together.

    Args:
        manifests: name and version of each suite, and id and seal of its evaluation.

    Raises:
        UsageError: a suite is named twice.
    """
    ids = Counter(evaluation for _, _, evaluation, _ in manifests)
    for name, _, evaluation, _ in manifests:
        if ids[evaluation] > 1:
            raise UsageError(f"suite {name!r} is named twice; name different ones.")
    names = Counter(name for name, *_ in manifests)
    versions = Counter((name, version) for name, version, *_ in manifests)

    def shown(name: str, version: str, evaluation: str) -> str:
        if names[name] == 1:
            return name
        alike = versions[name, version] > 1
        return f"{name} ({evaluation.rsplit('-', 1)[-1]})" if alike else f"{name} {version}"

    parts = tuple(
        SuitePart(suite=shown(name, version, evaluation), evaluation=evaluation, seal=seal)
        for name, version, evaluation, seal in manifests
    )
    return SuitesPlan(parts=parts, margin=MARGIN)


def suites_id(plan: SuitesPlan) -> str:
    """The id of several suites: their names and the start of the seal."""
    names = "-".join(re.sub(r"[^a-z0-9]+", "-", part.suite.lower()).strip("-") for part in plan.parts)
    return f"suites-{names[:60].strip('-') or 'of-several'}-{short(plan.seal())}"


def open_suites(plan: SuitesPlan, project: Project, *, command: str, name: str | None = None) -> Suites:
    """The folder of several suites: found by its seal, or made.

    Raises:
        UsageError: the manifest found there is not the one that was sealed.
    """
    folder, seal = project.runs / suites_id(plan), plan.seal()
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / LOCK):  # the same command, twice at once, seals one plan once
        if (folder / MANIFEST).is_file():
            there = read_suites(folder)
            if broken(there.manifest) or there.manifest.seal != seal:
                raise UsageError(f"{folder} holds a changed plan; see: brie verify {folder.name}")
            return there
        manifest = SuitesManifest(
            id=folder.name, name=name, created=now(), seal=seal, plan=plan, command=command
        )
        write_suites(folder, manifest)
    return Suites(folder, manifest)


def write_suites(folder: Path, manifest: SuitesManifest) -> None:
    """Write the list of what was sealed together."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")


def read_suites(folder: Path) -> Suites:
    """Several suites from their folder.

    Raises:
        InputError: its manifest cannot be read.
    """
    return Suites(folder, read_json(folder / MANIFEST, SuitesManifest, "is not a plan of suites"))


def read_numbers(suites: Suites) -> SuitesDocument | None:
    """The table as it was last written; None where there is none."""
    if not suites.numbers_file.is_file():
        return None
    return read_json(suites.numbers_file, SuitesDocument, "is not a table of suites")


def broken(manifest: SuitesManifest) -> bool:
    """Whether the plan is another one than the sealed, or is in another folder than its own."""
    return manifest.plan.seal() != manifest.seal or suites_id(manifest.plan) != manifest.id


def every_suites(project: Project) -> list[Suites]:
    """All plans of several suites in a project that can be read, by folder name."""
    every = []
    for path in sorted(project.runs.glob(f"suites-*/{MANIFEST}")):
        with suppress(InputError):  # a damaged one is said where it is asked for
            every.append(read_suites(path.parent))
    return every


def find_suites(name: str | None, project: Project) -> Suites | None:
    """Several suites by id, the end of their id, name or folder; None where the name is none of theirs.

    Raises:
        UsageError: more than one fit.
        InputError: its manifest cannot be read.
    """
    if name is None:
        return None
    wanted = Path(name).name
    if wanted.startswith("suites-") and (project.runs / wanted / MANIFEST).is_file():
        return read_suites(project.runs / wanted)
    fits = [
        suites
        for suites in every_suites(project)
        if wanted in (suites.manifest.id, suites.manifest.name, suites.manifest.id.rsplit("-", 1)[-1])
    ]
    if len(fits) > 1:
        listing = "\n  ".join(suites.manifest.id for suites in fits)
        raise UsageError(f"{len(fits)} are called {name!r}; say which:\n  {listing}")
    return fits[0] if fits else None


def sealed_otherwise(suites: Suites, manifests: Sequence[Manifest]) -> list[str]:
    """Evaluations whose plan is another than the one that was sealed together."""
    seals = {part.evaluation: part.seal for part in suites.manifest.plan.parts}
    return [m.id for m in manifests if m.plan.identity() != seals[m.id] or m.plan.seal() != m.seal]
