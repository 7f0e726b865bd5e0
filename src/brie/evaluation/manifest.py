"""Seals: a plan is hashed before its first verdict; later additions are chained to it (invariant I4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue, TypeAdapter

from brie.digest import digest
from brie.project import alone, read_json, replace_end, write_text
from brie.records import Amendment, AmendmentKind, Manifest

MANIFEST = "manifest.json"
LOCK = ".manifest.lock"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read an evaluation's manifest; one that did not change since is the same object.

    Raises:
        InputError: there is none, or it is damaged; the message names the key.
    """
    path = folder / MANIFEST
    written = _written(path)
    known = _KNOWN.get(written) if written else None
    return known or _remembered(written, read_json(path, Manifest, "is damaged"))


_Written = tuple[Path, int, int, int]
"""A file as it was written once: where, which file, its size, and when."""
_KNOWN: dict[_Written, Manifest] = {}
"""Read or changed last: a command needs a manifest several times, and a large one takes seconds."""
_KEPT = 4
_keeping = threading.Lock()


def _written(path: Path) -> _Written | None:
    """None where there is no such file."""
    try:
        state = path.stat()
    except OSError:
        return None
    return path, state.st_ino, state.st_size, state.st_mtime_ns


def _remembered(written: _Written | None, manifest: Manifest) -> Manifest:
    if written:
        with _keeping:
            _KNOWN.pop(written, None)
            _KNOWN[written] = manifest
            while len(_KNOWN) > _KEPT:
                del _KNOWN[next(iter(_KNOWN))]
    return manifest


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
            _rewrite(folder, before, after)
            _remembered(_written(folder / MANIFEST), after)  # nobody else can have written it meanwhile
        return after


def _rewrite(folder: Path, before: Manifest, after: Manifest) -> None:
    """Write a changed manifest; where only its chain grew, the plan, which may be large, is copied."""
    same = all(
        getattr(before, name) is getattr(after, name) for name in Manifest.model_fields if name != _CHAIN
    )
    replaced = same and replace_end(folder / MANIFEST, _end(before), _end(after))
    if not replaced:
        write_manifest(folder, after)


_CHAIN = "amendments"
"""The last key of the file."""


def _end(manifest: Manifest) -> str:
    """How the file of a manifest ends: with its chain."""
    links = _LINKS.dump_json(manifest.amendments, indent=1).decode("utf-8").replace("\n", "\n ")
    return f',\n "{_CHAIN}": {links}\n}}\n'


_LINKS = TypeAdapter(tuple[Amendment, ...])


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
