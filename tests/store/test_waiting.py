"""Whom a process waits for is said, after a while and now and then."""

from __future__ import annotations

from pathlib import Path

from brie.store import Store, claimed
from brie.store.owner import Owner
from brie.store.waiting import AGAIN, FIRST, Waiting
from tests.make import completion, name


def test_it_is_said_after_a_while_and_not_all_the_time() -> None:
    said: list[str] = []
    now = [0.0]
    waiting = Waiting(said.append, clock=lambda: now[0])
    for seconds in (0.0, FIRST - 1, FIRST + 1, FIRST + 2, FIRST + AGAIN + 2):
        now[0] = seconds
        waiting.look(["4711-ab", "4711-ab", "12-cd"])
    assert [line.split(",")[0] for line in said] == 2 * [
        "waiting for process 4711", "waiting for process 12",
    ]  # fmt: skip
    assert "works on 2 of these" in said[0]
    assert "kill 4711" in said[0]


def test_the_holders_of_awaited_keys_are_known(tmp_path: Path) -> None:
    with (
        Store.open(tmp_path / "brie.sqlite") as store,
        Owner(tmp_path / ".owners") as mine,
        Owner(tmp_path / ".owners") as other,
    ):
        assert store.claim("completions", [name("a")], other, seconds=60) == [name("a")]
        assert store.holders([name("a"), name("b")]) == [other.name]
        keys = claimed(store, "completions", [name("a"), name("b")], mine, chunk=8, seconds=60)
        assert next(keys) == [name("b")]
        store.add_completions([completion("a"), completion("b")])
        assert list(keys) == []
