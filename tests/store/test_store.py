"""The store: append-only, claimed by the living, and clear about what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from brie import versions
from brie.errors import DamagedRow, StoreError
from brie.provenance import now
from brie.records import Status
from brie.store import Store, claimed
from brie.store.ledger import BatchBody, BatchRow
from brie.store.owner import Owner
from tests.make import completion, name, verdict

KEYS = [name(k) for k in "abcd"]
BAD_CALLS = [
    '{"usd":', "[]", "null", '{"usd":null}', '{"usd":"1"}', '{"usd":[1]}', '{"usd":\t"1"}',
    '{"usd":1,"other": "1"}', '{"usd":1,"a:b":{"c":1}}',
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "runs" / "brie.sqlite") as opened:
        yield opened


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    with Owner(tmp_path / "runs" / ".owners") as one:
        yield one


def test_completions_come_back_as_they_were_and_the_first_one_stays(store: Store) -> None:
    store.add_completions([completion("a", "first"), completion("b")])
    store.add_completions([completion("a", "second")])
    found = store.completions([name("a"), name("b"), name("c")])
    assert found[name("a")].text == "first"
    assert set(found) == {name("a"), name("b")}
    assert store.present("completions", KEYS) == {name("a"), name("b")}


def test_the_first_ok_attempt_counts_else_the_last(store: Store) -> None:
    for status, reason in [(Status.ERROR, "1"), (Status.OK, "2"), (Status.OK, "3")]:
        store.add_verdicts([verdict("a", status, reason=reason)], evaluation="e", judge="j")
    for status, reason in [(Status.ERROR, "1"), (Status.INVALID, "2")]:
        store.add_verdicts([verdict("b", status, reason=reason)], evaluation="e", judge="j")
    counted = store.verdicts([name("a"), name("b")])
    assert counted[name("a")].reason == "2"
    assert counted[name("b")].reason == "2"
    assert [v.attempt for v in store.attempts([name("a")])[name("a")]] == [0, 1, 2]


def test_calls_are_booked_with_their_price(store: Store) -> None:
    store.add_verdicts([verdict("a", usd=0.25), verdict("b", usd=0.5)], evaluation="e", judge="j")
    count, totals = store.calls("e")
    assert count == 2
    assert totals["usd"] == pytest.approx(0.75)
    assert store.calls("other") == (0, {})


def test_a_batch_that_two_processes_collect_is_kept_and_booked_once(store: Store) -> None:
    body: BatchBody = {"keys": {"b-0": name("a")}, "numbers": {name("a"): "1"}, "provider_id": "p"}
    store.open_batch(BatchRow("b", "j", "open", body, now()), "e", [name("a")], seconds=60)
    for _ in range(2):
        store.keep([(verdict("a", usd=0.25), "j")], evaluation="e", closes="b")
    assert store.calls("e")[0] == 1
    assert store.committed("e") == pytest.approx(0.25)
    assert len(store.attempts([name("a")])[name("a")]) == 1


@pytest.mark.parametrize("body", BAD_CALLS)
def test_a_call_whose_figures_are_none_is_named(store: Store, body: str) -> None:
    store.add_verdicts([verdict("a", usd=0.25), verdict("b", usd=0.5)], evaluation="e", judge="j")
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("UPDATE calls SET body = ? WHERE key = ?", (body, name("b")))
        db.commit()
    with pytest.raises(DamagedRow, match=name("b")):
        store.calls("e")


def test_a_call_is_whole_however_its_figures_are_spaced_and_named(store: Store) -> None:
    store.add_verdicts([verdict("a", usd=0.25)], evaluation="e", judge="j")
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("UPDATE calls SET body = ?", ('{ "usd" :\n0.75, "a:b": -1, "attempts": true }',))
        db.commit()
    assert store.calls("e") == (1, {"usd": 0.75, "attempts": 1.0})


def test_a_key_is_claimed_once_and_freed_when_done(store: Store, owner: Owner, tmp_path: Path) -> None:
    with Owner(tmp_path / "runs" / ".owners") as other:
        assert store.claim("completions", KEYS[:3], owner, seconds=60) == KEYS[:3]
        assert store.claim("completions", KEYS, other, seconds=60) == KEYS[3:]
        store.add_completions([completion("a")])
        assert store.claim("completions", KEYS[:1], other, seconds=60) == []
        store.release([KEYS[1]])
        assert store.claim("completions", KEYS[:2], other, seconds=60) == [KEYS[1]]


def test_claims_of_a_killed_process_are_free_at_once(store: Store, owner: Owner, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from brie.store.owner import Owner\nfrom brie.store import Store\n"
        f"root = Path({str(tmp_path)!r}) / 'runs'\n"
        "store = Store.open(root / 'brie.sqlite'); owner = Owner(root / '.owners')\n"
        f"store.claim('completions', {KEYS!r}, owner, seconds=9999)\n"
        "print('claimed', flush=True)\nsys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "claimed"
    assert store.claim("completions", KEYS, owner, seconds=60) == []
    process.kill()
    process.communicate()
    assert store.claim("completions", KEYS, owner, seconds=60) == KEYS


def test_an_expired_claim_is_free(store: Store, owner: Owner, tmp_path: Path) -> None:
    with Owner(tmp_path / "runs" / ".owners") as other:
        store.claim("completions", KEYS, other, seconds=-1)
        assert store.claim("completions", KEYS, owner, seconds=60) == KEYS


def test_claimed_waits_for_what_another_process_is_making(
    store: Store, owner: Owner, tmp_path: Path
) -> None:
    with Owner(tmp_path / "runs" / ".owners") as other:
        store.claim("completions", KEYS[:1], other, seconds=60)
        work = claimed(store, "completions", KEYS, owner, chunk=2, seconds=60)
        assert next(work) == [KEYS[1]]
        assert next(work) == KEYS[2:]
        store.add_completions([completion("a")])
        assert list(work) == []


def test_claimed_takes_over_from_the_dead(store: Store, owner: Owner, tmp_path: Path) -> None:
    other = Owner(tmp_path / "runs" / ".owners")
    store.claim("completions", KEYS[:1], other, seconds=60)
    work = claimed(store, "completions", KEYS[:2], owner, chunk=2, seconds=60)
    assert next(work) == [KEYS[1]]
    other._handle.close()
    assert list(work) == [[KEYS[0]]]


def test_an_interrupted_write_leaves_nothing_behind(store: Store) -> None:
    broken = verdict("b").model_copy(update={"status": object()})
    with pytest.raises(Exception, match=r"."):
        store.add_verdicts([verdict("a"), broken], evaluation="e", judge="j")
    assert store.verdicts([name("a")]) == {}
    assert store.calls("e") == (0, {})


def test_a_missing_store_is_named_when_only_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="brie eval"):
        Store.open(tmp_path / "none.sqlite", read_only=True)
    assert not (tmp_path / "none.sqlite").exists()


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "brie.sqlite"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {versions.STORE + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer brie"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "brie.sqlite"
    path.write_text("this is not a database, it is a letter to a friend" * 50)
    with pytest.raises(StoreError, match="not a brie store"):
        Store.open(path)


def test_a_full_disk_loses_nothing_and_says_so(store: Store) -> None:
    store.add_completions([completion("a")])
    pages = store._read("PRAGMA page_count")[0][0]
    store._read(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match=r"disk with .* is full"):
        store.add_completions([completion(f"big-{n}", "x" * 50_000) for n in range(5)])
    assert set(store.completions([name("a"), name("big-0")])) == {name("a")}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs an attribute only root can set; covered elsewhere")
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "runs"
    blocker.write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="runs"):
        Store.open(blocker / "brie.sqlite")


def test_readers_do_not_write(store: Store) -> None:
    with (
        Store.open(store.path, read_only=True) as reader,
        pytest.raises(StoreError, match="cannot be written"),
    ):
        reader.add_completions([completion("a")])


def test_what_was_there_is_not_looked_for_again_and_what_came_since_is_found(
    store: Store, tmp_path: Path
) -> None:
    store.add_verdicts([verdict("a")], evaluation="e", judge="j")
    assert store.present("verdicts", KEYS) == {name("a")}
    newest = store.newest()
    with Store.open(store.path) as other:
        other.add_verdicts([verdict("b"), verdict("c", Status.INVALID)], evaluation="e", judge="j")
    assert store.present("verdicts", KEYS) == {name("a"), name("b")}
    assert store.present("verdicts", KEYS, tuple(Status)) == {name("a"), name("b"), name("c")}
    assert store.present("verdicts", [name("d"), name("c")], (Status.INVALID,)) == {name("c")}
    assert store.present("completions", KEYS) == set()
    with store.as_of(newest):
        assert store.present("verdicts", KEYS, tuple(Status)) == {name("a")}
