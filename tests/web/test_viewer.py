"""The viewer's pages: what they show, and what odd or hostile data does to them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from brie.evaluation.assemble import assemble
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.results import write_report
from brie.project import Project
from brie.records import Manifest
from brie.report.clean import is_clean
from brie.store import Store
from brie.web.app import create_app
from brie.web.guard import Access
from brie.web.index import index_path
from brie.web.project_cache import ProjectCache
from brie.web.voting_session import VotingSession
from tests.report.hostile import HOSTILE
from tests.report.test_build import read
from tests.web import sample
from tests.web.conftest import Client

World = tuple[Project, Manifest]


def viewer(project: Project) -> TestClient:
    access = Access(port=8321)
    made = TestClient(create_app(project, access), base_url="http://127.0.0.1:8321")
    made.get(access.url("viewer"))
    return made


def test_home_lists_evaluations_and_runs(client: Client, world: World) -> None:
    text = client("viewer").get("/").text
    assert "qwen-0.5b-letters, step 290 against Qwen2.5-0.5B-Instruct" in text
    assert world[1].id in text
    assert "letters" in text
    read(text)


def test_an_evaluation_shows_verdict_and_comparisons(client: Client, world: World) -> None:
    text = client("viewer").get(f"/eval/{world[1].id}").text
    assert "24 comparisons" in text
    assert "of every 100 comparisons" in text
    read(text)


def test_a_filter_narrows_the_list(client: Client, world: World) -> None:
    text = client("viewer").get(f"/eval/{world[1].id}?category=letters&sort=won").text
    assert "6 comparisons" in text
    assert "Nothing fits" in client("viewer").get(f"/eval/{world[1].id}?q=zzzz").text


def test_a_comparison_shows_both_answers_every_verdict_and_its_neighbours(
    client: Client, world: World
) -> None:
    text = client("viewer").get(f"/eval/{world[1].id}/comparison/3?category=&at=2").text
    for needed in ("Candidate", "Baseline", "claude-opus", "gpt-mini", "reference", "3 of 24"):
        assert needed in text
    assert f"/eval/{world[1].id}/comparison/2?at=1" in text
    assert f"/eval/{world[1].id}/comparison/4?at=3" in text
    read(text)


def test_the_report_is_served_as_it_would_be_written(client: Client, world: World) -> None:
    text = client("viewer").get(f"/eval/{world[1].id}/report").text
    assert "Where it comes from" in text
    assert world[1].seal in text


def test_a_run_shows_its_curves(client: Client) -> None:
    text = client("viewer").get("/run/letters").text
    assert "<polyline" in text
    assert "validation loss" in text
    assert "best at step 100" in text
    read(text)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/eval/eval-nothing", 409),
        ("/eval/..%2f..%2fetc", 404),
        ("/eval/%2e%2e", 409),
        ("/run/nothing", 409),
        ("/nothing", 404),
        (f"/run/{'a' * 5000}", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e/app.py", 404),
        ("/vote/eval-nothing", 404),
    ],
)
def test_what_does_not_exist_is_said_in_a_page(client: Client, path: str, status: int) -> None:
    answer = client("viewer").get(path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_a_comparison_that_is_not_there(client: Client, world: World) -> None:
    for number in ("999", "9" * 20, "9" * 5000, "-1", "x", "١"):
        page = client("viewer").get(f"/eval/{world[1].id}/comparison/{number}")
        assert page.status_code == 404
        assert "content-security-policy" in page.headers


def test_a_project_without_anything(tmp_path: Path) -> None:
    text = viewer(Project(tmp_path)).get("/").text
    assert "brie demo" in text
    assert "There is nothing to vote on yet" in viewer(Project(tmp_path)).get("/vote").text


def test_a_broken_evaluation_hides_no_other(world: World) -> None:
    broken = world[0].runs / "eval-broken-00000000"
    broken.mkdir()
    (broken / "manifest.json").write_text("{", "utf-8")
    page = viewer(world[0])
    text = page.get("/").text
    assert "eval-broken-00000000" in text
    assert "Cannot be shown" in text
    assert world[1].id in text
    assert str(world[0].root) not in text
    answer = page.get("/eval/eval-broken-00000000")
    assert answer.status_code == 409
    assert str(world[0].root) not in answer.text


def test_an_unfinished_evaluation_shows_what_there_is(world: World) -> None:
    (world[0].runs / world[1].id / "analysis.json").unlink()
    page = viewer(world[0])
    assert "Unfinished" in page.get("/").text
    assert "24 comparisons" in page.get(f"/eval/{world[1].id}").text
    assert page.get(f"/eval/{world[1].id}/report").status_code == 409


def test_broken_numbers_are_said(world: World) -> None:
    (world[0].runs / world[1].id / "analysis.json").write_text("[]", "utf-8")
    assert "brie report" in viewer(world[0]).get(f"/eval/{world[1].id}").text


def test_a_store_of_a_newer_schema_is_said(world: World) -> None:
    with sqlite3.connect(world[0].store) as db:
        db.execute("PRAGMA user_version = 99")
    answer = viewer(world[0]).get(f"/eval/{world[1].id}")
    assert answer.status_code == 409
    assert "newer brie" in answer.text


def test_a_missing_store_is_said(world: World) -> None:
    world[0].store.unlink()
    answer = viewer(world[0]).get(f"/eval/{world[1].id}")
    assert answer.status_code == 409
    assert str(world[0].root) not in answer.text


def test_a_damaged_metrics_file_draws_what_it_can(world: World) -> None:
    run = next(world[0].runs.glob("train-*"))
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as handle:
        handle.write(
            '{"kind": "train", "step": "x"}\n{"kind": 3}\nnot json\n{"kind": "eval", "step": 130, "los'
        )
    assert "<polyline" in viewer(world[0]).get("/run/letters").text


def test_odd_run_manifests_do_not_hide_the_page(world: World) -> None:
    for number, content in enumerate(
        ({}, {"pins": None, "config": None}, {"pins": {"best": 3}, "config": []})
    ):
        folder = world[0].runs / f"train-odd-{number}"
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps(content), "utf-8")
    page = viewer(world[0])
    assert "train-odd-2" in page.get("/").text
    assert page.get("/run/train-odd-0").status_code == 200


def test_hostile_answers_are_harmless_on_every_page(tmp_path: Path) -> None:
    texts = [HOSTILE[name] for name in sorted(set(HOSTILE) - {"surrogate"})]
    project, manifest = sample.project(tmp_path, prompts=len(texts), samples=1, texts=texts)
    page = viewer(project)
    comparisons = [f"/comparison/{n + 1}?at={n}" for n in range(len(texts))]
    for path in ("", "/report", "?q=script", *comparisons):
        html = page.get(f"/eval/{manifest.id}{path}").text
        reader = read(html)
        assert is_clean(html)
        assert not {"img", "iframe", "textarea"} & reader.tags
        own = '<script>"use strict";' if path == "/report" else '<script src="/static/viewer.js" defer>'
        assert html.count("<script") == html.count(own) == 1
        assert not {a for a in reader.attributes if a.startswith("on")}


def test_a_very_long_answer_is_cut_and_said(tmp_path: Path) -> None:
    project, manifest = sample.project(tmp_path, prompts=1, samples=1, texts=["x" * 3_000_000])
    text = viewer(project).get(f"/eval/{manifest.id}/comparison/1").text
    assert "the first 100,000 of 3,000,0" in text
    assert len(text) < 400_000


@pytest.mark.slow
def test_fifty_judges_and_one_prompt(tmp_path: Path) -> None:
    project, manifest = sample.project(tmp_path, prompts=1, samples=1, judges=50)
    page = viewer(project)
    for path in ("", "?judge=judge-49", "/comparison/1", "/report"):
        answer = page.get(f"/eval/{manifest.id}{path}")
        assert answer.status_code == 200
        assert "judge-49" in answer.text
        read(answer.text)


def test_a_locked_store_is_said_and_no_page_hangs(world: World) -> None:
    page = viewer(world[0])
    with closing(sqlite3.connect(world[0].store, isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        answer = page.get(f"/eval/{world[1].id}")
    assert answer.status_code == 409
    assert "is locked by another program" in answer.text
    assert str(world[0].root) not in answer.text


def test_votes_are_verdicts_in_the_viewer_with_hostile_comments_harmless(world: World) -> None:
    cache = ProjectCache(world[0])
    session = VotingSession(cache, evaluation=world[1].id, name="Ann")
    texts = [HOSTILE[name] for name in sorted(set(HOSTILE) - {"surrogate", "empty"})]
    for text in texts:
        item = session.current()
        assert item is not None
        session.vote(item.number, "A", text)
    page = viewer(world[0])
    listing = page.get(f"/eval/{world[1].id}?judge=human:Ann").text
    assert f"{len(texts)} comparisons" in listing
    for number in range(1, 25):
        html = page.get(f"/eval/{world[1].id}/comparison/{number}").text
        assert is_clean(html)
        assert not {"img", "iframe", "textarea"} & read(html).tags
    found = find_evaluation(world[1].id, world[0])
    with Store.open(world[0].store) as store:
        data = gather(found.manifest, store)
        report = write_report(found, assemble(data, store), data, world[0])
    assert not {"img", "iframe"} & read(report.read_text("utf-8")).tags
    assert report.read_text("utf-8").count("<script") == 1
    assert "human:Ann" in report.read_text("utf-8")
    assert "human:Ann" in (report.parent / "verdicts.csv").read_text("utf-8")


def test_a_list_that_is_not_up_to_date_says_so(world: World) -> None:
    page = viewer(world[0])
    assert "not up to date" not in page.get(f"/eval/{world[1].id}").text
    assert VotingSession(ProjectCache(world[0]), evaluation=world[1].id, name="Ann").vote(0, "A")
    with closing(sqlite3.connect(index_path(world[0], world[1].id))) as db:
        db.execute("DROP TABLE vote")
    text = page.get(f"/eval/{world[1].id}").text
    assert "This list is not up to date: the viewer" in text
    assert "24 comparisons" in text
    assert str(world[0].root) not in text
    read(text)
