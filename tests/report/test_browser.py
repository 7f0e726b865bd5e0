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
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    return build_report(sample.analysis(), sample.manifest(), sample.comparisons(8, 1), out)


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


def found(page: Page) -> set[str]:
    """Addresses of the comparisons that can be seen."""
    shown = page.locator("#examples details.example:visible")
    return {str(item.get_attribute("id")) for item in shown.all()}


def test_losses_can_be_found_and_an_address_keeps_what_was_looked_for(
    chromium: Browser, report: Path
) -> None:
    page = chromium.new_page()
    wrong = complaints(page)
    page.goto(report.as_uri())
    every = found(page)
    lost = {v for v in every if page.locator(f"#{v}").get_attribute("data-outcome") == "lost"}
    page.select_option("select[name=outcome]", "lost")
    assert found(page) == lost
    assert 0 < len(lost) < len(every)
    assert page.inner_text("#find [role=status]") == f"{len(lost)} of {len(every)} comparisons"
    page.select_option("select[name=outcome]", "")
    page.select_option("select[name=category]", "letters")
    page.fill("input[name=words]", "NEIGHBOUR dog")
    one = found(page)
    assert one == {"c-letters-02-1"}
    again = chromium.new_page()
    again.goto(page.url)
    assert found(again) == one, "the address carries the search"
    again.goto(f"{report.as_uri()}#c-letters-02-1")
    again.reload()
    assert again.locator("#c-letters-02-1").get_attribute("open") is not None
    assert again.locator("#c-letters-02-1 .answer").first.is_visible()
    assert found(again) == every
    assert wrong == []
    page.close()
    again.close()


def test_without_javascript_everything_can_be_read(chromium: Browser, report: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert not page.locator("#find").is_visible()
    items = page.locator("#examples details.example")
    assert items.count() == page.locator("#examples details.example:visible").count() == 8
    items.last.locator("summary").first.click()
    assert items.last.locator(".answer").first.is_visible()
    page.locator("summary", has_text="How sure?").click()
    assert page.locator(".sentence").is_visible()
    context.close()


def test_nothing_on_a_phone_stands_over_anything_else(chromium: Browser, report: Path) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(OVERLAPS) == []
    page.close()


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll("th, td, caption")].flatMap((cell) => {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      for (const box of range.getClientRects()) {
        if (box.width > 1 && box.height > 1 && walker.currentNode.textContent.trim()) {
          texts.push({cell, box, text: walker.currentNode.textContent.trim()});
        }
      }
    }
    return texts;
  });
  const wrong = [];
  for (const one of boxes) {
    const scrolls = one.cell.closest(".scroll");
    if (!scrolls && (one.box.right > 390 || one.box.left < 0)) wrong.push(`off the page: ${one.text}`);
    for (const other of boxes) {
      const apart = one.cell === other.cell || one.cell.closest("table") !== other.cell.closest("table");
      if (apart || one.text > other.text) continue;
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (across > -2 && down > 3) wrong.push(`${one.text} | ${other.text}`);
    }
  }
  return wrong;
}"""
