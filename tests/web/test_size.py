"""What a page costs does not depend on how many verdicts there are: counted, not timed."""

from __future__ import annotations

import cProfile
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from starlette.testclient import TestClient

from brie.evaluation.votes import LONGEST
from brie.project import Project
from brie.records import Manifest
from brie.web.app import create_app
from brie.web.guard import Access
from brie.web.index import index_path
from brie.web.index_keeper import Listing
from brie.web.project_cache import ProjectCache
from brie.web.voting_session import VotingSession
from tests.web import sample
from tests.web.test_index import Clock, built, contents, listing, until, without

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
    client, root = opened(project), f"/eval/{manifest.id}"
    assert "comparisons" in client.get(root).text
    found = {}
    for page in PAGES:
        steps.done = 0
        answer = client.get(root + page)
        found[page] = steps.done
        assert answer.status_code == 200
        assert len(answer.text) < 60_000
    return found


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Project, Manifest]]:
    """A small evaluation, and one of thirteen times as many verdicts."""
    folder = tmp_path_factory.mktemp("sizes")
    return [sample.project(folder / str(n), prompts=n, judges=1) for n in (20, 260)]


def test_pages_of_many_verdicts_read_no_more_than_those_of_few(
    worlds: list[tuple[Project, Manifest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page is asked for the first time."""
    steps = Steps(monkeypatch)
    before, after = (costs(*world, steps) for world in worlds)
    assert all(count > 0 for count in before.values())
    for page, count in after.items():
        # A page is full now that was not before.
        assert count < 1.5 * before[page] + 1_000, page


def test_a_vote_does_no_more_where_much_is_planned(worlds: list[tuple[Project, Manifest]]) -> None:
    """A voter's first, which is chained to the seal, one more, and the list that holds them."""
    before, after = (vote_costs(*world) for world in worlds)
    for what, count in after.items():
        assert count < 1.2 * before[what] + 2 * LONGEST, what  # a ballot has no more pairs


def test_much_that_is_new_is_read_in_the_background(
    worlds: list[tuple[Project, Manifest]], tmp_path: Path
) -> None:
    project, manifest = worlds[1]
    cache, path = ProjectCache(project, Clock(0)), index_path(project, manifest.id)
    path.unlink(missing_ok=True)
    with without(project, "verdicts WHERE id > 100"):
        assert listing(cache, manifest).behind == ""
    assert listing(cache, manifest).behind.startswith("This list is being brought up to date")
    until(cache, manifest, "")
    now = cache.open(manifest.id).manifest
    assert contents(path) == contents(built(project, now, tmp_path / "anew.sqlite"))


def test_a_large_report_is_built_once_for_its_numbers_and_not_where_it_was_written(
    worlds: list[tuple[Project, Manifest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, manifest = worlds[1]
    steps, page = Steps(monkeypatch), opened(project)
    while "Building the report" in (html := page.get(f"/eval/{manifest.id}/report").text):
        time.sleep(0.02)
    assert manifest.seal in html
    steps.done = 0
    assert page.get(f"/eval/{manifest.id}/report").text == html
    assert not steps.done
    folder = project.reports / manifest.id
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(html.replace("Where it comes from", "As it was written"), "utf-8")
    assert page.get(f"/eval/{manifest.id}/report").text == html  # of which numbers, nobody knows
    copyfile(project.runs / manifest.id / "analysis.json", folder / "analysis.json")
    answer = opened(project).get(f"/eval/{manifest.id}/report")
    assert "As it was written" in answer.text
    assert "script-src 'sha256-" in answer.headers["content-security-policy"]
    (folder / "index.html").write_text(answer.text.replace("sha256-", "sha256-other"), "utf-8")
    assert page.get(f"/eval/{manifest.id}/report").text == html  # another build's would not be readable


def opened(project: Project) -> TestClient:
    """A client that opened the viewer's address."""
    access = Access(port=8321)
    client = TestClient(create_app(project, access), base_url="http://127.0.0.1:8321")
    client.get(access.url("viewer"))
    return client


def vote_costs(project: Project, manifest: Manifest) -> dict[str, int]:
    """Function calls, once the evaluation and the ballot have been opened."""
    cache, name = ProjectCache(project), manifest.id

    def listed() -> None:
        found = cache.comparisons(name)
        assert isinstance(found, Listing)
        assert not found.behind

    listed()
    for voter in ("Ann", "Bob"):  # the first of all loads modules
        session = VotingSession(cache, evaluation=name, name=voter)
        costs = {"first vote": calls(partial(session.vote, 0, "A")), "list": calls(listed)}
        costs |= {"vote": calls(partial(session.vote, 1, "B")), "list again": calls(listed)}
        assert session.progress[0] == 2
    return costs


def calls(work: Callable[[], object]) -> int:
    """How many functions are called."""
    counted = cProfile.Profile()
    counted.runcall(work)
    return sum(entry.callcount for entry in counted.getstats())
