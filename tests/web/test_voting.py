"""The voting pages over HTTP: blind, resumable, closed after the reveal."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from brie.evaluation.gather import gather
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Outcomes
from brie.web.app import create_app
from brie.web.guard import Access
from tests.report.test_build import read
from tests.web import sample
from tests.web.conftest import Client

World = tuple[Project, Manifest]
GOOD_END = "what is left is red and orange"
"""Only the fine-tune's answers say it."""


def start(voter: TestClient, evaluation: str, name: str = "Ann") -> str:
    return str(voter.post(f"/vote/{evaluation}/name", data={"name": name}).text)


def number(page: str) -> str:
    found = re.search(r'name="number" value="(\d+)"', page)
    assert found, page
    return found[1]


def cast(voter: TestClient, evaluation: str, page: str, choice: str, **more: str) -> str:
    data = {"number": number(page), "choice": choice, **more}
    return str(voter.post(f"/vote/{evaluation}/cast", data=data).text)


def code_in(page: str) -> str:
    """The code of a name, as the ballot shows it."""
    shown = re.search(r'class="code">([a-z0-9-]+)<', page)
    assert shown, page
    return shown[1]


def with_code(voter: TestClient, evaluation: str, code: str, name: str = "Ann") -> str:
    data = {"name": name, "code": code}
    return str(voter.post(f"/vote/{evaluation}/name", data=data).text)


def test_a_voter_gives_a_name_votes_and_sees_progress(client: Client, world: World) -> None:
    voter, name = client("voter"), world[1].id
    assert "Your name" in voter.get("/vote").text
    page = start(voter, name)
    assert "0 of 24" in page
    page = cast(voter, name, page, "A", comment="good")
    assert "1 of 24" in page
    page = cast(voter, name, page, "tie")
    page = cast(voter, name, page, "skip")
    assert "2 of 24" in page
    read(page)


def test_undo_shows_the_earlier_vote(client: Client, world: World) -> None:
    voter, name = client("voter"), world[1].id
    first = start(voter, name)
    cast(voter, name, first, "B")
    page = voter.post(f"/vote/{name}/undo").text
    assert number(page) == number(first)
    assert "You voted B here" in page


def test_nothing_a_voter_receives_names_a_model_a_side_or_a_path(client: Client, world: World) -> None:
    voter, name = client("voter"), world[1].id
    received = [voter.get("/vote").text, start(voter, name)]
    for turn in range(24):
        received.append(cast(voter, name, received[-1], ("A", "B", "tie")[turn % 3]))
    received += [voter.get(f"/vote/static/{file}").text for file in ("vote.css", "vote.js")]
    received += [
        voter.get(f"/vote/{path}").text for path in ("nothing", f"{name}/result", "static/none")
    ]
    for text in received:
        for secret in (*sample.SECRETS, str(world[0].root), *(p for p in world[1].names.values())):
            assert secret.lower() not in text.lower()


def test_the_letters_on_the_page_are_those_of_the_presentation(client: Client, world: World) -> None:
    from brie.web.project_cache import ProjectCache
    from brie.web.voting_session import VotingSession

    voter, name = client("voter"), world[1].id
    page = start(voter, name)
    session = VotingSession(ProjectCache(world[0]), evaluation=name, name="Ann")
    item = session.current()
    assert item is not None
    first = re.search(r'class="letter">([AB])<', page)
    assert first
    assert first[1] == item.shown.first_letter


def test_a_vote_for_the_better_text_is_a_vote_for_its_side(client: Client, world: World) -> None:
    """Twenty-four pairs in every cell: the letter beside the fine-tune's text always wins for it."""
    from brie.evaluation.assemble import assemble
    from brie.evaluation.folders import find_evaluation
    from brie.store import Store

    voter, name = client("voter"), world[1].id
    page = start(voter, name)
    letters = []
    for _ in range(24):
        shown = re.findall(
            r'class="letter">([AB])</span>.*?<div class="text"[^>]*>(.*?)</div>', page, re.S
        )
        assert sorted(letter for letter, _ in shown) == ["A", "B"]
        (better,) = (letter for letter, answer in shown if GOOD_END in answer)
        other = "B" if better == "A" else "A"
        letters.append((better, shown[0][0]))
        scores = {f"score-0-{better}": "5", f"score-0-{other}": "1"}
        page = cast(voter, name, page, better, **scores)
    assert len(set(letters)) == 4
    voter.post(f"/vote/{name}/finish")
    result = voter.get(f"/vote/{name}").text
    assert "Your votes" in result
    with Store.open(world[0].store, read_only=True) as store:
        own = assemble(gather(find_evaluation(name, world[0]).manifest, store), store).by_judge[
            "human:Ann"
        ]
    assert own.outcomes == Outcomes(win=24, tie=0, loss=0, identical=0)


