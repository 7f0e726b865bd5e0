"""Seals: a plan is hashed before its first verdict; later additions are chained to it (invariant I4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import JsonValue

from brie.digest import digest
from brie.project import alone, read_json, write_text
from brie.records import Amendment, AmendmentKind, Manifest

MANIFEST = "manifest.json"
LOCK = ".manifest.lock"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read an evaluation's manifest.

    Raises:
        InputError: there is none, or it is damaged; the message names the key.
    """
    path = folder / MANIFEST
    try:
        state = path.stat()
        written = (path, state.st_ino, state.st_size, state.st_mtime_ns)
    except OSError:
        return _read(path)
    return _unchanged(*written)


@lru_cache(maxsize=4)  # a command reads it several times, and a large one takes seconds
def _unchanged(path: Path, file: int, size: int, changed: int) -> Manifest:
    return _read(path)


def _read(path: Path) -> Manifest:
    return read_json(path, Manifest, "is damaged")


def change(folder: Path, changed: Callable[[Manifest], Manifest]) -> Manifest:
    """Change a manifest that others may be changing: it is read again and written under a lock, so
    that nothing anybody added is lost.

    Args:
        folder: the evaluation's.
        changed: from the manifest as it stands to what it shall be; the same object: nothing is written.

    Returns:
        The manifest as it is now.

    Raises:
        InputError: it is damaged, or cannot be written.
        UsageError: somebody else holds the lock.
    """
    with alone(folder / LOCK):
        before = read_manifest(folder)
        after = changed(before)
        if after is not before:
            write_manifest(folder, after)
        return after


def amend(
    manifest: Manifest,
    kind: AmendmentKind,
    detail: Mapping[str, JsonValue],
    *,
    verdicts_before: int,
) -> Manifest:
    """The manifest with one more link in its chain of additions.

    Args:
        manifest: as it stands.
        kind: what was added.
        detail: what exactly.
        verdicts_before: how many verdicts existed when it was added.
    """
    previous = manifest.amendments[-1].digest if manifest.amendments else manifest.seal
    link = {"kind": kind, "detail": detail, "verdicts_before": verdicts_before, "previous": previous}
    amendment = Amendment.model_validate({**link, "digest": digest(link)})
    return manifest.model_copy(update={"amendments": (*manifest.amendments, amendment)})


def broken_links(manifest: Manifest) -> Sequence[str]:
    """What of the seal and its chain does not hold; empty where all of it does."""
    broken = []
    if manifest.plan.seal() != manifest.seal:
        broken.append("the plan is not the one that was sealed")
    if manifest.plan.names and manifest.names != manifest.plan.names:
        broken.append("the sides are called otherwise than when they were sealed")
    previous = manifest.seal
    for number, link in enumerate(manifest.amendments, 1):
        body = link.model_dump(mode="json", exclude={"digest"})
        if link.previous != previous or link.digest != digest(body):
            broken.append(f"amendment {number} ({link.kind}) was changed or moved")
        previous = link.digest
    return broken
