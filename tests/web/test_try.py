"""`/try`: both sides of a local pair answer what is typed, named or blind, and a vote counts nowhere."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from brie.cli import cli
from brie.errors import UsageError
from brie.evaluation.folders import find_evaluation
from brie.evaluation.work import Work
from brie.harmless import clean
from brie.project import Project
from brie.store import Store
from brie.web.app import create_app
from brie.web.guard import Access
from brie.web.tried import read_votes, tally, votes_file
from brie.web.try_asking import Asking
from brie.web.try_asking import Event as Told
from brie.web.try_pair import pair_named, pair_of
from tests.browser import browser, complaints, violations
from tests.generate.tinymodel import TEMPLATE, build_adapter, build_base
from tests.web.test_browser import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SECRET = "zanzibar"
"""The fine-tune's folder: what a blind page must not hold."""
SUITE = """name = "small"
system = "Be brief."
[sampling]
temperature = 1.0
max_new_tokens = 24
[[prompt]]
id = "p0"
prompt = "Name three rivers."
[[prompt]]
id = "p1"
prompt = "Name three lakes."
"""
RIVERS = "Name three rivers."
SEAS = "Name three seas."


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A base, a fine-tune of it, and an evaluation of the two."""
    folder = tmp_path_factory.mktemp("try")
    build_base(folder / "base", context=1024)
    build_adapter(folder / SECRET, folder / "base")
    (folder / "small.toml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(
            "eval", "--suite", "small.toml", "--candidate", SECRET, "--judge", "longer",
            "--samples", "1", "--controls", "0", "--yes", "--stop-after", "generate",
        )  # fmt: skip
    return Project(folder)


@pytest.fixture
def project(made: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(made.root)
    yield made
    shutil.rmtree(made.runs / "try", ignore_errors=True)


@pytest.fixture(scope="module")
def ctrl_c() -> Event:
    """Set while the viewer is being stopped."""
    return Event()


@pytest.fixture(scope="module")
def loaded(made: Project, ctrl_c: Event) -> Iterator[Asking]:
    pair = pair_of(find_evaluation(None, made), made)
    with closing(Asking(pair, made, ending=ctrl_c.is_set)) as asking:
        yield asking


@pytest.fixture
def asking(project: Project, loaded: Asking) -> Asking:
    """The sides of the evaluation; what is asked of them stays known from test to test."""
    return loaded


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


def named(
    project: Project, candidate: str = SECRET, baseline: str = "base", **sampling: float
) -> Asking:
    """A pair without an evaluation, whose answers are short."""
    pair = pair_named(project, candidate=candidate, baseline=baseline)
    short = pair.sampling.model_copy(update={"max_new_tokens": 16, **sampling})
    return Asking(replace(pair, sampling=short), project)


def heads(events: list[Told]) -> list[str]:
    """What stands over the answers."""
    return TypeAdapter(list[str]).validate_python(events[0]["heads"])


def last(events: list[Told]) -> list[str]:
    """The texts that stood there in the end."""
    shown = [event["answers"] for event in events if "answers" in event][-1]
    return [str(answer["text"]) for answer in TypeAdapter(list[Told]).validate_python(shown)]


def test_a_prompt_of_the_suite_gets_the_answers_of_the_evaluation(
    project: Project, asking: Asking
) -> None:
    events = list(asking.ask(RIVERS, blind=False))
    work = Work.of(find_evaluation(None, project).manifest)
    with Store.open(project.store, read_only=True) as store:
        texts = [
            store.completions([key])[key].text
            for key in (work.key("candidate", "p0", 0), work.key("baseline", "p0", 0))
        ]
    assert last(events) == [clean(text) for text in texts]
    assert texts[0] != texts[1]
    again = list(asking.ask(RIVERS, blind=False))
    assert last(again) != last(events), "asked again, it is the next sample"


def test_a_blind_vote_is_kept_as_a_letter_and_counts_in_no_evaluation(
    project: Project, asking: Asking
) -> None:
    def kept() -> dict[Path, bytes]:
        """What every number of an evaluation is made from."""
        files = (path for path in project.runs.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files if path.parent.name != "try"}

    before = kept()
    assert project.store in before
    for turn in range(6):
        events = list(asking.ask(f"Question {turn}?", blind=True))
        assert sorted(heads(events)) == ["A", "B"]
        vote = asking.vote(str(events[-1]["vote"]), "A")
        assert asking.votes()[0] == vote
        assert vote.letter == "A"
        assert vote.winner in ("candidate", "baseline")
        key = getattr(vote.presentation, vote.winner)
        assert vote.answers[key].pin == vote.pins[vote.winner]
        assert clean(vote.answers[key].text) == last(events)[heads(events).index("A")]
    assert sum(tally(read_votes(project)).values()) == 6
    assert kept() == before


@pytest.mark.slow
def test_a_pair_is_voted_on_once_and_only_while_it_is_blind(project: Project, asking: Asking) -> None:
    with closing(named(project, temperature=0.0)) as greedy:
        number = str(list(greedy.ask(RIVERS, blind=True))[-1]["vote"])
        greedy.vote(number, "tie")
        with pytest.raises(UsageError, match="cannot be voted on"):
            greedy.vote(number, "A")
        refused = list(greedy.ask(RIVERS, blind=True))
        assert "at temperature 0 there are no others" in str(refused[-1]["problem"])
        assert "facts" in list(greedy.ask(RIVERS, blind=False))[-1]
    with closing(named(project, temperature=0.0)) as later:
        assert "problem" in list(later.ask(RIVERS, blind=True))[-1], "known from the votes kept"
    waiting = [str(list(asking.ask(SEAS, blind=True))[-1]["vote"]) for _ in range(2)]
    seen = last(list(asking.ask(SEAS, blind=False)))
    for number in waiting:
        with pytest.raises(UsageError, match="with their sides meanwhile"):
            asking.vote(number, "A")
    assert set(last(list(asking.ask(SEAS, blind=True)))).isdisjoint(seen)


def test_one_question_at_a_time_and_a_stopped_one_leaves_room(asking: Asking) -> None:
    coming = asking.ask(SEAS, blind=True)
    next(coming)
    (busy,) = asking.ask("Another?", blind=True)
    assert "Another question" in str(busy["problem"])
    coming.close()
    assert "vote" in list(asking.ask("Another?", blind=True))[-1]


@pytest.mark.slow
def test_models_that_load_in_turn_tell_nothing_by_their_order(project: Project, tmp_path: Path) -> None:
    other = build_base(tmp_path / "other", seed=8, context=1024)
    with closing(named(project, SECRET, str(other))) as pair:
        events = list(pair.ask(SEAS, blind=True))
        assert [event for event in events if "answers" in event] == [events[-2]]


def test_a_side_that_thinks_is_not_told_by_it_before_a_vote(project: Project, tmp_path: Path) -> None:
    thinker = shutil.copytree(project.root / SECRET, tmp_path / "thinker")
    (thinker / "chat_template.jinja").write_text(
        TEMPLATE + "{% if add_generation_prompt %}<think>{% endif %}"
    )
    with closing(named(project, str(thinker))) as pair:
        assert '"thinking": true' in json.dumps(list(pair.ask(SEAS, blind=False)))
        events = list(pair.ask("Name a sea.", blind=True))
    assert "true" not in json.dumps([event for event in events if "answers" in event])
    assert [event for event in events if "answers" in event] == [events[-2]]


def test_what_ends_the_viewer_ends_the_answer(asking: Asking, ctrl_c: Event) -> None:
    ctrl_c.set()
    assert list(asking.ask(SEAS, blind=False))[-1] == {"problem": "the viewer was stopped."}
    ctrl_c.clear()


# --- the routes ----------------------------------------------------------------------------


def clients(project: Project, asking: Asking | None) -> tuple[TestClient, TestClient]:
    """Of somebody who has the viewer's address, and of a voter."""
    access = Access(port=8321)
    app = create_app(project, access, asking=asking)
    made = []
    for role, path in (("viewer", "/"), ("voter", "/vote")):
        client = TestClient(
            app, base_url="http://127.0.0.1:8321", headers={"origin": "http://127.0.0.1:8321"}
        )
        client.get(access.url(role, path))  # type: ignore[arg-type]
        made.append(client)
    return made[0], made[1]