def test_the_result_comes_after_and_closes_the_voting(client: Client, world: World) -> None:
    voter, name = client("voter"), world[1].id
    page = start(voter, name)
    assert "Which answer is better" in voter.get(f"/vote/{name}/result").text
    voter.post(f"/vote/{name}/finish")
    assert "0 of 24" in voter.get(f"/vote/{name}").text, "without a vote there is nothing to reveal"
    after = cast(voter, name, page, "A")
    result = voter.post(f"/vote/{name}/finish").text
    assert "Your votes" in result
    assert "qwen-0.5b-letters" in result
    late = voter.post(f"/vote/{name}/cast", data={"number": number(after), "choice": "B"})
    assert late.status_code == 403
    assert "would not be blind" in late.text
    assert "Your votes" in voter.get(f"/vote/{name}").text


def test_another_voter_is_not_closed_out(client: Client, world: World) -> None:
    voter, name = client("voter"), world[1].id
    cast(voter, name, start(voter, name), "A")
    voter.post(f"/vote/{name}/finish")
    assert "Your name" in voter.post(f"/vote/{name}/leave").text
    assert "0 of 24" in start(voter, name, "Bob")


def test_a_voter_resumes_in_another_process(world: World) -> None:
    def visit() -> TestClient:
        access = Access(port=8321)
        made = TestClient(
            create_app(world[0], access),
            base_url="http://127.0.0.1:8321",
            headers={"origin": "http://127.0.0.1:8321"},
        )
        made.get(access.url("voter", "/vote"))
        return made

    one = visit()
    page = cast(one, world[1].id, start(one, world[1].id), "A")
    again = with_code(visit(), world[1].id, code_in(page))
    assert number(again) == number(page)
    assert "1 of 24" in again


@pytest.mark.parametrize("name", ["", "../x", "<script>", "x" * 50])
def test_a_bad_name_is_asked_again(client: Client, world: World, name: str) -> None:
    answer = client("voter").post(f"/vote/{world[1].id}/name", data={"name": name})
    assert answer.status_code == 400
    assert "Please try again" in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"number": "x", "choice": "A"},
        {"number": "0", "choice": "C"},
        {"number": "-1", "choice": "A"},
    ],
)
def test_a_malformed_vote_is_refused(client: Client, world: World, form: dict[str, str]) -> None:
    voter = client("voter")
    start(voter, world[1].id)
    assert voter.post(f"/vote/{world[1].id}/cast", data=form).status_code == 400


def test_voting_without_a_name_is_refused(client: Client, world: World) -> None:
    form = {"number": "0", "choice": "A"}
    assert client("voter").post(f"/vote/{world[1].id}/cast", data=form).status_code == 403


def test_scores_are_kept_and_nonsense_is_not(client: Client, world: World) -> None:
    from brie.store import Store
    from brie.web.project_cache import ProjectCache
    from brie.web.voting_session import VotingSession

    voter, name = client("voter"), world[1].id
    page = start(voter, name)
    cast(voter, name, page, "A", **{"score-0-A": "5", "score-0-B": "9", "score-7-A": "3"})
    session = VotingSession(ProjectCache(world[0]), evaluation=name, name="Ann")
    with Store.open(world[0].store, read_only=True) as store:
        verdict = store.verdicts([session.tasks[int(number(page))].key])
    assert next(iter(verdict.values())).scores == {"clarity": {"A": 5.0}}


# --- whose name it is, and who has seen what ---------------------------------------------


def test_a_name_is_of_whoever_has_its_code(client: Client, world: World) -> None:
    carl, name = client("voter"), world[1].id
    page = cast(carl, name, start(carl, name, "Carl"), "A")
    code = code_in(page)
    other = client("voter")
    for given in ("", "abcd-efgh-jkmn", code[:-1], "x"):
        answer = other.post(f"/vote/{name}/name", data={"name": "Carl", "code": given})
        assert answer.status_code == 403
        assert "1 of 24" not in answer.text
        assert code not in answer.text
    for act in ("undo", "finish"):
        assert other.post(f"/vote/{name}/{act}").status_code == 403
    forged = client("voter")
    forged.cookies.set("voter-8321", "abcd-efgh-jkmn.Carl", path="/vote")
    assert "Your name" in forged.get(f"/vote/{name}").text
    assert "1 of 24" in with_code(other, name, code.upper().replace("-", " "), "Carl")


def test_the_book_of_names_holds_no_code(client: Client, world: World) -> None:
    voter, name = client("voter"), world[1].id
    code = code_in(start(voter, name))
    for path in world[0].root.rglob("*"):
        if path.is_file():
            assert code.encode() not in path.read_bytes(), path


def test_the_result_of_a_finished_voter_is_theirs_alone(client: Client, world: World) -> None:
    carl, name = client("voter"), world[1].id
    cast(carl, name, start(carl, name, "Carl"), "A")
    assert "Your votes" in carl.post(f"/vote/{name}/finish").text
    other = client("voter")
    page = start(other, name, "Carl")
    assert "Your votes" not in page
    assert "qwen" not in other.get(f"/vote/{name}/result").text.lower()


