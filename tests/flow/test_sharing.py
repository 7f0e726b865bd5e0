"""`brie report`: what is opened, pasted and shared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from brie.cli import cli
from brie.project import Project
from brie.records import Manifest
from tests import commands
from tests.web import sample

World = tuple[Project, Manifest]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return sample.project(tmp_path_factory.mktemp("shared"), prompts=8, samples=1)


def brie(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=True)


def test_pr_prints_markdown_and_leaves_the_report_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world[0].root)
    done = brie("report", world[1].id, "--pr", "--link", "https://ci.example.org/7")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("### ")
    assert len(done.stdout.splitlines()) <= 25
    assert "https://ci.example.org/7" in done.stdout
    assert not (world[0].reports / world[1].id / "index.html").exists()


def test_a_link_without_the_short_text_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world[0].root)
    done = brie("report", world[1].id, "--link", "https://ci.example.org/7")
    assert "--link goes with --pr" in str(done.exception)


@pytest.mark.slow
def test_a_card_and_a_badge_are_written_beside_the_report(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world[0].root)
    done = brie("report", world[1].id, "--card")
    assert done.exit_code == 0, done.output
    folder = world[0].reports / world[1].id / "figures"
    assert {path.name for path in folder.iterdir()} == {"card.svg", "card.png", "badge.svg"}
    assert all(Path(line).is_file() for line in done.stdout.split())


def test_open_shows_the_page_in_the_users_browser(world: World, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}\n')
    browser.chmod(0o755)
    surroundings = {**os.environ, "BROWSER": str(browser)}
    done = commands.brie(world[0].root, "report", world[1].id, "--open", env=surroundings)
    assert done.returncode == 0, done.stderr
    assert opened.read_text() == (world[0].reports / world[1].id / "index.html").resolve().as_uri()


def test_an_audit_has_a_card_with_its_claim_and_an_opening_that_answers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"question {n},tune,base,{'tune' if n < 8 else 'base'}" for n in range(13)]
    Path("v.csv").write_text("prompt,model_a,model_b,winner\n" + "\n".join(rows) + "\n")
    done = brie("audit", "v.csv", "--candidate", "tune", "--claim", "0.77", "--card")
    assert done.exit_code == 0, done.output
    (page,) = tmp_path.glob("reports/*/index.html")
    top = page.read_text("utf-8").split('class="headline"')[0]
    assert "Claimed 77.0" in top
    assert "judged by a judge (" in top
    assert {path.name for path in (page.parent / "figures").iterdir()} == {
        "card.svg", "card.png", "badge.svg",
    }  # fmt: skip
