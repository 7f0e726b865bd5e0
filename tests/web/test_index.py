"""The index: whole or not at all, brought up to date by what is new, and never silently behind."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from math import ceil
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from brie.errors import StoreError
from brie.evaluation.manifest import amend, change, write_manifest
from brie.judge.interface import Reply
from brie.project import Project
from brie.records import Manifest, MarginRule, Status
from brie.store import Store
from brie.web.index import build_index, index_path
from brie.web.index_keeper import Listing
from brie.web.index_state import State, journal_of
from brie.web.opened import Opened
from brie.web.project_cache import ProjectCache
from brie.web.search import Comparisons, Filter
from brie.web.voting_session import VotingSession
from tests.make import name
from tests.web import sample

World = tuple[Project, Manifest]
ANN = Filter(judge="human:Ann")


class Clock:
    """Some seconds pass whenever somebody looks."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def built(project: Project, manifest: Manifest, path: Path) -> Path:
    """An index of everything, made anew."""
    with Store.open(project.store, read_only=True) as store:
        build_index(path, Opened.of(manifest), store, store.newest())
    return path


def contents(path: Path) -> dict[str, object]:
    """Everything an index holds, but for when it was made."""
    state = State.read(path)
    assert state is not None
    with closing(sqlite3.connect(path)) as db:
        rows = {
            table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("comparison", "columns", "vote", "planned")
        }
        words = db.execute("SELECT rowid FROM words WHERE words MATCH 'variant'").fetchall()
    return {**rows, "words": words, "state": {**asdict(state), "made": 0, "took": 0}}


def listing(cache: ProjectCache, manifest: Manifest) -> Listing:
    found = cache.comparisons(manifest.id)
    assert isinstance(found, Listing)
    return found


def voted(cache: ProjectCache, manifest: Manifest, votes: int = 1) -> VotingSession:
    """A session after Ann's votes."""
    session = VotingSession(cache, evaluation=manifest.id, name="Ann")
    for _ in range(votes):
        item = session.current()
        assert item is not None
        assert session.vote(item.number, "A")
    return session


@contextmanager
def without(project: Project, *queries: str) -> Iterator[None]:
    """The store while rows of it have not come yet; they come in the order they had."""
    with closing(sqlite3.connect(project.store)) as db:
        kept = []
        for query in queries:
            table = query.split()[0]
            rows = db.execute(f"SELECT * FROM {query}").fetchall()
            kept.append((f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows))
            db.execute(f"DELETE FROM {query}")
        db.commit()
        yield
        for insert, rows in kept:
            db.executemany(insert, rows)
        db.commit()


def test_an_index_brought_up_to_date_is_the_one_that_would_be_made_anew(
    world: World, tmp_path: Path
) -> None:
    """Verdicts, answers that were not there, failed ones repeated, votes; of some and of all prompts."""
    project, manifest = world
    cache = ProjectCache(project)
    path = index_path(project, manifest.id)
    some = "completions WHERE prompt IN (SELECT prompt FROM completions ORDER BY prompt LIMIT 8)"
    with without(project, "verdicts WHERE id > 100", some):
        assert listing(cache, manifest).comparisons.total(Filter()) < 24
        made = State.read(path)
    assert made is not None
    assert listing(cache, manifest).comparisons.total(Filter()) == 24
    voted(cache, manifest, 3).undo()
    with Store.open(project.store) as store:
        task = cache.open(manifest.id).work.tasks()[7]
        row = task.verdict(Reply(Status.INVALID, text="no verdict in here"))
        store.add_verdicts([row.model_copy(update={"supersedes": True})], evaluation="x", judge="j")
    assert listing(cache, manifest).behind == ""
    now = cache.open(manifest.id).manifest
    assert contents(path) == contents(built(project, now, tmp_path / "anew.sqlite"))
    after = State.read(path)
    assert after is not None
    assert after.made == made.made  # it was not made anew


