"""The pictures in docs/: a project's evaluation as report, viewer and ballot, in a real browser.

    python -m bench.screenshots PROJECT [EVALUATION]

Needs Chromium, Playwright and pdftoppm. A vote is cast to show the ballot under way, so give it a copy.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from brie.evaluation.ballot_file import make_ballot
from brie.evaluation.folders import find_evaluation
from brie.project import Project
from brie.report.figures import write_card
from brie.store import Store
from brie.web.app import create_app
from brie.web.ballot_page import ballot_page
from brie.web.guard import Access
from brie.web.project_cache import ProjectCache
from brie.web.server import free_socket
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
        try:
            yield access
        finally:
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
    for part in ("results", "examples"):
        page = opened(chromium, url, DESKTOP)
        page.evaluate(f"document.querySelector('#{part}').scrollIntoView({{behavior: 'instant'}})")
        keep(page, f"report-{part}")
    keep_print(opened(chromium, url, DESKTOP), "report-print")
    shown = access.url("viewer", f"/eval/{evaluation}")
    keep(opened(chromium, shown, DESKTOP), "viewer")
    keep(opened(chromium, shown, PHONE, "dark"), "viewer-phone-dark")
    one = access.url("viewer", f"/eval/{evaluation}/comparison/1")
    keep(opened(chromium, one, (1200, 1000)), "comparison")
    ballot = access.url("voter", f"/vote/{evaluation}")
    for name, voter, size, scheme in (
        ("vote", "Ann", (1200, 844), "light"),
        ("vote-phone", "Bea", PHONE, "light"),
        ("vote-dark", "Cleo", (1200, 844), "dark"),
    ):
        page = opened(chromium, ballot, size, scheme)
        page.fill("#name", voter)
        page.click("button.main")
        page.wait_for_selector("#ballot")
        page.click("button[value=A]")
        page.locator("header", has_text="1 of").wait_for()
        keep(page, name)


def keep_ballot(chromium: Browser, project: Project, evaluation: str) -> None:
    """A ballot that was sent, under way on a phone."""
    with Store.open(project.store, read_only=True) as store:
        text = ballot_page(make_ballot(find_evaluation(evaluation, project), store, "ann.html"))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ann.html"
        file.write_text(text, "utf-8")
        page = opened(chromium, file.as_uri(), PHONE)
        page.fill("#name", "Ann")
        page.click("text=Begin")
        page.keyboard.press("a")
        keep(page, "ballot-phone")


def keep_print(page: Page, name: str) -> None:
    """The first two sheets as they are printed, side by side."""
    from PIL import Image

    with TemporaryDirectory() as folder:
        file = Path(folder) / "report.pdf"
        file.write_bytes(page.pdf(format="A4", print_background=True))
        page.context.close()
        command = ["pdftoppm", "-r", "70", "-png", "-l", "2", str(file), str(Path(folder) / "sheet")]
        subprocess.run(command, check=True)
        sheets = [Image.open(path).convert("RGB") for path in sorted(Path(folder).glob("sheet*.png"))]
    both = Image.new("RGB", (sum(s.width for s in sheets) + 12, sheets[0].height), (150, 150, 150))
    for number, sheet in enumerate(sheets):
        both.paste(sheet, (number * (sheets[0].width + 12), 0))
    both.quantize(COLOURS).save(DOCS / f"{name}.png", optimize=True)


def main() -> None:
    """Take the pictures."""
    project = Project(Path(sys.argv[1]).resolve())
    cache = ProjectCache(project)
    evaluation = sys.argv[2] if len(sys.argv) > 2 else cache.ids()[0]
    report = project.reports / evaluation / "index.html"
    with browser() as chromium, served(project) as access:
        pictures(chromium, access, evaluation, report)
        keep_ballot(chromium, project, evaluation)
    analysis = cache.analysis(evaluation)
    if analysis is not None:
        write_card(analysis, cache.open(evaluation).manifest, DOCS / ".figures")
        (DOCS / ".figures" / "card.png").replace(DOCS / "card.png")
        for leftover in (DOCS / ".figures").iterdir():
            leftover.unlink()
        (DOCS / ".figures").rmdir()


if __name__ == "__main__":
    main()