def secrets_of(asking: Asking, project: Project) -> set[str]:
    """What a browser must not receive before a blind vote."""
    digests = {side.pin.digest[7:15] for side in asking.pair.sides.values()}
    return {SECRET, "candidate", "adapter", "tokens in", str(project.root), *digests}


def test_a_blind_question_is_answered_without_a_word_of_the_sides(
    project: Project, asking: Asking
) -> None:
    viewer, _ = clients(project, asking)
    page, answered = (
        viewer.get("/try?blind"),
        viewer.post("/try/ask", json={"prompt": SEAS, "blind": True}),
    )
    for got in (page, answered):
        sent = got.text + str(got.headers)
        assert not [secret for secret in secrets_of(asking, project) if secret in sent]
    known = viewer.get("/try").text
    assert SECRET in known
    assert asking.pair.sides["baseline"].pin.digest in known


def test_only_the_viewers_own_page_may_ask(project: Project, asking: Asking) -> None:
    viewer, voter = clients(project, asking)
    question = {"prompt": SEAS, "blind": True}
    assert voter.get("/try").status_code == 403
    assert voter.post("/try/ask", json=question).status_code == 403
    elsewhere = {"origin": "http://example.org"}
    assert viewer.post("/try/ask", json=question, headers=elsewhere).status_code == 403
    assert viewer.post("/try/vote", json={}, headers=elsewhere).status_code == 403
    assert viewer.post("/try/ask", json={"prompt": "x" * 70_000}).status_code == 400
    assert viewer.post("/try/ask", json={"prompt": "  "}).status_code == 400
    half_a_sign = b'{"prompt": "\\ud800"}'
    assert viewer.post("/try/ask", content=half_a_sign).status_code == 400
    assert viewer.post("/try/vote", json={"vote": "x", "choice": "candidate"}).status_code == 400
    events = [json.loads(line) for line in viewer.post("/try/ask", json=question).text.splitlines()]
    cast = {"vote": events[-1]["vote"], "choice": "B"}
    assert viewer.post("/try/vote", json=cast).json()["winner"] in ("candidate", "baseline")
    assert viewer.post("/try/vote", json=cast).status_code == 409