def votes_of(world: World) -> dict[str, list[str] | None]:
    """Voter -> what the chain says they had seen."""
    from brie.evaluation.manifest import broken_links, read_manifest

    manifest = read_manifest(world[0].runs / world[1].id)
    assert broken_links(manifest) == []
    links = [link for link in manifest.amendments if link.kind == "voter"]
    return {link.judge: link.detail.get("saw") for link in links}  # type: ignore[misc]


def test_who_has_seen_a_result_is_marked_under_any_other_name(client: Client, world: World) -> None:
    voter, name = client("voter"), world[1].id
    cast(voter, name, start(voter, name, "Carl"), "A")
    voter.post(f"/vote/{name}/finish")
    voter.post(f"/vote/{name}/leave")
    cast(voter, name, start(voter, name, "Carl2"), "A")
    assert votes_of(world) == {"human:Carl": None, "human:Carl2": ["result"]}


def test_who_can_open_the_viewer_is_marked(client: Client, world: World, access: Access) -> None:
    owner, name = client("viewer"), world[1].id
    cast(owner, name, start(owner, name, "Owner"), "A")
    assert votes_of(world) == {"human:Owner": ["viewer"]}
    owner.get(access.url("voter", "/vote"))  # the voters' address takes nothing away
    assert owner.get("/").status_code == 200
    voter = client("voter")
    page = cast(voter, name, start(voter, name, "Vera"), "A")
    assert votes_of(world)["human:Vera"] is None
    voter.get(access.url("viewer", "/"))
    cast(voter, name, page, "A")
    assert votes_of(world)["human:Vera"] == ["viewer"], "marked from the first vote that was not blind"


def test_marked_voters_are_counted_apart_and_said_to_be(client: Client, world: World) -> None:
    from brie.evaluation.assemble import assemble
    from brie.evaluation.folders import find_evaluation
    from brie.report.panel import roll, voters
    from brie.store import Store

    owner, voter, name = client("viewer"), client("voter"), world[1].id
    cast(owner, name, start(owner, name, "Owner"), "A")
    cast(voter, name, start(voter, name, "Vera"), "A")
    with Store.open(world[0].store, read_only=True) as store:
        analysis = assemble(gather(find_evaluation(name, world[0]).manifest, store), store)
    assert analysis.by_judge["human:Owner"].saw == ("viewer",)
    assert analysis.by_judge["human:Vera"].saw == ()
    assert "not blind: that browser could open the viewer" in analysis.notes["by_judge.human:Owner"]
    assert "not blind" not in analysis.notes["by_judge.human:Vera"]
    assert voters(analysis) == ["Owner (not blind)", "Vera"]
    assert roll(analysis).endswith("1 voter, 1 voter not blind")


def test_a_pair_voted_on_in_another_window_is_said_to_be(client: Client, world: World) -> None:
    one, name = client("voter"), world[1].id
    page = start(one, name)
    cast(one, name, page, "A")
    late = cast(one, name, page, "B")
    assert "voted on in another window" in late
    assert "1 of 24" in late


def test_two_viewers_take_one_vote_on_a_pair(world: World) -> None:
    from brie.store import Store
    from brie.web.project_cache import ProjectCache
    from brie.web.voting_session import VotingSession

    sessions = [
        VotingSession(ProjectCache(world[0]), evaluation=world[1].id, name="Ann") for _ in range(2)
    ]
    item = sessions[0].current()
    assert item is not None
    assert sessions[0].vote(item.number, "A")
    assert not sessions[1].vote(item.number, "B")
    assert sessions[1].progress == (1, 24)
    following = sessions[1].current()
    assert following is not None
    assert following.number != item.number
    sessions[1].undo()
    assert sessions[1].vote(item.number, "B")
    with Store.open(world[0].store, read_only=True) as store:
        key = sessions[0].tasks[item.number].key
        assert [attempt.letter for attempt in store.attempts([key])[key]] == ["A", "B"]
        assert store.verdicts([key])[key].letter == "B"


def test_an_open_ballot_turns_to_the_pairs_that_were_drawn_meanwhile(
    client: Client, world: World
) -> None:
    from brie.evaluation.ask_people import ask_people
    from brie.evaluation.folders import find_evaluation
    from brie.store import Store

    voter, name = client("voter"), world[1].id
    assert "of 24" in start(voter, name)
    with Store.open(world[0].store) as store:
        ask_people(find_evaluation(name, world[0]), 8, store)
    page = voter.get(f"/vote/{name}").text
    assert "of 8" in page
    for done in range(8):
        assert "of 8" in page, done
        page = cast(voter, name, page, "A")
    assert 'name="number"' not in page
