"""A planned vote on a phone: eighty prompts by thumb, and the number that they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from brie.cli import cli
from brie.evaluation.folders import find_evaluation
from brie.number_format import span
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Analysis
from brie.report.sentence import caveats, verdict_sentence
from tests.browser import browser, complaints
from tests.present import present
from tests.web import sample
from tests.web.test_ballot import GOOD_END

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

World = tuple[Project, Manifest]
PLANNED = 80
READING = 400
"""Milliseconds of the page's clock between two taps."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@contextmanager
def phone(chromium: Browser, file: Path) -> Iterator[Page]:
    """A ballot that a thumb has begun, on a small screen; the test moves its clock."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=3
    )
    page = context.new_page()
    wrong = complaints(page)
    page.clock.install(time=0)
    page.goto(file.as_uri())
    page.clock.pause_at(1000)
    page.fill("#name", "Ann")
    page.get_by_text("Begin").tap()
    yield page
    assert wrong == []
    context.close()


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def tap_what_judges_like_less(page: Page) -> None:
    texts = page.locator("#ballot .answer .text").all_inner_texts()
    (at,) = (at for at, text in enumerate(texts) if GOOD_END not in text)
    page.clock.run_for(READING)
    page.locator(f".bar [data-place='{at}']").tap()


@pytest.mark.slow
def test_eighty_votes_by_thumb_become_the_headline_against_the_judges(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, manifest = sample.project(tmp_path / "p", prompts=88, samples=1)
    monkeypatch.chdir(project.root)
    before = Analysis.model_validate_json(
        (find_evaluation(manifest.id, project).folder / "analysis.json").read_text("utf-8")
    )
    assert before.verdict == "better"
    run("judge", manifest.id, "--people", str(PLANNED), "--ballot", "vote.html")
    with phone(chromium, project.root / "vote.html") as page:
        for turn in range(PLANNED):
            assert page.inner_text("#count") == f"{turn} of {PLANNED}"
            tap_what_judges_like_less(page)
        assert "80 of 80" in page.inner_text("#end-words")
        with page.expect_download() as download:
            page.locator("#save").tap()
        download.value.save_as("votes.csv")

    after = Analysis.model_validate_json(run("judge", manifest.id, "--votes", "votes.csv", "--json"))
    people = present(after.human_anchored)
    assert (people.labelled, people.votes, people.complete) == (PLANNED, PLANNED, True)
    assert after.verdict == people.verdict == "worse"
    assert people.judges_verdict == "better"
    rate, fresh = present(after.win_rate), present(people.new_prompts)
    assert (rate.value, rate.low, rate.high) == (fresh.value, fresh.low, fresh.high)
    assert "80 prompts voted on by 1 person" in verdict_sentence(after)
    low, high = present(people.judges).bounds
    beside = f"the judges' own win rate is {span(low, high, ' or ')}."
    assert [line for line in caveats(after) if line.endswith(beside)], "what bounds the judges' rate"


def test_a_second_tap_of_one_thumb_is_no_vote_on_the_next_pair(
    chromium: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, manifest = world
    monkeypatch.chdir(project.root)
    run("judge", manifest.id, "--ballot", "twice.html")
    with phone(chromium, project.root / "twice.html") as page:
        page.clock.run_for(READING)
        button = page.locator(".bar .main").first
        button.tap()
        button.tap()
        assert page.inner_text("#count") == "1 of 24"
        page.clock.run_for(READING)
        button.tap()
        assert page.inner_text("#count") == "2 of 24"
