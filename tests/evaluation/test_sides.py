"""The two sides of an evaluation: models here, models behind a server, and what is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import InputError, PinError, UsageError
from brie.evaluation.sides import find_server, resolve_side, resolve_sides, sources
from brie.generate.turns import Local, Served
from brie.pin import Resolved
from brie.project import Project
from tests.fakes.openai_server import FakeServer
from tests.pin.folders import make_base


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with two models in folders and one server."""
    make_base(tmp_path / "one", fill=1)
    make_base(tmp_path / "two", fill=2)
    return Project(tmp_path)


def with_server(project: Project, address: str) -> Project:
    """The project with a server called `lab`."""
    text = f'[servers.lab]\nbase_url = "{address}"\nconcurrency = 3\n'
    (project.root / "brie.toml").write_text(text, "utf-8")
    return project


def test_two_folders_are_two_sides(project: Project) -> None:
    candidate, baseline = resolve_sides(str(project.root / "one"), str(project.root / "two"), project)
    assert candidate.pin.digest != baseline.pin.digest
    where = sources((candidate, baseline), project)
    assert where == {
        candidate.pin.digest: Local(project.root / "one", None),
        baseline.pin.digest: Local(project.root / "two", None),
    }


def test_a_server_is_a_side_with_its_label_and_model(project: Project) -> None:
    with FakeServer(models=("m",)) as server:
        with_server(project, server.base_url)
        side = resolve_side("server:lab#m", project)
        candidate, baseline = resolve_sides("server:lab#m", str(project.root / "one"), project)
        assert sources((side,), project) == {side.pin.digest: Served(find_server("lab", project), "m")}
    assert (side.pin.kind, side.served) == ("served", ("lab", "m"))
    assert any("not pinned" in note for note in side.notes)
    assert (candidate.served, baseline.served) == (("lab", "m"), None)


def test_programs_that_serve_on_this_machine_are_known_by_their_labels(project: Project) -> None:
    assert find_server("ollama", project).base_url == "http://localhost:11434/v1"
    (project.root / "brie.toml").write_text(
        '[servers.ollama]\nbase_url = "http://there:1/v1"\n', "utf-8"
    )
    assert find_server("ollama", project).base_url == "http://there:1/v1"
    with pytest.raises(UsageError, match="unknown server 'olama'"):
        find_server("olama", project)


@pytest.mark.parametrize("reference", ["server:lab", "server:lab#", "server:#"])
def test_a_server_without_a_model_is_no_side(project: Project, reference: str) -> None:
    with_server(project, "http://127.0.0.1:9/v1")
    with pytest.raises(UsageError, match="server:LABEL#MODEL"):
        resolve_side(reference, project)


def test_an_unknown_server_is_named_with_those_there_are(project: Project) -> None:
    with_server(project, "http://127.0.0.1:9/v1")
    with pytest.raises(UsageError, match="lab"):
        find_server("laab", project)
    assert find_server("lab", project).concurrency == 3


def test_a_served_model_has_no_base_to_be_compared_with(project: Project) -> None:
    with_server(project, "http://127.0.0.1:9/v1")
    with pytest.raises(UsageError, match="--baseline server:LABEL#MODEL"):
        resolve_sides("server:lab#m", "base", project)


def test_a_side_that_is_nowhere_is_refused(project: Project) -> None:
    with pytest.raises((UsageError, PinError, InputError), match="nowhere"):
        resolve_sides(str(project.root / "nowhere"), str(project.root / "one"), project)


def test_the_baseline_against_itself_is_one_model_twice(project: Project) -> None:
    with FakeServer(models=("m",)) as server:
        with_server(project, server.base_url)
        sides: tuple[Resolved, Resolved] = resolve_sides("baseline", "server:lab#m", project)
    assert sides[0] == sides[1]
