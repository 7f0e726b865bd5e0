"""What a project's settings files say of keys, and which of them stand before brie's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brie.project import Project, packaged
from brie.wire.keys import named_in, remember


def remember_keys(project: Project) -> None:
    """Whatever variable a settings file of the project names for a key is a secret from now on.

    A file that is broken counts too: what it names is searched for, not read.
    """
    for path in (project.root / "brie.toml", *project.named("judges", "*.toml").values()):
        try:
            remember(named_in(path.read_text("utf-8", errors="replace")))
        except OSError:
            continue


def shadowing(names: Iterable[str], project: Project) -> list[Path]:
    """The project's own files of judges that brie ships under the same name, where they differ.

    Args:
        names: ids of judges.
        project: whose files come first.
    """
    pairs = ((project.root / "judges" / f"{n}.toml", packaged("judges", f"{n}.toml")) for n in names)
    return [
        path
        for path, shipped in pairs
        if path.is_file() and shipped.is_file() and path.read_bytes() != shipped.read_bytes()
    ]