def test_a_vote_is_in_the_list_at_once_and_one_withdrawn_is_not(world: World) -> None:
    project, manifest = world
    cache = ProjectCache(project)
    assert listing(cache, manifest).comparisons.total(ANN) == 0
    session = voted(cache, manifest, 2)
    assert listing(cache, manifest).comparisons.total(ANN) == 2
    session.undo()
    item = session.current()
    assert item is not None
    session.skip(item.number)
    now = listing(cache, manifest).comparisons
    assert now.total(ANN) == 1
    assert [row.score for row in now.search(ANN).rows] in ([0.0], [1.0])
    assert "human:Ann" in now.choices()["judge"]


def test_votes_that_came_before_their_voter_joined_are_found(world: World) -> None:
    """Whoever merges an evaluation writes rows first, and the chain after."""
    project, manifest = world
    elsewhere = ProjectCache(project)
    voted(elsewhere, manifest, 2)
    folder = project.runs / manifest.id
    joined = elsewhere.open(manifest.id).manifest
    change(folder, lambda now: now.model_copy(update={"amendments": ()}))
    cache = ProjectCache(project)
    assert listing(cache, manifest).comparisons.total(ANN) == 0
    change(folder, lambda now: now.model_copy(update={"amendments": joined.amendments}))
    assert listing(cache, manifest).comparisons.total(ANN) == 2


def test_verdicts_of_other_evaluations_make_no_index_stale(world: World, tmp_path: Path) -> None:
    project, manifest = world
    cache = ProjectCache(project)
    before = contents(built(project, manifest, tmp_path / "before.sqlite"))
    listing(cache, manifest)
    other = sample.manifest(prompts=20)
    with Store.open(project.store) as store:
        tasks = Opened.of(other).work.tasks()[-6:]  # by the same judges, on other prompts
        store.add_verdicts(
            [t.verdict(Reply(Status.OK, "A", text="A")) for t in tasks], evaluation="x", judge="j"
        )
    assert listing(cache, manifest).behind == ""
    after = contents(index_path(project, manifest.id))
    assert {**after, "state": 0} == {**before, "state": 0}


def test_what_takes_a_while_is_said_and_not_done_again_before_ten_times_that(world: World) -> None:
    """Another judge counts: the index is made anew, but not at once."""
    project, manifest = world
    clock = Clock(30)
    cache = ProjectCache(project, clock)
    assert listing(cache, manifest).behind == ""
    first = State.read(index_path(project, manifest.id))
    assert first is not None
    assert first.took >= 30
    said = {"judge": "gpt-mini", "said": "no key"}
    now = change(project.runs / manifest.id, lambda m: amend(m, "stopped", said, verdicts_before=144))
    clock.step = 0
    told = until(cache, now, "load it again in")
    minutes = ceil((first.made + 10 * first.took - clock.now) / 60)
    assert told == f"This list is not up to date; load it again in {minutes} minutes."
    assert listing(cache, now).behind == told
    assert State.read(index_path(project, manifest.id)) == first
    clock.now = first.made + 10 * first.took
    assert until(cache, now, "") == ""
    state = State.read(index_path(project, manifest.id))
    assert state is not None
    assert "gpt-mini" in first.counting
    assert "gpt-mini" not in state.counting


def test_where_a_judge_that_gives_numbers_said_more_no_score_holds(tmp_path: Path) -> None:
    """Whether it counts hangs on all that it said: the index is made anew."""
    plain = sample.manifest(prompts=2, samples=1)
    rule = MarginRule(
        tie=0.0,
        asked_again=8,
        accuracy=0.9,
        low=0.8,
        high=0.95,
        pairs=40,
        sources=4,
        known=name("pairs"),
    )
    seats = (plain.plan.seats[0].model_copy(update={"margins": rule}), *plain.plan.seats[1:])
    plan = plain.plan.model_copy(update={"seats": seats})
    manifest = plain.model_copy(update={"plan": plan, "seal": plan.seal()})
    project = Project(tmp_path)
    write_manifest(project.runs / manifest.id, manifest)
    with Store.open(project.store) as store:
        sample.fill(store, Opened.of(manifest).work, manifest.id)
    clock = Clock(0)
    cache = ProjectCache(project, clock)
    listing(cache, manifest)
    clock.now = 7.0
    with Store.open(project.store) as store:
        (task, *_) = cache.open(manifest.id).work.tasks()
        row = task.verdict(Reply(Status.OK, "A", text="A"))
        store.add_verdicts([row], evaluation="x", judge="j")
    assert until(cache, manifest, "") == ""
    state = State.read(index_path(project, manifest.id))
    assert state is not None
    assert state.made == 7.0


