"""`brie init`: a project folder of one's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from brie.cli import screen
from brie.errors import UsageError
from brie.project import packaged

COPIED = ("prompt_suites", "judges", "recipes", "data")


WORKFLOW = Path(".github/workflows/brie.yml")


@click.command(
    epilog="""\b
Examples:
  brie init my-project
  brie init .
  brie init . --ci --source wheels/brie_eval-0.1.0-py3-none-any.whl
"""
)
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--ci", is_flag=True, help="Write a GitHub workflow instead, and nothing else.")
@click.option(
    "--source", metavar="ADDRESS|PATH", help="With --ci: what pip installs there; brie is on no index."
)
def command(folder: Path, ci: bool, source: str | None) -> None:
    """Copy the shipped suites, judges, recipes and sample data into FOLDER, for editing.

    The folder's own files win over the shipped ones. Nothing that exists is overwritten. With --ci
    FOLDER gets a workflow that evaluates every pull request and comments on it.
    """
    if ci:
        _workflow(folder, source)
        return
    if source is not None:
        raise UsageError("--source goes with --ci: it says where the workflow installs brie from.")
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


def _workflow(folder: Path, source: str | None) -> None:
    """Write the workflow; where brie is installed from is asked for, never guessed."""
    if not source:
        raise UsageError(
            "say what pip is to install there, as brie is on no index: a wheel in the repository or an "
            "address (git+https://…@COMMIT): brie init --ci --source PATH"
        )
    target = folder / WORKFLOW
    if target.exists():
        raise UsageError(f"{target} exists already; nothing was changed.")
    text = Path(__file__).with_name("workflow.yml").read_text("utf-8")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("@SOURCE@", json.dumps(source)), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}.") from error
    screen.show(f"{target} runs the demo on every pull request; put your own commands into BRIE_RUN.")
