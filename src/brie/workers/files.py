"""Folders of models on their way to a worker: what is there already is not sent.

A worker that sees the very files (a shared disk, the same machine) reads those. Else it keeps what it
was sent by digest, so that the next job, and the next worker of its machine, need nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from brie.digest import digest

_NEEDED = (".jinja", ".json", ".model", ".safetensors", ".txt")
"""What a model is read from; a trainer's state and other formats stay behind."""
_PART = 16 * 2**20
"""Bytes sent at a time."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as a look at its folder shows it."""

    name: str
    size: int
    changed: int
    """When it was changed, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file by its content."""

    name: str
    size: int
    sha256: str


def stamps(folder: Path) -> tuple[Stamp, ...]:
    """The needed files of a folder; none where there is no such folder."""
    if not folder.is_dir():
        return ()
    files = sorted(path for path in folder.iterdir() if path.suffix in _NEEDED and path.is_file())
    return tuple(Stamp(file.name, (at := file.stat()).st_size, at.st_mtime_ns) for file in files)


def contents(folder: Path) -> tuple[Sent, ...]:
    """The needed files of a folder by their content, all of which is read."""
    return tuple(Sent(file.name, file.size, _sha256(folder / file.name)) for file in stamps(folder))


def parts(file: Path) -> Iterator[bytes]:
    """A file's content, a part at a time; an empty file is an empty part."""
    with file.open("rb") as handle:
        yield handle.read(_PART)
        while part := handle.read(_PART):
            yield part


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class Kept:
    """What a worker's machine was sent."""

    def __init__(self, root: Path | None = None) -> None:
        """Files in a folder.

        Args:
            root: the folder; None: `brie/workers` in the user's cache.
        """
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        self._root = root or Path(cache) / "brie" / "workers"
        self._arriving: dict[str, Path] = {}

    def lacks(self, files: Sequence[Sent]) -> list[Sent]:
        """Those that have to be sent."""
        return [file for file in files if not self._file(file.sha256).is_file()]

    def take(self, file: Sent, part: bytes) -> None:
        """The next part of a file; it is there once it is whole.

        Raises:
            ValueError: it is whole, and another file.
        """
        arriving = self._arriving.setdefault(
            file.sha256, self._root / "arriving" / f"{file.sha256}-{secrets.token_hex(4)}"
        )
        arriving.parent.mkdir(parents=True, exist_ok=True)
        with arriving.open("ab") as handle:
            handle.write(part)
        if arriving.stat().st_size < file.size:
            return
        del self._arriving[file.sha256]
        if _sha256(arriving) != file.sha256:
            arriving.unlink()
            raise ValueError(f"{file.name} came as another file.")
        self._file(file.sha256).parent.mkdir(parents=True, exist_ok=True)
        arriving.replace(self._file(file.sha256))

    def folder(self, files: Sequence[Sent]) -> Path:
        """A folder of kept files under their names."""
        folder = (
            self._root / "folders" / digest([[f.name, f.sha256] for f in files]).removeprefix("sha256:")
        )
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            place = folder / file.name
            if not place.is_file():
                link = folder / f".{file.name}-{secrets.token_hex(4)}"
                link.symlink_to(self._file(file.sha256))
                link.replace(place)
        return folder

    def _file(self, sha256: str) -> Path:
        return self._root / "files" / sha256
