"""Folders that come out of bundles: made aside, and moved into their place whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brie.errors import InputError
from brie.project import Project


@contextmanager
def staging(project: Project) -> Iterator[Path]:
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


def place(folder: Path, *, target: Path) -> None:
    """Move a finished folder to where it belongs, in one step."""
    try:
        folder.rename(target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}.") from error
