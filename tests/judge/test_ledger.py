"""What was spent and set aside, summed as it grows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from brie.digest import digest
from brie.errors import StoreError
from brie.records import Status, Usage, Verdict
from brie.store import Store
from brie.store.owner import Owner


def verdict(number: int, usd: float) -> Verdict:
    return Verdict(
        key=digest(["key", number]), judge=digest("judge"), rubric=digest("rubric"),
        presentation=digest(["shown", number]), status=Status.OK, letter="A", usage=Usage(usd=usd),
    )  # fmt: skip


def summed(store: Store) -> float:
    """The same by reading everything."""
    return sum(line.usd for line in store.ledger())


def test_what_is_committed_is_what_all_calls_and_claims_sum_to(tmp_path: Path) -> None:
    path = tmp_path / "brie.sqlite"
    with Store.open(path) as one, Store.open(path) as two, Owner(tmp_path / "o") as owner:
        for number in range(30):
            writer = one if number % 3 else two
            writer.keep([(verdict(number, 0.01 * number), "j")], evaluation="e")
            assert one.committed("e") == pytest.approx(summed(one))
            assert two.committed("e") == pytest.approx(summed(one))
        key = digest("more")
        one.reserve([key], owner, seconds=60, usd={key: 2.0}, evaluation="e", judge="j", cap=None)
        assert two.committed("e") == pytest.approx(summed(one) + 2.0)
        assert one.committed("another") == 0.0


def test_calls_of_a_transaction_that_was_given_up_do_not_count(tmp_path: Path) -> None:
    with Store.open(tmp_path / "brie.sqlite") as store:
        store.keep([(verdict(0, 1.0), "j")], evaluation="e")
        assert store.committed("e") == 1.0
        with pytest.raises(StoreError):
            _given_up(store)
        assert store.committed("e") == 1.0
        store.keep([(verdict(1, 0.5), "j")], evaluation="e")
        assert store.committed("e") == 1.5


def _given_up(store: Store) -> None:
    """A transaction that books a call, looks at the sum, and fails."""
    with store._writing():
        store._db.execute(
            "INSERT INTO calls (evaluation, judge, key, usd, body, created)"
            " VALUES ('e', 'j', 'k', 9.0, '{}', 'now')"
        )
        assert store.committed("e") == 10.0
        raise sqlite3.OperationalError("disk is full")


def test_setting_money_aside_takes_no_longer_after_many_calls(tmp_path: Path) -> None:
    """Twenty times as many calls in the ledger; what SQLite does for a reservation stays the same."""

    def steps(store: Store, owner: Owner, start: int) -> int:
        done = 0

        def count() -> int:
            nonlocal done
            done += 1
            return 0

        store.committed("e")  # What was booked since is added up once.
        store._db.set_progress_handler(count, 10)
        for number in range(start, start + 30):
            key = digest(number)
            store.reserve([key], owner, seconds=60, usd={key: 0.0}, evaluation="e", judge="j", cap=1e6)
            store.reserve_more(key, 0.01, "e", 1e6)
            store.release([key])
        store._db.set_progress_handler(None, 0)
        return done

    with Store.open(tmp_path / "brie.sqlite") as store, Owner(tmp_path / "o") as owner:
        rows = [(verdict(number, 0.001), "j") for number in range(20_000)]
        store.keep(rows[:1000], evaluation="e")
        few = steps(store, owner, 0)
        store.keep(rows[1000:], evaluation="e")
        many = steps(store, owner, 1000)
    assert 0 < many < 1.2 * few