def test_without_a_pair_the_page_says_how_to_name_one(project: Project) -> None:
    viewer, _ = clients(project, None)
    assert "brie view EVAL --try" in viewer.get("/try").text
    assert viewer.post("/try/ask", json={"prompt": SEAS}).status_code == 404
    assert viewer.get("/try/votes").status_code == 404


def test_sides_that_are_not_here_and_options_out_of_place_are_refused(project: Project) -> None:
    for words, sentence in (
        (["--candidate", SECRET], "add --try"),
        (["@1", "--try", "--candidate", SECRET], "leave --candidate and --baseline out"),
        (["--try", "--candidate", "answers:a.csv", "--baseline", SECRET], "is a file of answers"),
    ):
        (project.root / "a.csv").write_text("prompt,response\nWhy?,So.\n")
        done = CliRunner().invoke(cli, ["view", *words])
        assert isinstance(done.exception, UsageError), done.output
        assert sentence in str(done.exception)


# --- in a browser --------------------------------------------------------------------------


@contextmanager
def opened(chromium: Browser, project: Project, asking: Asking, path: str = "/try") -> Iterator[Page]:
    """A page of a viewer that runs, on a small screen."""
    with Served(project, asking) as access:
        page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
        wrong = complaints(page)
        page.goto(access.url("viewer"))
        page.goto(f"http://127.0.0.1:{access.port}{path}")
        yield page
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert wrong == []
        page.context.close()


def question(page: Page, text: str = RIVERS) -> None:
    page.fill("#prompt", text)
    page.get_by_role("button", name="Ask both").click()


