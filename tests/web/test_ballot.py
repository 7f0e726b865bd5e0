"""A ballot that is sent as a file: blind, whole, and read back as it was said."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from brie.cli import cli
from brie.errors import InputError, UsageError
from brie.evaluation.added_votes import add_votes
from brie.evaluation.ask_people import ask_people
from brie.evaluation.assemble import assemble
from brie.evaluation.ballot_file import SentBallot, import_ballot, make_ballot
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.manifest import broken_links
from brie.evaluation.votes import asked_of_people
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Outcomes
from brie.records.people import HumanAnchored
from brie.store import Store
from brie.web.ballot_page import ballot_page
from brie.web.project_cache import ProjectCache
from brie.web.voting_session import VotingSession
from tests.browser import browser, complaints, violations
from tests.present import present
from tests.report.hostile import HOSTILE
from tests.report.test_build import read
from tests.web import sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

World = tuple[Project, Manifest]
GOOD_END = "what is left is red and orange"
"""Only the candidate's answers say it."""


def made(world: World, name: str = "ann.html", **options: Any) -> SentBallot:
    with Store.open(world[0].store, read_only=True) as store:
        return make_ballot(find_evaluation(world[1].id, world[0]), store, name, **options)


def pairs(page: str) -> list[dict[str, Any]]:
    """What the page knows of its pairs."""
    data = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    loaded: dict[str, Any] = json.loads(data[0])
    return list(loaded["pairs"])


def better(pair: dict[str, Any]) -> str:
    """The letter of the candidate's answer, which a test can tell by its text."""
    (letter,) = (answer["letter"] for answer in pair["answers"] if GOOD_END in answer["text"])
    return str(letter)


