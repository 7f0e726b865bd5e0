"""A running application without a network: the project, its tokens, clients that hold them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from starlette.testclient import TestClient

from brie.project import Project
from brie.records import Manifest
from brie.web.app import create_app
from brie.web.guard import Access, Role
from tests.web import sample

Client = Callable[[Role], TestClient]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Manifest]:
    """A small judged evaluation, to be copied: making it takes longer than most tests."""
    return sample.project(tmp_path_factory.mktemp("made-once"))


@pytest.fixture
def world(made_once: tuple[Project, Manifest], tmp_path: Path) -> tuple[Project, Manifest]:
    """A small judged evaluation of the test's own."""
    copytree(made_once[0].root, tmp_path / "project")
    return Project(tmp_path / "project"), made_once[1]


@pytest.fixture
def access() -> Access:
    """Tokens of the application under test."""
    return Access(port=8321)


@pytest.fixture
def client(world: tuple[Project, Manifest], access: Access) -> Client:
    """Clients that opened the printed address."""
    app = create_app(world[0], access)

    def opened(role: Role) -> TestClient:
        made = TestClient(
            app, base_url="http://127.0.0.1:8321", headers={"origin": "http://127.0.0.1:8321"}
        )
        made.get(access.url(role, "/vote" if role == "voter" else "/"))
        return made

    return opened
