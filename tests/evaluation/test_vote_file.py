"""Votes from a CSV file: each as the side that won, beside the headline, and nothing half-read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.evaluation.assemble import assemble
from brie.evaluation.folders import Evaluation, find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.manifest import broken_links
from brie.evaluation.vote_file import Imported, import_votes
from brie.project import Project
from brie.records import Manifest
from brie.records.analysis import Analysis, Outcomes
from brie.store import Store
from brie.web.project_cache import ProjectCache
from brie.web.voting_session import VotingSession
from tests.commands import brie
from tests.present import present
from tests.web import sample

World = tuple[Project, Manifest]
HEAD = "voter,prompt,sample,winner,comment\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return sample.project(tmp_path / "p")


def read(world: World, text: str) -> Imported:
    path = world[0].root / "votes.csv"
    path.write_text(text, "utf-8")
    with Store.open(world[0].store) as store:
        return import_votes(path, evaluation(world), store)


def counted(world: World, text: str) -> tuple[int, int]:
    """New votes, and all of a file's."""
    done = read(world, text)
    return done.new, len(done.file.votes)


def evaluation(world: World) -> Evaluation:
    return find_evaluation(world[1].id, world[0])


def analysed(world: World) -> Analysis:
    with Store.open(world[0].store, read_only=True) as store:
        return assemble(gather(evaluation(world).manifest, store), store)


def lines(winners: Mapping[str, str], voter: str = "Ann") -> str:
    return HEAD + "".join(f"{voter},{name},0,{winner},\n" for name, winner in winners.items())


def prompts(world: World) -> list[str]:
    return [p.id for p in world[1].plan.suite.prompts]


def test_votes_stand_beside_the_headline_with_their_agreement(world: World) -> None:
    before = analysed(world)
    names = prompts(world)
    votes = {name: ("candidate", "baseline", "tie")[n % 3] for n, name in enumerate(names)}
    assert counted(world, lines(votes)) == (12, 12)
    after = analysed(world)
    own = after.by_judge["human:Ann"]
    assert own.outcomes == Outcomes(win=4, tie=4, loss=4, identical=0)
    assert present(own.win_rate).value == 0.5
    assert own.provider == "human"
    assert own.added
    assert (own.position, own.label) == (None, None)
    assert "in which order" in after.notes["by_judge.human:Ann.position"]
    assert [pair.judges for pair in own.agreement] == [
        ("human:Ann", name) for name in sorted(before.by_judge)
    ]
    assert {pair.n for pair in own.agreement} <= set(range(1, 13))
    for key in ("win_rate", "outcomes", "agreement", "position", "checks", "verdict", "by_category"):
        assert getattr(after, key) == getattr(before, key), key
    assert {k: v for k, v in after.by_judge.items() if k != "human:Ann"} == before.by_judge
    assert after.rows_digest != before.rows_digest
    (link,) = evaluation(world).manifest.amendments
    assert link.kind == "voter"
    assert str(link.detail["imported"]).startswith("sha256:")
    assert not broken_links(evaluation(world).manifest)


def test_the_same_file_again_adds_nothing_and_a_changed_vote_supersedes(world: World) -> None:
    one, two = prompts(world)[:2]
    read(world, lines({one: "candidate", two: "tie"}))
    assert counted(world, lines({one: "candidate", two: "tie"})) == (0, 2)
    assert counted(world, lines({one: "baseline", two: "tie"})) == (1, 2)
    assert analysed(world).by_judge["human:Ann"].outcomes == Outcomes(win=0, tie=1, loss=1, identical=0)
    assert len(evaluation(world).manifest.amendments) == 1


