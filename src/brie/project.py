"""Where files lie, those brie ships and those of the user's project; reading and writing them."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from brie.errors import InputError, UsageError

_PACKAGED = Path(__file__).parent / "_data"
_CHECKOUT = Path(__file__).parents[2]
R = TypeVar("R", bound=BaseModel)


def packaged(*parts: str) -> Path:
    """A shipped file or folder: inside an installed wheel, else in the source checkout.

    Top folders: `prompt_suites`, `judges`, `recipes`, `data`, `models`, `docs`.
    """
    return (_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT).joinpath(*parts)


@dataclass(frozen=True)
class Project:
    """A folder with (optionally) its own suites, judges and recipes, and what brie wrote."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The nearest folder upwards that holds a `brie.toml`, else the folder itself."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "brie.toml").is_file():
                return cls(folder)
        return cls(here)

    @property
    def runs(self) -> Path:
        """Training runs, evaluations and the store."""
        return self.root / "runs"

    @property
    def reports(self) -> Path:
        """One folder an evaluation; can be rebuilt from `runs`."""
        return self.root / "reports"

    @property
    def store(self) -> Path:
        """The SQLite store."""
        return self.runs / "brie.sqlite"

    def files(self, kind: str) -> tuple[Path, ...]:
        """Folders to search for a kind of data file, the project's own first."""
        folders = (self.root / kind, packaged(kind))
        return tuple(dict.fromkeys(f.resolve() for f in folders if f.is_dir()))

    def named(self, kind: str, *patterns: str) -> dict[str, Path]:
        """Data files of a kind by name (without its ending), the project's own before shipped ones.

        Args:
            kind: a folder that `files` knows.
            patterns: which files in it, e.g. `*.toml`.
        """
        paths: dict[str, Path] = {}
        for folder in self.files(kind):
            for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
                paths.setdefault(path.stem, path)
        return paths

    def relative(self, path: Path) -> str:
        """A path as records may keep it: relative to the project where it lies inside."""
        resolved = path.resolve()
        return (
            str(resolved.relative_to(self.root)) if resolved.is_relative_to(self.root) else resolved.name
        )

    def place(self, path: Path) -> str:
        """How to find a path again: from the project, or from anywhere where it lies outside."""
        resolved = path.resolve()
        return self.relative(path) if resolved.is_relative_to(self.root) else str(resolved)


def _neighbour(path: Path) -> Path:
    """A name of this thread's own: several processes, and threads of one, may write the same file."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: a temporary neighbour, then a rename."""
    write_pieces(path, (text,))


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """`write_text` of a text that comes piece by piece."""
    temporary = _neighbour(path)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from error


def replace_end(path: Path, end: str, new: str) -> bool:
    """Write a file with another end, whole or not at all; what stands before it is copied as it is.

    Args:
        path: the file.
        end: what it ends with; False where it does not, and nothing is written.
        new: what it shall end with instead.

    Raises:
        InputError: it cannot be written.
    """
    temporary, old = _neighbour(path), end.encode("utf-8")
    try:
        with path.open("rb") as file:
            start = file.seek(0, os.SEEK_END) - len(old)
            if start < 0 or os.pread(file.fileno(), len(old), start) != old:
                return False
        shutil.copyfile(path, temporary)
        with temporary.open("r+b") as file:
            file.truncate(start)
            file.seek(start)
            file.write(new.encode("utf-8"))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from error
    return True


@contextmanager
def alone(path: Path, *, patience: float = 120) -> Iterator[None]:
    """Hold a lock file: one thread of one process at a time, on this machine.

    The kernel lets go when the holder ends, however it ends. The file stays, and says who held it last.

    Args:
        path: the file; its folder must be there.
        patience: seconds to wait for whoever holds it.

    Raises:
        UsageError: it cannot be made, or was held all the time.
    """
    try:
        handle = path.open("a+")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from error
    with handle:
        until = time.monotonic() + patience
        while not _taken(handle.fileno()):
            if time.monotonic() > until:
                raise UsageError(
                    f"another brie has held {path.parent} for {patience:.0f} seconds "
                    f"(process {_holder(path)}). Wait for it or end it, then run the same command again."
                )
            time.sleep(_POLL)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


_POLL = 0.02
"""Seconds between two looks at a lock that somebody holds."""


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    try:
        return path.read_text("utf-8")[:20] or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"


def read_json(path: Path, record: type[R], wrong: str) -> R:
    """A record that is a JSON file of its own.

    Args:
        path: the file.
        record: what it should hold.
        wrong: what is said of a file that holds none: `is no training manifest`, `is damaged`.

    Raises:
        InputError: it cannot be read, or holds no such record; names the file and the key.
    """
    try:
        return record.model_validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path} {wrong}: {key}: {first['msg']}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