def saved(
    ballot: SentBallot, choose: Callable[[dict[str, Any]], str] = better, voter: str = "Ann"
) -> str:
    """What a voter's page saves."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["voter", "ballot", "pair", "choice", "comment"])
    for pair in pairs(ballot_page(ballot)):
        writer.writerow([voter, ballot.code, pair["id"], choose(pair), ""])
    return out.getvalue()


def returned(world: World, text: str) -> int:
    """How many votes of a file were new."""
    path = world[0].root / "votes-Ann.csv"
    path.write_text(text, "utf-8", newline="")
    with Store.open(world[0].store) as store:
        return import_ballot(path, find_evaluation(world[1].id, world[0]), store)[0]


def own(world: World, voter: str = "Ann") -> Any:
    with Store.open(world[0].store, read_only=True) as store:
        data = gather(find_evaluation(world[1].id, world[0]).manifest, store)
        return assemble(data, store).by_judge[f"human:{voter}"]


def counted(world: World) -> HumanAnchored:
    with Store.open(world[0].store, read_only=True) as store:
        data = gather(find_evaluation(world[1].id, world[0]).manifest, store)
        return present(assemble(data, store).human_anchored)


def test_the_page_holds_no_name_path_or_digest_of_either_side(world: World) -> None:
    project, manifest = world
    page = ballot_page(made(world)).replace("base-uri", "").encode().lower()  # a word of its policy
    sides = (manifest.plan.candidate, manifest.plan.baseline)
    secrets = {
        *sample.SECRETS,
        *manifest.names.values(),
        *manifest.locations.values(),
        *(pin.name for pin in sides),
        *(str(pin.base) for pin in sides),
        *(pin.run for pin in sides if pin.run),
        *(digest for pin in sides for digest in (pin.digest, pin.config, *pin.files.values())),
        manifest.seal,
        manifest.id,
        str(project.root),
    }
    digests = {secret.removeprefix("sha256:") for secret in secrets if secret.startswith("sha256:")}
    assert len(digests) >= 5
    for secret in (secrets | digests | {digest[:8] for digest in digests}) - {""}:
        assert secret.lower().encode() not in page, secret


def test_the_page_is_one_file_that_asks_for_nothing(world: World) -> None:
    page = ballot_page(made(world))
    reader = read(page)
    assert not {"iframe", "img", "link", "object", "embed", "base"} & reader.tags
    assert reader.links == []
    assert page.count("<script") == 2
    assert "default-src &#39;none&#39;" in page
    assert "unsafe" not in page
    assert page == ballot_page(made(world)), "the same ballot is the same bytes"


def test_the_letter_beside_a_text_is_a_vote_for_its_side_in_every_cell(world: World) -> None:
    ballot = made(world)
    cells = Counter(
        (better(pair), pair["answers"][0]["letter"] == better(pair))
        for pair in pairs(ballot_page(ballot))
    )
    assert len(cells) == 4
    assert max(cells.values()) - min(cells.values()) <= 4, "dealt evenly within every category"
    assert returned(world, saved(ballot)) == 24
    numbers = own(world)
    assert numbers.outcomes == Outcomes(win=24, tie=0, loss=0, identical=0)
    assert numbers.position is not None, "the order in which the answers stood is known"
    assert broken_links(find_evaluation(world[1].id, world[0]).manifest) == []
    assert returned(world, saved(ballot)) == 0, "what is there is passed over"


def test_another_name_deals_order_and_letters_anew(world: World) -> None:
    def dealt(name: str) -> dict[str, tuple[str, str]]:
        return {
            pair.shown.messages[-1].content + pair.shown.first[-14:]: (pair.id, pair.shown.first_letter)
            for pair in made(world, name).pairs
        }

    assert dealt("ann.html") == dealt("ann.html")
    assert dealt("ann.html") != dealt("bob.html")
    assert not {pair.id for pair in made(world).pairs} & {pair.id for pair in made(world, "b").pairs}


def test_which_pairs_are_asked_is_a_choice_and_their_votes_come_back(world: World) -> None:
    wanted = [(prompt.id, 1) for prompt in world[1].plan.suite.prompts[:3]]
    ballot = made(world, pick=lambda plan, deal: wanted)
    assert len(ballot.pairs) == 3
    assert returned(world, saved(ballot)) == 3
    assert own(world).outcomes.win == 3


def test_a_changed_vote_replaces_and_a_skip_is_counted(world: World) -> None:
    ballot = made(world)
    returned(world, saved(ballot))
    text = saved(ballot, lambda pair: "tie")
    assert returned(world, text.replace('"tie",""', '"",""', 1)) == 23
    assert own(world).outcomes == Outcomes(win=1, tie=23, loss=0, identical=0)


def test_a_voter_goes_on_in_the_browser_with_the_cells_of_their_ballot(world: World) -> None:
    returned(world, saved(made(world)))
    session = VotingSession(ProjectCache(world[0]), evaluation=world[1].id, name="Ann")
    assert session.progress == (24, 24)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace('"A"', '"C"'), "choice is A, B or tie"),
        (lambda text: text + text.splitlines()[1] + "\r\n", "repeats a vote of Ann"),
        (
            lambda text: re.sub(r',"\w{10}",', ',"0123456789",', text, count=1),
            "another evaluation",
        ),
        (lambda text: text.replace('"Ann"', '"<b>"'), "a name has 1 to 40"),
        (lambda text: text.splitlines()[0] + "\n", "holds no vote"),
    ],
)
def test_a_file_that_is_wrong_adds_nothing(world: World, spoil: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        returned(world, spoil(saved(made(world))))
    assert find_evaluation(world[1].id, world[0]).manifest.amendments == ()


def test_one_name_votes_on_one_ballot(world: World) -> None:
    returned(world, saved(made(world)))
    with pytest.raises(UsageError, match="has voted before"):
        returned(world, saved(made(world, "bob.html")))
    assert returned(world, saved(made(world, "bob.html"), voter="Bob")) == 24


@pytest.mark.slow
def test_the_commands_write_the_page_and_take_what_it_saved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world[0].root)
    done = CliRunner().invoke(cli, ["judge", world[1].id, "--ballot", "ann.html"])
    assert done.exit_code == 0, done.output
    assert "24 pairs" in done.stdout
    page = Path("ann.html").read_text("utf-8")
    assert page == ballot_page(made(world))
    Path("votes.csv").write_text(saved(made(world)), "utf-8", newline="")
    added = add_votes(Path("votes.csv"), find_evaluation(world[1].id, world[0]), world[0])
    assert (added.new, len(added.file.votes)) == (24, 24)
    assert "1 person voted beside it" in added.report.read_text("utf-8")


@pytest.mark.slow
def test_a_page_after_a_draw_asks_the_drawn_pairs_and_its_votes_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, manifest = world
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("COLUMNS", "60")
    done = CliRunner().invoke(cli, ["judge", manifest.id, "--people", "8", "--ballot", "ann.html"])
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.stdout.splitlines()) <= 60
    assert f"brie judge {manifest.id} --votes FILE" in " ".join(done.stdout.split())
    assert "brie view" not in done.stdout
    drawn = asked_of_people(find_evaluation(manifest.id, project).manifest)
    sent = made(world)
    assert len(sent.pairs) == len(drawn) == 8
    assert Path("ann.html").read_text("utf-8") == ballot_page(sent)
    assert [pair.id for pair in made(world, "bob.html").pairs] != [pair.id for pair in sent.pairs]

    Path("votes.csv").write_text(saved(sent), "utf-8", newline="")
    people = add_votes(Path("votes.csv"), find_evaluation(manifest.id, project), project).analysis
    labelled = present(people.human_anchored)
    assert (labelled.planned, labelled.votes, labelled.complete) == (8, 8, True)
    assert labelled.lean is not None
    assert people.by_judge["human:Ann"].votes == 8

    session = VotingSession(ProjectCache(project), evaluation=manifest.id, name="Ann")
    assert session.progress == (8, 8), "the browser asks a voter the same pairs"
    bob = VotingSession(ProjectCache(project), evaluation=manifest.id, name="Bob")
    assert {(task.prompt, task.sample) for task in bob.tasks} == set(drawn)
    assert bob.outdated() is False


def test_a_ballot_sent_before_a_draw_still_counts(world: World) -> None:
    project, manifest = world
    sent = made(world)
    with Store.open(project.store) as store:
        ask_people(find_evaluation(manifest.id, project), 8, store)
    assert returned(world, saved(sent)) == 24
    assert own(world).votes == 24
    labelled = counted(world)
    assert (labelled.votes, labelled.complete) == (8, True)


def test_a_draw_names_the_command_that_comes_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world[0].root)
    done = CliRunner().invoke(cli, ["judge", world[1].id, "--people", "8"])
    assert done.exit_code == 0, done.output
    assert done.stdout.rstrip().endswith(f"Next    brie view {world[1].id}")
    both = CliRunner().invoke(cli, ["judge", world[1].id, "--people", "8", "--votes", "votes.csv"])
    assert isinstance(both.exception, UsageError)
    assert "command of its own" in str(both.exception)


# --- in a browser ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


def opened(chromium: Browser, path: Path, width: int = 1280) -> tuple[Page, list[str], list[str]]:
    page = chromium.new_context(viewport={"width": width, "height": 844}).new_page()
    wrong, asked = complaints(page), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page, wrong, asked


def begin(page: Page, name: str = "Ann") -> None:
    page.fill("#name", name)
    page.click("text=Begin")


def test_votes_by_key_survive_a_reload_and_come_back_as_they_were_pressed(
    chromium: Browser, world: World, tmp_path: Path
) -> None:
    ballot = made(world)
    path = tmp_path / "ann.html"
    path.write_text(ballot_page(ballot), "utf-8")
    page, wrong, asked = opened(chromium, path)
    assert violations(page) == []
    begin(page)
    assert violations(page) == []
    for turn in range(20):
        page.keyboard.press("abt"[turn % 3])
    page.keyboard.press("u")
    assert "You chose B here" in page.inner_text("#notice")
    page.keyboard.press("t")
    page.keyboard.press("s")
    page.reload()
    assert page.inner_text("#count") == "20 of 24"
    page.click("#stop")
    assert violations(page) == []
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "votes-Ann.csv"
    text = Path(download.value.path()).read_text("utf-8")
    assert page.input_value("#copy").split() == text.split()
    pressed = ["A", "B", "tie"] * 6 + ["A", "tie"]
    rows = {row["pair"]: row["choice"] for row in csv.DictReader(io.StringIO(text))}
    assert rows == {pair.id: word for pair, word in zip(ballot.pairs, pressed, strict=False)}
    assert returned(world, text) == 20
    assert asked == [path.as_uri(), path.as_uri()], "nothing is asked for"
    assert wrong == []
    page.context.close()


def test_it_fits_a_phone_and_a_thumb(chromium: Browser, world: World, tmp_path: Path) -> None:
    path = tmp_path / "b.html"
    path.write_text(ballot_page(made(world)), "utf-8")
    page, wrong, _ = opened(chromium, path, width=390)
    begin(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []
    for button in page.locator(".bar button.main").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= 844
    first = page.inner_text("#prompt")
    page.wait_for_timeout(400)  # before, a tap belongs to the pair before
    page.locator(".bar button.main").first.click()
    assert page.inner_text("#prompt") != first
    assert page.inner_text("#count") == "1 of 24"
    assert wrong == []
    page.context.close()


def test_hostile_answers_run_nowhere(chromium: Browser, tmp_path: Path) -> None:
    texts = [HOSTILE[name] for name in sorted(set(HOSTILE) - {"surrogate"})]
    texts += ["</script><script>window.owned = 1</script>", "<!-- <script>", "\u2028"]
    project, manifest = sample.project(tmp_path / "p", prompts=len(texts), samples=1, texts=texts)
    path = tmp_path / "hostile.html"
    path.write_text(ballot_page(made((project, manifest))), "utf-8")
    page, wrong, asked = opened(chromium, path)
    begin(page)
    made_elements = """() => document.querySelectorAll(
        "#vote img, #vote iframe, #vote script, #vote a").length + (window.owned ?? 0)"""
    for _ in range(len(texts)):
        assert page.evaluate(made_elements) == 0
        page.keyboard.press("t")
    assert "That was the last one" in page.inner_text("main#end")
    assert (wrong, asked) == ([], [path.as_uri()])
    page.context.close()
