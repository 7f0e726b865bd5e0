"""Where files lie: the data brie ships, and the folder of the user's project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brie.errors import InputError

_PACKAGED = Path(__file__).parent / "_data"
_CHECKOUT = Path(__file__).parents[2]


def packaged(*parts: str) -> Path:
    """A shipped file or folder: inside an installed wheel, else in the source checkout.

    Top folders: `prompt_suites`, `judges`, `recipes`, `data`, `models`.
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

    def relative(self, path: Path) -> str:
        """A path as records may keep it: relative to the project where it lies inside."""
        resolved = path.resolve()
        return (
            str(resolved.relative_to(self.root)) if resolved.is_relative_to(self.root) else resolved.name
        )


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: a temporary neighbour, then a rename."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from error