def texts(page: Page) -> list[str]:
    return page.locator("#answers .text").all_inner_texts()


def test_the_same_model_on_both_sides_says_the_same(chromium: Browser, project: Project) -> None:
    with (
        closing(named(project, "baseline", SECRET)) as twice,
        opened(chromium, project, twice) as page,
    ):
        question(page)
        page.locator("#answers", has_text=re.compile(r"\d tokens? in")).wait_for()
        first, second = texts(page)
        assert first == second != ""
        page.get_by_role("link", name="Blind").click()
        question(page)
        page.locator("#state", has_text="nothing to vote on").wait_for()
        first, second = texts(page)
        assert first == second != ""
        assert page.locator("#choices").is_hidden()
    assert read_votes(project) == []


def test_a_blind_page_shows_no_side_before_the_vote(
    chromium: Browser, project: Project, asking: Asking
) -> None:
    with opened(chromium, project, asking, "/try?blind") as page:
        question(page)
        page.locator("#choices").wait_for()
        assert violations(page) == []
        assert not [secret for secret in secrets_of(asking, project) if secret in page.content()]
        shown = texts(page)
        page.wait_for_timeout(400)
        page.get_by_role("button", name="B is better").click()
        page.locator("#told", has_text="You preferred the").wait_for()
        assert texts(page) == shown
        assert SECRET in page.inner_text("#answers")
        assert violations(page) == []
        page.get_by_role("link", name="Votes (1)").click()
        assert "1 for" in page.inner_text("main")
        assert violations(page) == []
    (vote,) = read_votes(project)
    assert vote.letter == "B"


def test_hostile_answers_run_nowhere(chromium: Browser, project: Project, asking: Asking) -> None:
    planted = "<img src=x onerror='window.owned = 1'></div><script>window.owned = 1</script>"
    number = str(list(asking.ask(SEAS, blind=True))[-1]["vote"])
    asking.vote(number, "A")
    path = votes_file(project)
    row = json.loads(path.read_text("utf-8"))
    for answer in row["answers"].values():
        answer["text"] = planted
    row["messages"][-1]["content"] = planted
    path.write_text(json.dumps(row) + "\n", "utf-8")
    body = json.dumps({"heads": ["A", "B"]}) + "\n"
    body += json.dumps({"answers": [{"text": planted}, {"text": planted}]}) + "\n"
    body += json.dumps({"done": True, "same": True}) + "\n"
    with opened(chromium, project, asking, "/try?blind") as page:
        page.route("**/try/ask", lambda route: route.fulfill(body=body))
        question(page)
        page.locator("#state", has_text="nothing to vote on").wait_for()
        assert texts(page) == [planted, planted]
        page.get_by_role("link", name="Votes").click()
        assert "<img" in page.inner_text("main")
        assert page.evaluate("window.owned") is None


@pytest.mark.slow
def test_ctrl_c_ends_a_viewer_that_answers(project: Project) -> None:
    command = [sys.executable, "-u", "-m", "brie", "view", "--try", "--candidate", SECRET]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as viewer:
        assert viewer.stdout is not None
        lines = iter(viewer.stdout.readline, "")
        address = next(line.split()[1] for line in lines if line.startswith("viewer"))
        next(line for line in lines if "Ctrl-C" in line)
        parts = urlsplit(address)
        assert parts.path == "/try"
        talk = HTTPConnection(parts.netloc, timeout=60)
        talk.request("GET", f"{parts.path}?{parts.query}")
        entered = talk.getresponse()
        entered.read()
        cookie = str(entered.getheader("set-cookie")).partition(";")[0]
        asked = {"origin": f"http://{parts.netloc}", "cookie": cookie}
        talk.request("POST", "/try/ask", json.dumps({"prompt": SEAS}), asked)
        answer = talk.getresponse()
        assert "heads" in json.loads(answer.readline())
        viewer.send_signal(signal.SIGINT)
        told = answer.read().splitlines()
        assert json.loads(told[-1]) == {"problem": "the viewer was stopped."}
        assert viewer.wait(timeout=60) == 0
