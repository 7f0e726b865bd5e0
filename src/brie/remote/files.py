"""Files of the project that travel, and where they stand on the other side: at the same place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from brie.errors import UsageError
from brie.pin import Resolved
from brie.pin.bases import PACKAGED_PREFIX
from brie.project import Project
from brie.remote.work import FILES
from brie.train.config import CONFIG, MANIFEST

_STATE = (".pt", ".pth", ".bin")
"""Endings of what training leaves beside an adapter, and nothing that answers reads."""


def where(path: Path, project: Project, role: str) -> str:
    """Where a file stands there, from the project's folder: as here, or by its role where it lies
    outside of it here."""
    inside = path.resolve().is_relative_to(project.root)
    return project.relative(path) if inside else f"outside/{role}/{path.name}"


def inside(paths: Iterable[Path], project: Project) -> dict[str, bytes | Path]:
    """Those files that lie in the project, by their name in the zip; what brie ships is in the wheel."""
    kept = (path for path in paths if path.is_file() and path.resolve().is_relative_to(project.root))
    return {f"{FILES}{project.relative(path)}": path for path in kept}


def adapter_files(side: Resolved, project: Project) -> dict[str, bytes | Path]:
    """An adapter without its optimizer, and the records of its run; nothing of a base.

    Raises:
        UsageError: it lies outside of the project.
    """
    adapter = side.adapter
    if adapter is None:
        return {}
    if not adapter.resolve().is_relative_to(project.root):
        raise UsageError(
            f"{side.name} is outside of this project, and is not sent; copy it into its folder."
        )
    return inside(_kept(adapter), project)


def _kept(adapter: Path) -> Iterator[Path]:
    yield from (path for path in adapter.iterdir() if path.suffix not in _STATE)
    if adapter.parent.name == "checkpoints":
        run = adapter.parents[1]
        yield from (run / MANIFEST, run / CONFIG, *run.glob("pins/*.json"))


def fetched(reference: str) -> str | None:
    """A base's name on the Hub, where it has to be fetched there; None for one that brie ships.

    Raises:
        UsageError: it is a folder of this machine.
    """
    if (Path(reference) / "config.json").is_file():
        raise UsageError(
            f"the base {reference} is a folder of this machine, and bases are not sent; name it on the "
            "Hub: --base ORG/NAME@REV"
        )
    return reference if "/" in reference.partition("@")[0].removeprefix(PACKAGED_PREFIX) else None
