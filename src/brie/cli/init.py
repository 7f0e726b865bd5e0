"""`brie init`: a project folder of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from brie.cli import screen
from brie.errors import UsageError
from brie.project import packaged

COPIED = ("prompt_suites", "judges", "recipes", "data")


@click.command(epilog="\b\nExamples:\n  brie init my-project\n  brie init .\n")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def command(folder: Path) -> None:
    """Copy the shipped suites, judges, recipes and sample data into FOLDER, for editing.

    The folder's own files win over the shipped ones. Nothing that exists is overwritten.
    """
    taken = [name for name in (*COPIED, "brie.toml") if (folder / name).exists()]
    if taken:
        raise UsageError(f"{folder} already has {', '.join(taken)}; nothing was changed.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            shutil.copytree(
                packaged(name), folder / name, ignore=shutil.ignore_patterns("*.py", "__pycache__")
            )
        shutil.copy(packaged("brie.toml"), folder / "brie.toml")
        (folder / "runs").mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("/runs/\n/reports/\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}.") from error
    screen.show(f"{folder} is a brie project: prompt_suites, judges, recipes, data, brie.toml.")
    screen.show("Next: brie demo, or brie train --size 0.5b --data FILE")
