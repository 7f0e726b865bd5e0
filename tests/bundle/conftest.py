"""An evaluation with votes, ready to be bundled, and its bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from brie.bundle import pack_evaluation
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.manifest import write_manifest
from brie.evaluation.results import record_analysis
from brie.project import Project
from brie.store import Store
from brie.web.project_cache import ProjectCache
from brie.web.reveal import close
from brie.web.voting_session import VotingSession
from tests.web import sample

Copy = Callable[[str], Project]


def vote(project: Project, name: str, votes: int) -> None:
    """Some votes of a person, cast as the ballot casts them."""
    booth = VotingSession(
        ProjectCache(project), evaluation=find_evaluation(None, project).manifest.id, name=name
    )
    for number in range(votes):
        item = booth.current()
        assert item is not None
        booth.vote(item.number, "A" if number % 3 else "tie", f"comment {number}")


def numbers(project: Project) -> bytes:
    """The evaluation's numbers, made again."""
    found = find_evaluation(None, project)
    with Store.open(project.store) as store:
        record_analysis(found, gather(found.manifest, store), store, project)
    return found.analysis_file.read_bytes()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an evaluation, its numbers and a voter who has finished."""
    project, manifest = sample.project(tmp_path_factory.mktemp("sender"))
    places = {"candidate": "3f9a:best", "baseline": str(project.root / "base")}  # neither is here
    manifest = manifest.model_copy(update={"locations": places})
    write_manifest(project.runs / manifest.id, manifest)
    vote(project, "Ann", 9)
    close(project.runs / manifest.id, "Ann", 9)
    numbers(project)
    return project


@pytest.fixture
def sender(made: Project, tmp_path: Path) -> Project:
    """The same, to be changed."""
    copytree(made.root, tmp_path / "sender")
    return Project(tmp_path / "sender")


@pytest.fixture(scope="session")
def file(made: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle."""
    out = tmp_path_factory.mktemp("bundle") / "mine.zip"
    return pack_evaluation(find_evaluation(None, made), made, out)


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """A project with nothing in it."""
    (tmp_path / "receiver").mkdir()
    return Project(tmp_path / "receiver")


def everything(folder: Path) -> set[str]:
    """Every path below a folder, except that SQLite leaves an empty store's files."""
    kept = {"runs", "runs/brie.sqlite", "runs/brie.sqlite-shm", "runs/brie.sqlite-wal"}
    return {str(path.relative_to(folder)) for path in folder.rglob("*")} - kept


def rows(project: Project) -> dict[str, list[tuple[object, ...]]]:
    """All rows of a project's store; none where there is none."""
    if not project.store.is_file():
        return {}
    tables = ("completions", "verdicts", "calls", "looks")
    with Store.open(project.store) as store:
        found = {name: store._read(f"SELECT * FROM {name}") for name in tables}
    return {name: listed for name, listed in found.items() if listed}
