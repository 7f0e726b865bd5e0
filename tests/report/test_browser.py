"""The report in a real browser: quiet, alone, accessible, and it fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from brie.report import build_report
from tests.browser import browser, complaints, violations
from tests.report import sample
from tests.report.hostile import HOSTILE
from tests.report.test_build import hostile_analysis, hostile_view

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    return build_report(sample.analysis(), sample.manifest(), sample.comparisons(), out)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_it_opens_quietly_alone_and_fits(
    chromium: Browser, report: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    wrong, asked = complaints(page), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert wrong == []
    assert asked == [report.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    page.close()


def test_hostile_text_runs_nowhere(chromium: Browser, tmp_path: Path) -> None:
    texts = [text for text in HOSTILE.values() if text.strip()]
    views = [hostile_view(text) for text in texts]
    path = build_report(hostile_analysis(" ".join(texts)), sample.manifest(), views, tmp_path)
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    wrong, asked = complaints(page), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert wrong == []
    assert asked == [path.as_uri()]
    assert page.title().startswith("Better: ")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("h1").count() == 1
    page.close()


def test_it_prints_with_what_is_folded_on_screen(chromium: Browser, report: Path) -> None:
    page = chromium.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    assert page.locator("details.more .check").first.is_visible()
    assert not page.locator("nav.contents").is_visible()
    page.close()


def test_the_keyboard_reaches_every_fold_and_link(chromium: Browser, report: Path) -> None:
    page = chromium.new_page()
    page.goto(report.as_uri())
    wanted = page.locator("a:visible, summary:visible, [tabindex='0']:visible").count()
    for _ in range(wanted):
        page.keyboard.press("Tab")
    last = page.evaluate("document.activeElement !== document.body")
    assert last
    assert wanted > 10
    page.close()