def test_a_perfectly_agreeing_voter_agrees_perfectly(world: World) -> None:
    with Store.open(world[0].store, read_only=True) as store:
        from brie.evaluation.views import comparison_views

        views = comparison_views(gather(evaluation(world).manifest, store))
    said = {}
    for view in views:
        own = [v.winner for v in view.verdicts if v.judge == "reference"]
        if view.sample == 0 and len(set(own)) == 1 and own[0] is not None:
            said[view.prompt_id] = own[0]
    read(world, lines(said))
    pairs = {p.judges[1]: p for p in analysed(world).by_judge["human:Ann"].agreement}
    assert present(pairs["reference"].percent).value == 1.0
    assert pairs["reference"].n == len(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line"),
        ("voter,prompt\n", "first line"),
        ("voter,prompt,winner,sampel\nAnn,letters-01,tie,1\n", "did you mean 'sample'"),
        (
            "who;prompt;winner\nAnn;letters-01;tie\n",
            "must name once: voter, prompt, winner; it names who",
        ),
        (HEAD, "first line"),
        (HEAD + "Ann,letters-01,0,,\n", "no vote"),
        (HEAD + "Ann,letters-01,0,A,\n", "line 2: winner is candidate, baseline or tie"),
        (HEAD + "Ann,letters-01,x,tie,\n", "line 2: sample"),
        (HEAD + "Ann,letters-01,7,tie,\n", "line 2: no comparison"),
        (HEAD + "Ann,nothing,0,tie,\n", "line 2: no comparison"),
        (HEAD + "<b>,letters-01,0,tie,\n", "line 2: a name has"),
        (HEAD + "Ann,letters-01,0\n", "line 2 has another number"),
        (HEAD + "Ann,letters-01,0,tie,a,b\n", "line 2 has another number"),
        (HEAD + "Ann,letters-01,0,tie,\nAnn,letters-01,0,tie,\n", "line 3 repeats"),
        (HEAD + 'Ann,"letters-01,0,tie,\n', "not CSV"),
    ],
)
def test_a_wrong_file_is_named_by_its_line_and_adds_nothing(world: World, text: str, said: str) -> None:
    good = lines({prompts(world)[3]: "tie"}).removeprefix(HEAD)
    with pytest.raises(UsageError, match=said):
        read(world, text + good if text.startswith(HEAD) and "line 2" in said else text)
    assert evaluation(world).manifest.amendments == ()
    assert set(analysed(world).by_judge) == {"claude-opus", "gpt-mini", "reference"}


def test_the_words_of_a_form_and_the_file_of_a_spreadsheet_are_read(world: World) -> None:
    one, two, three, four = prompts(world)[:4]
    rows = ((one, "Both bad"), (two, "skip"), (three, "n/a"), (four, "Candidate"))
    text = "voter\tprompt\tsample\twinner\r\n"
    text += "".join(f"Änne\t{name}\t0.0\t{word}\r\n" for name, word in rows)
    path = world[0].root / "votes.csv"
    path.write_bytes(text.encode("utf-16"))
    with Store.open(world[0].store) as store:
        done = import_votes(path, evaluation(world), store)
    assert (done.new, done.file.skipped) == (2, 2)
    own = present(analysed(world).by_judge["human:Änne"].outcomes)
    assert (own.win, own.tie, own.loss) == (1, 1, 0)


def test_a_table_in_another_encoding_is_told_how_to_be_saved(world: World) -> None:
    path = world[0].root / "votes.csv"
    path.write_bytes("voter;prompt;winner\nJürgen;x;tie\n".encode("cp1252"))
    with Store.open(world[0].store) as store, pytest.raises(UsageError, match=r"line 2.*`CSV UTF-8`"):
        import_votes(path, evaluation(world), store)


def test_who_voted_in_the_browser_is_not_overwritten(world: World) -> None:
    booth = VotingSession(ProjectCache(world[0]), evaluation=world[1].id, name="Ann")
    item = booth.current()
    assert item is not None
    booth.vote(item.number, "A")
    with pytest.raises(UsageError, match="another name"):
        read(world, lines({prompts(world)[0]: "tie"}))
    own = analysed(world).by_judge["human:Ann"]
    assert own.votes == 1
    assert present(own.win_rate).prompts == 1


def test_a_withdrawn_vote_is_none(world: World) -> None:
    booth = VotingSession(ProjectCache(world[0]), evaluation=world[1].id, name="Ann")
    item = booth.current()
    assert item is not None
    booth.vote(item.number, "A")
    booth.undo()
    booth.skip(item.number)
    assert "human:Ann" not in analysed(world).by_judge


def test_the_command_adds_votes_and_the_report_counts_them(world: World) -> None:
    project, manifest = world
    (project.root / "votes.csv").write_text(lines(dict.fromkeys(prompts(world), "candidate")), "utf-8")
    command = ["judge", manifest.id, "--votes", "votes.csv"]
    done = brie(project.root, *command)
    assert done.returncode == 0, done.stderr
    assert f"{len(prompts(world))} of {len(prompts(world))} votes were new" in done.stdout
    assert "Ann" in (project.reports / manifest.id / "index.html").read_text("utf-8")
    again = brie(project.root, *command, "--json")
    assert f"0 of {len(prompts(world))} votes were new" in again.stderr
    assert json.loads(again.stdout)["by_judge"]["human:Ann"]["votes"] == len(prompts(world))


def test_a_form_s_extra_columns_skips_addresses_and_semicolons_are_read(world: World) -> None:
    first, second, third, *_ = prompts(world)
    text = (
        "Created_At;Voter;Prompt;Winner\n"
        f"2026-11-01;dora@example.net;{first};Candidate\n"
        f"2026-11-01;dora@example.net;{second};\n"
        f"2026-11-02;dora@example.net;{third};tie\n"
    )
    done = read(world, text)
    assert done.new == 2
    assert done.file.skipped == 1
    assert done.file.passed_over == ("created_at",)
    assert analysed(world).by_judge["human:dora@example.net"].votes == 2
