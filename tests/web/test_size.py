"""What a page costs does not depend on how many verdicts there are: counted, not timed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from brie.project import Project
from brie.records import Manifest
from brie.web.app import create_app
from brie.web.guard import Access
from tests.web import sample

PAGES = (
    "",
    "?page=99999",
    "?category=letters&sort=won",
    "?judge=judge-0&winner=baseline&sort=lost",
    "?show=flipped&sort=spread",
    "?judge=judge-0&show=unusable",
    "/comparison/7",
    "/comparison/7?at=6&sort=won",
    "?q=zzzzz",
)
EVERY = 10
"""SQLite tells of every tenth step."""


class Steps:
    """Counts the steps of every SQLite connection that is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done, connect = 0, sqlite3.connect

        def counted(*given: Any, **named: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*given, **named)
            connection.set_progress_handler(self._step, EVERY)
            return connection

        monkeypatch.setattr(sqlite3, "connect", counted)

    def _step(self) -> int:
        self.done += EVERY
        return 0


def costs(project: Project, manifest: Manifest, steps: Steps) -> dict[str, int]:
    """Steps of each page, when the evaluation has been opened."""
    access = Access(port=8321)
    client = TestClient(create_app(project, access), base_url="http://127.0.0.1:8321")
    client.get(access.url("viewer"))
    root = f"/eval/{manifest.id}"
    assert "comparisons" in client.get(root).text
    found = {}
    for page in PAGES:
        steps.done = 0
        answer = client.get(root + page)
        found[page] = steps.done
        assert answer.status_code == 200
        assert len(answer.text) < 60_000
    return found


def test_pages_of_many_verdicts_read_no_more_than_those_of_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve times as many; each page is asked for the first time."""
    few, many = (
        sample.project(tmp_path / str(prompts), prompts=prompts, judges=1) for prompts in (20, 240)
    )
    steps = Steps(monkeypatch)
    before, after = costs(*few, steps), costs(*many, steps)
    assert all(count > 0 for count in before.values())
    for page, count in after.items():
        # A page is full now that was not before.
        assert count < 1.5 * before[page] + 1_000, page