def until(cache: ProjectCache, manifest: Manifest, words: str) -> str:
    """What is said of a list, once what is under way is done."""
    while "being brought" in (said := listing(cache, manifest).behind):
        time.sleep(0.01)
    assert words in said
    return said


def test_an_index_of_a_store_that_was_put_back_from_an_older_copy_is_made_anew(world: World) -> None:
    project, manifest = world
    cache = ProjectCache(project, Clock(0))
    listing(cache, manifest)
    with without(project, "verdicts WHERE id > 100"):
        assert until(cache, manifest, "") == ""
        state = State.read(index_path(project, manifest.id))
        assert state is not None
        assert state.newest == 100
    assert listing(cache, manifest).behind == ""


def test_an_index_that_cannot_be_brought_up_to_date_is_shown_with_the_reason(world: World) -> None:
    project, manifest = world
    cache = ProjectCache(project)
    listing(cache, manifest)
    voted(cache, manifest)
    path = index_path(project, manifest.id)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE vote")
    said = listing(cache, manifest).behind
    assert said.startswith("This list is not up to date: the viewer's index")
    assert str(project.root) not in said


def test_an_index_that_cannot_be_written_is_one_sentence(world: World, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file stands where the folder should be", "utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        built(*world, blocked / "index.sqlite")


def test_an_index_of_an_older_form_is_made_again(world: World) -> None:
    project, manifest = world
    path = index_path(project, manifest.id)
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        db.execute("INSERT INTO meta VALUES ('stamp', ?)", (f"3 {manifest.seal} 144",))
        db.commit()
    left, young = (path.with_name(f".{path.name}.{n}.partial") for n in (1, 2))
    for partial in (left, young):
        partial.write_bytes(b"half an index")
    os.utime(left, (0, 0))
    assert listing(ProjectCache(project), manifest).comparisons.total(Filter()) == 24
    assert (left.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("damage", [b"not a database", b""])
def test_a_damaged_index_is_made_again(world: World, damage: bytes) -> None:
    """Together with what a process that was killed had left of a change to it."""
    project, manifest = world
    listing(ProjectCache(project), manifest)
    path = index_path(project, manifest.id)
    path.write_bytes(damage)
    journal = path.with_name(f"{path.name}-journal")
    journal.write_bytes(b"half a change")
    assert listing(ProjectCache(project), manifest).comparisons.total(Filter()) == 24
    assert not journal.exists()


def test_a_change_that_was_cut_off_is_undone(world: World, tmp_path: Path) -> None:
    project, manifest = world
    listing(ProjectCache(project), manifest)
    path, halfway = index_path(project, manifest.id), tmp_path / "halfway"
    before = contents(path), State.read(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")  # so that it is written before it is whole
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE comparison SET score = 0, start = 'another'")
        db.execute("UPDATE columns SET data = zeroblob(length(data))")
        copytree(path.parent, halfway)
        db.execute("ROLLBACK")
    rmtree(path.parent)
    copytree(halfway, path.parent)
    assert journal_of(path).exists()
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as db:
        assert db.execute("SELECT count(*) FROM comparison WHERE start = 'another'").fetchone()[0]
    assert listing(ProjectCache(project), manifest).behind == ""
    assert (contents(path), State.read(path)) == before


def test_a_list_whose_index_was_taken_away_says_so(world: World) -> None:
    path = built(*world, world[0].root / "index.sqlite")
    index = Comparisons(path)
    path.unlink()
    with pytest.raises(StoreError, match="load the page again"):
        Comparisons(path)
    assert index.counting
