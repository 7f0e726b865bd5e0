"""Evaluations on disk: a folder each, found by the seal, the id or the name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brie.digest import short
from brie.errors import InputError, UsageError, unknown
from brie.evaluation.listing import REFERENCE, newest_first, which
from brie.evaluation.manifest import LOCK, MANIFEST, read_manifest, write_manifest
from brie.evaluation.plan import ResolvedRequest
from brie.evaluation.soundness import unsound
from brie.number_format import plural
from brie.pin import GivenAnswers
from brie.project import Project, alone
from brie.provenance import now, package_versions
from brie.records import Manifest, Plan, Side


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation on disk."""

    folder: Path
    manifest: Manifest

    @property
    def analysis_file(self) -> Path:
        """The numbers of record."""
        return self.folder / "analysis.json"


def evaluation_id(plan: Plan) -> str:
    """The id of a plan's evaluation: the suite's name and the start of the plan's identity."""
    slug = re.sub(r"[^a-z0-9]+", "-", plan.suite.name.lower()).strip("-") or "suite"
    return f"eval-{slug}-{short(plan.identity())}"


def open_evaluation(
    plan: Plan, asked: ResolvedRequest, project: Project, command: str, name: str | None
) -> tuple[Evaluation, bool]:
    """The folder of a plan: found by its identity, or made; with whether it was there before.

    What was sealed stays: the names that the sides had then, and how many verdicts existed.

    Raises:
        UsageError: the manifest found there is not the one that was sealed.
    """
    folder = project.runs / evaluation_id(plan)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / LOCK):  # the same command, twice at once, seals one plan once
        if (folder / MANIFEST).is_file():
            sealed = read_manifest(folder)
            if sealed.plan.identity() != plan.identity() or unsound(sealed):
                raise UsageError(f"{folder} holds a changed plan; see: brie verify {folder.name}")
            return Evaluation(folder, sealed), True
        manifest = _sealed(plan, asked, folder.name, command, name)
        write_manifest(folder, manifest)
    return Evaluation(folder, manifest), False


def _sealed(
    plan: Plan, asked: ResolvedRequest, evaluation: str, command: str, name: str | None
) -> Manifest:
    named = {"candidate": asked.candidate.named_base, "baseline": asked.baseline.named_base}
    files: dict[Side, GivenAnswers | None] = {
        "candidate": asked.candidate.given,
        "baseline": asked.baseline.given,
    }
    return Manifest(
        id=evaluation,
        name=name,
        created=now(),
        seal=plan.seal(),
        plan=plan,
        names=plan.names,
        locations={"candidate": asked.candidate.reference, "baseline": asked.baseline.reference},
        bases={side: base for side, base in named.items() if base is not None},
        given={side: given.origin for side, given in files.items() if given is not None},
        tasks=asked.task_names,
        command=command,
        versions=versions(),
    )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An evaluation's folder whose manifest cannot be read."""

    folder: Path
    why: str
    """In one sentence, with the file and the key."""


def scan(project: Project) -> Iterator[Evaluation | Unreadable]:
    """Every evaluation of a project by folder name; a damaged one says so and stops no other."""
    for path in sorted(project.runs.glob(f"eval-*/{MANIFEST}")):
        try:
            yield Evaluation(path.parent, read_manifest(path.parent))
        except InputError as error:
            yield Unreadable(path.parent, str(error))


def evaluations(project: Project) -> list[Evaluation]:
    """Every evaluation of a project that can be read, by folder name."""
    return [folder for folder in scan(project) if isinstance(folder, Evaluation)]


def find_evaluation(name: str | None, project: Project, *, command: str = "") -> Evaluation:
    """An evaluation by id, the end of its id, name, folder or reference (`@1` is the newest); the only
    one where none is named.

    Args:
        command: what was typed without a name; the candidates are listed with a command that picks one.

    Raises:
        UsageError: none or several fit; they are listed.
        InputError: the one that fits is damaged.
    """
    if name is not None and REFERENCE.fullmatch(name):
        return _numbered(name, project)
    every = list(scan(project))
    wanted = None if name is None else Path(name).name
    fits = [e for e in every if wanted is None or wanted in names_of(e)]
    if len(fits) == 1:
        if isinstance(fits[0], Unreadable):
            raise InputError(fits[0].why)
        return fits[0]
    if name is not None:
        hint = "brie ls shows them." if every else "Make one: brie demo"
        raise unknown("evaluation", name, [e.folder.name for e in every], hint)
    if not every:
        raise UsageError("there is no evaluation here yet. Make one: brie demo")
    damaged = [f"{e.folder.name}: {e.why}" for e in every if isinstance(e, Unreadable)]
    raise UsageError("\n  ".join([which(evaluations(project), command), *damaged]))


def _numbered(name: str, project: Project) -> Evaluation:
    """The evaluation that a reference names."""
    every = newest_first(evaluations(project))
    if int(name[1:]) > len(every):
        there = plural(len(every), "evaluation")
        raise UsageError(f"there is no {name}: {there} here; see: brie ls")
    return every[int(name[1:]) - 1]


def names_of(evaluation: Evaluation | Unreadable) -> tuple[str, ...]:
    """What an evaluation may be called: its id, the end of it, its name."""
    if isinstance(evaluation, Unreadable):
        return (evaluation.folder.name, evaluation.folder.name.rsplit("-", 1)[-1])
    manifest = evaluation.manifest
    return (manifest.id, short_id(evaluation), *filter(None, [manifest.name]))


def short_id(evaluation: Evaluation) -> str:
    """The last part of an evaluation's id."""
    return evaluation.manifest.id.rsplit("-", 1)[-1]


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    import platform

    models = ("torch", "transformers", "peft")
    packages = ("brie-eval", *models, "numpy", "scipy", "scikit-learn", "sacrebleu")
    return {"python": platform.python_version(), **package_versions(packages)}


def differing(plan: Plan, other: Plan) -> str | None:
    """What keeps two plans for the same models and suite apart; None where they ask another question."""
    mine, theirs = plan.model_dump(), other.model_dump()
    if any(mine[key] != theirs[key] for key in ("candidate", "baseline")):
        return None
    if plan.suite.name != other.suite.name:
        return None
    decided = {"assignments", "order", "controls", "names", "existed"}
    keys = [key for key in dict.fromkeys((*mine, *theirs)) if key not in decided]
    pairs = [(key, mine.get(key), theirs.get(key)) for key in keys]
    named = [name for key, a, b in pairs if a != b for name in _parts_apart(key, a, b)]
    return " and ".join(named) or None


def _parts_apart(key: str, left: Any, right: Any) -> list[str]:
    if key in ("environment", "sampling") and isinstance(left, dict) and isinstance(right, dict):
        return [
            f"{part} ({left.get(part, 'its default')}, was {right.get(part, 'its default')})"
            for part in dict.fromkeys((*left, *right))
            if left.get(part) != right.get(part)
        ]
    return [{"seats": "judges"}.get(key, key)]
