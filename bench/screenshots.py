"""The pictures in docs/: a project's evaluation as report, viewer and ballot, in a real browser.

    python -m bench.screenshots PROJECT [EVALUATION]

Needs Chromium and Playwright. A vote is cast to show the ballot under way, so give it a copy.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from brie.report.figures import write_figures
from brie.resources import Project
from brie.web.app import create_app
from brie.web.guard import Access
from brie.web.server import free_socket
from brie.web.shelf import Shelf
from tests.browser import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DOCS = Path(__file__).parents[1] / "docs"
DESKTOP, PHONE = (1200, 1400), (390, 844)
COLOURS = 96


@contextmanager
def served(project: Project) -> Iterator[Access]:
    """The viewer on a free port."""
    import uvicorn

    with free_socket("127.0.0.1", 18400) as listening:
        access = Access(port=listening.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(create_app(project, access), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield access
        server.should_exit = True
        thread.join()


def opened(chromium: Browser, url: str, size: tuple[int, int], scheme: str = "light") -> Page:
    """A page of a window of its own."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=1.5,
    )
    page = context.new_page()
    page.goto(url)
    return page


def keep(page: Page, name: str) -> None:
    """A picture of what the window shows, with few colours: these pages have few."""
    import io

    from PIL import Image

    DOCS.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(COLOURS).save(DOCS / f"{name}.png", optimize=True)
    page.context.close()


def pictures(chromium: Browser, access: Access, evaluation: str, report: Path) -> None:
    """All of them."""
    url = report.as_uri()
    keep(opened(chromium, url, DESKTOP), "report")
    keep(opened(chromium, url, PHONE), "report-phone")
    keep(opened(chromium, url, DESKTOP, "dark"), "report-dark")
    page = opened(chromium, url, DESKTOP)
    page.locator("#examples").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#examples').scrollIntoView()")
    keep(page, "report-examples")
    keep(opened(chromium, access.url("viewer", f"/eval/{evaluation}"), DESKTOP), "viewer")
    for size, name in ((DESKTOP, "vote"), (PHONE, "vote-phone")):
        page = opened(chromium, access.url("voter", f"/vote/{evaluation}"), (size[0], min(size[1], 844)))
        page.fill("#name", f"Ann {name}")
        page.click("button.main")
        page.wait_for_selector("#ballot")
        page.keyboard.press("a")
        page.wait_for_function("document.querySelector('header').innerText.includes('1 of')")
        keep(page, name)


def main() -> None:
    """Take the pictures."""
    project = Project(Path(sys.argv[1]).resolve())
    shelf = Shelf(project)
    evaluation = sys.argv[2] if len(sys.argv) > 2 else shelf.ids()[0]
    report = project.reports / evaluation / "index.html"
    with browser() as chromium, served(project) as access:
        pictures(chromium, access, evaluation, report)
    analysis = shelf.analysis(evaluation)
    if analysis is not None:
        write_figures(analysis, shelf.open(evaluation).manifest, DOCS / ".figures")
        (DOCS / ".figures" / "card.png").replace(DOCS / "card.png")
        for leftover in (DOCS / ".figures").iterdir():
            leftover.unlink()
        (DOCS / ".figures").rmdir()


if __name__ == "__main__":
    main()
