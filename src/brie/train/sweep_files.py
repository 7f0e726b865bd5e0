"""The folders of sweeps: `runs/sweep-…/manifest.json`, found, read and held against their seal."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from brie.digest import digest, short
from brie.errors import InputError, UsageError, unknown
from brie.project import Project, read_json, write_text
from brie.records.sweeps import SweepManifest, SweepPlan
from brie.train.config import MANIFEST


def seal_of(plan: SweepPlan) -> str:
    """Digest of a plan."""
    return digest(plan.model_dump(mode="json"))


def sweep_id(plan: SweepPlan) -> str:
    """The folder of a plan's sweep: the same plan is the same sweep."""
    label = re.sub(r"[^a-z0-9.]+", "-", plan.recipe.lower()).strip("-.") or "recipe"
    return f"sweep-{label}-{short(seal_of(plan))}"


def read_sweep(folder: Path) -> SweepManifest:
    """A sweep's manifest.

    Raises:
        InputError: it is missing, unreadable, or its plan is not what was sealed.
    """
    manifest = read_json(folder / MANIFEST, SweepManifest, "is no sweep's manifest")
    if seal_of(manifest.plan) != manifest.seal:
        raise InputError(f"{folder / MANIFEST}: the plan was changed after it was sealed.")
    return manifest


def write_sweep(folder: Path, manifest: SweepManifest) -> None:
    """Write a sweep's manifest, whole or not at all."""
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")


def sweeps(project: Project) -> list[SweepManifest]:
    """Every sweep whose manifest is sound, by folder name; a damaged one stops no other."""
    sound = []
    for path in sorted(project.runs.glob(f"sweep-*/{MANIFEST}")):
        with suppress(InputError):
            sound.append(read_sweep(path.parent))
    return sound


def names_of(manifest: SweepManifest) -> tuple[str, ...]:
    """What a sweep may be called: its id, the end of it, its name."""
    return (manifest.id, manifest.id.rsplit("-", 1)[-1], *filter(None, [manifest.name]))


def called(manifest: SweepManifest) -> str:
    """The name a sweep was given, else the end of its id."""
    return manifest.name or manifest.id.rsplit("-", 1)[-1]


def is_sweep(name: str, project: Project) -> bool:
    """Whether a sweep answers to a name."""
    return any(name in names_of(manifest) for manifest in sweeps(project))


def find_sweep(name: str, project: Project) -> SweepManifest:
    """A sweep by id, the end of its id, or name.

    Raises:
        UsageError: none, or more than one, answers to the name.
        InputError: the manifest of the one that is meant is damaged.
    """
    every = sweeps(project)
    fitting = [manifest for manifest in every if name in names_of(manifest)]
    folders = (path.parent for path in sorted(project.runs.glob(f"sweep-*/{MANIFEST}")))
    meant = next((path for path in folders if path.name == name or path.name.endswith(f"-{name}")), None)
    if not fitting and meant is not None:
        read_sweep(meant)
    if not fitting:
        hint = "Make one: brie train --size tiny --set r=4,8 --seeds 2"
        raise unknown("sweep", name, [called(manifest) for manifest in every], hint)
    if len(fitting) > 1:
        ids = ", ".join(manifest.id for manifest in fitting)
        raise UsageError(f"{len(fitting)} sweeps are called {name!r}: {ids}. Use one of these ids.")
    return fitting[0]


def setting_of(manifest: SweepManifest, setting: str) -> str:
    """One of a sweep's settings.

    Raises:
        UsageError: it has none of that name.
    """
    if setting not in manifest.plan.settings:
        raise unknown("setting", setting, manifest.plan.settings, f"Sweep {called(manifest)} has these.")
    return setting
