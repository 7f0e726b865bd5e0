"""Viewer and voting in a real browser."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from brie.project import Project
from brie.records import Manifest
from brie.store import Store
from brie.web.app import create_app
from brie.web.guard import Access
from brie.web.project_cache import ProjectCache
from brie.web.server import free_socket
from brie.web.try_asking import Asking
from brie.web.voting_session import VotingSession
from tests.browser import browser, complaints, violations
from tests.web import sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Served:
    """A viewer on a real port, in a thread."""

    def __init__(self, project: Project, asking: Asking | None = None) -> None:
        import uvicorn

        self._socket = free_socket("127.0.0.1", 18321)
        self.access = Access(port=self._socket.getsockname()[1])
        config = uvicorn.Config(
            create_app(project, self.access, asking=asking), log_level="error", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> Access:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self.access

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Manifest]:
    return sample.project(tmp_path_factory.mktemp("browsed"), prompts=36, samples=3)


@pytest.fixture(scope="module")
def served(world: tuple[Project, Manifest], chromium: Browser) -> Iterator[Access]:
    with Served(world[0]) as access:
        yield access


def opened(chromium: Browser, url: str, width: int = 1280) -> tuple[Page, list[str]]:
    page = chromium.new_context(viewport={"width": width, "height": 850}).new_page()
    wrong = complaints(page)
    page.goto(url)
    return page, wrong


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_is_quiet_fits_and_is_accessible(
    chromium: Browser, served: Access, world: tuple[Project, Manifest], width: int
) -> None:
    page, wrong = opened(chromium, served.url("viewer"), width)
    name, base = world[1].id, f"http://127.0.0.1:{served.port}"
    for path in (
        "/",
        f"/eval/{name}",
        f"/eval/{name}/comparison/5?at=4",
        f"/eval/{name}/report",
        "/run/letters",
    ):
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert violations(page) == [], path
    assert wrong == []
    page.context.close()


def test_filters_apply_as_they_are_chosen_and_keys_walk_the_list(
    chromium: Browser, served: Access, world: tuple[Project, Manifest]
) -> None:
    page, wrong = opened(chromium, served.url("viewer", f"/eval/{world[1].id}"))
    page.select_option("select[name=category]", "letters")
    page.wait_for_url("**category=letters**")
    assert "27 comparisons" in page.inner_text("[role=status]")
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("rainbow")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=rainbow**")
    assert "3 comparisons" in page.inner_text("[role=status]")
    page.click("ol.rows a >> nth=0")
    assert "1 of 3" in page.inner_text("header")
    page.wait_for_load_state()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**at=1")
    page.click("nav.crumbs a >> nth=1")
    assert "3 comparisons" in page.inner_text("[role=status]")
    assert wrong == []
    page.context.close()


@pytest.mark.parametrize("votes", [24, pytest.param(100, marks=pytest.mark.slow)])
def test_votes_by_keyboard_are_blind_with_undo_resume_and_reveal(
    chromium: Browser, served: Access, world: tuple[Project, Manifest], votes: int
) -> None:
    page, wrong = opened(chromium, served.url("voter", "/vote"))
    received: list[str] = []
    page.on("response", lambda answer: received.append(str(answer.all_headers()) + answer.url))
    name = f"Ann {votes}"
    page.fill("#name", name)
    page.keyboard.press("Enter")
    page.wait_for_selector("#ballot")
    assert violations(page) == []
    for turn in range(votes):
        received.append(page.content())
        _press(page, "abt"[turn % 3])
    assert f"{votes} of 108" in page.inner_text("header")
    _press(page, "u")
    assert f"You voted {'tie' if votes % 3 == 0 else 'A'} here" in page.inner_text("main")
    _press(page, "b")
    _press(page, "s")
    page.reload()
    assert f"{votes} of 108" in page.inner_text("header")
    for text in [*received, page.content()]:
        assert not [secret for secret in (*sample.SECRETS, str(world[0].root)) if secret in text]
    _finish(page)
    assert "qwen-0.5b-letters" in page.inner_text("main")
    assert violations(page) == []
    assert wrong == []
    _stored(world, name, votes)
    page.context.close()


def test_voting_on_a_phone_by_thumb(
    chromium: Browser, served: Access, world: tuple[Project, Manifest]
) -> None:
    page, wrong = opened(chromium, served.url("voter", "/vote"), width=390)
    page.fill("#name", "Bob")
    page.tap("button.main") if page.evaluate("'ontouchstart' in window") else page.click("button.main")
    page.wait_for_selector("#ballot")
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator(".bar button.main").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= 850
    page.click("button[value=A]")
    page.locator("header", has_text="1 of").wait_for()
    assert wrong == []
    page.context.close()


def test_the_policy_stops_a_script_that_got_in(chromium: Browser, served: Access) -> None:
    page, _ = opened(chromium, served.url("viewer"))
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.owned = 1";
            const holder = document.createElement("div");
            holder.innerHTML = "<img src=x onerror='window.owned = 2'>";
            document.body.append(script, holder);
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.owned") is None
    page.context.close()


def _press(page: Page, key: str) -> None:
    with page.expect_navigation(wait_until="domcontentloaded"):
        page.keyboard.press(key)


def _finish(page: Page) -> None:
    page.click("summary:has-text('Stop')")
    page.click("text=End and show the result")
    page.wait_for_url("**/result")


def _stored(world: tuple[Project, Manifest], name: str, votes: int) -> None:
    """What the store holds is what was pressed; the last vote was replaced by a B."""
    session = VotingSession(ProjectCache(world[0]), evaluation=world[1].id, name=name)
    with Store.open(world[0].store, read_only=True) as store:
        letters = [v.letter for v in store.verdicts(task.key for task in session.tasks).values()]
    pressed = ["A", "B", "tie"] * votes
    assert Counter(letters) == Counter([*pressed[: votes - 1], "B"])
