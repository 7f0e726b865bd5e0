"""Looks in the store: what is one look, what is another, and what counting them costs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.digest import digest
from brie.store import Store
from brie.store.looks import Look

PROMPTS = tuple(f"{n:016x}" for n in range(66))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "brie.sqlite") as opened:
        yield opened


def look(name: str, *, suite: str = "mine", evaluation: str = "", prompts: tuple[str, ...] = PROMPTS,
         read: str = "", part: str = "", sequential: bool = False) -> Look:  # fmt: skip
    """A look whose verdicts are called `name`."""
    return Look(
        suite=digest(suite), evaluation=evaluation or f"eval-{suite}-{digest(name)[7:15]}",
        rows=digest(["rows", name]), headline=digest(name), read=digest(read or name), prompts=prompts,
        part=part, sequential=sequential,
    )  # fmt: skip


def test_the_same_verdicts_again_are_no_new_look(store: Store) -> None:
    assert store.look(look("a")) == 1
    assert store.look(look("a")) == 1
    assert store.look(look("b")) == 2
    assert store.looks(digest("other")) == 0


def test_the_number_of_a_look_stays_what_it_was_however_many_follow(store: Store) -> None:
    assert store.look_number(look("a")) == (1, 0)
    for name in "abc":
        store.look(look(name))
    assert [store.look_number(look(name)) for name in "abc"] == [(1, 0), (2, 0), (3, 0)]
    assert store.look_number(look("d")) == (4, 0)


def test_one_shared_prompt_is_enough_whatever_the_suite_is_called(store: Store) -> None:
    store.look(look("a"))
    picked = look("half", suite="everyday", prompts=PROMPTS[:33])
    assert store.look_number(picked) == (2, 1)
    assert store.look_number(look("b", suite="everyday", prompts=("f" * 16, PROMPTS[5]))) == (2, 1)
    assert store.look_number(look("c", suite="everyday", prompts=("f" * 16,))) == (1, 0)


def test_versions_of_a_suite_belong_together_by_its_name(store: Store) -> None:
    store.look(look("a", evaluation="eval-made-11111111", suite="s1"))
    edited = look("b", evaluation="eval-made-22222222", suite="s2", prompts=("e" * 16,))
    assert store.look_number(edited) == (2, 1)
    longer = look("c", evaluation="eval-made-too-33333333", suite="s3", prompts=("d" * 16,))
    assert store.look_number(longer) == (1, 0)


def test_parts_of_one_curve_are_one_look(store: Store) -> None:
    store.look(look("before"))
    for name in "abc":
        store.look(look(name, part="curve"))
    assert [store.look_number(look(name)) for name in "abc"] == [(2, 0)] * 3
    assert store.look_number(look("after")) == (3, 0)
    assert store.looks(digest("mine")) == 2


def test_what_an_added_judge_said_is_a_look_for_what_follows_and_not_for_the_headline(
    store: Store,
) -> None:
    store.look(look("a"))
    store.look(look("a", read="a and more"))
    assert store.look_number(look("a", read="a and more")) == (1, 0)
    assert store.look_number(look("b")) == (3, 0)


def test_the_rule_for_stopping_allows_for_looks_at_its_own_evaluation(store: Store) -> None:
    for name in "abc":
        store.look(look(name, evaluation="eval-mine-1", sequential=True))
    assert store.look_number(look("c", evaluation="eval-mine-1", sequential=True)) == (1, 0)
    assert store.look_number(look("c", evaluation="eval-mine-1")) == (3, 0)


def _older(path: Path) -> None:
    """A store as schema 2 left it, with two looks."""
    with Store.open(path):
        pass
    with sqlite3.connect(path) as raw:
        for statement in (
            "DROP INDEX looks_headline", "DROP INDEX looks_part", "DROP INDEX looks_prompts",
            "DROP INDEX looks_evaluation", "DROP TABLE looked_at", "DROP TABLE analyses",
            "ALTER TABLE looks DROP COLUMN headline",
            "ALTER TABLE looks DROP COLUMN part", "ALTER TABLE looks DROP COLUMN prompts",
            "PRAGMA user_version = 2",
        ):  # fmt: skip
            raw.execute(statement)
        raw.executemany(
            "INSERT INTO looks (suite, evaluation, rows, created) VALUES (?, ?, ?, '')",
            [(digest("mine"), f"eval-mine-{name}", digest(["rows", name])) for name in "ab"],
        )


def test_looks_of_an_earlier_store_keep_their_number_and_count(tmp_path: Path) -> None:
    path = tmp_path / "brie.sqlite"
    _older(path)
    with Store.open(path) as store:
        second = look("b", evaluation="eval-mine-b")
        assert store.look_number(second) == (2, 0)
        store.look(second)
        assert store.looks(digest("mine")) == 2
        with_votes = look("b with votes", evaluation="eval-mine-b")
        assert store.look_number(with_votes) == (2, 0)
        assert store.look_number(look("c")) == (3, 0)


def test_the_prompts_of_earlier_looks_can_be_noted_later(tmp_path: Path) -> None:
    path = tmp_path / "brie.sqlite"
    _older(path)
    picked = look("half", suite="everyday", prompts=PROMPTS[:33])
    with Store.open(path) as store:
        assert store.look_number(picked) == (1, 0)
        unknown = store.looks_without_prompts()
        assert sorted(unknown.values()) == ["eval-mine-a", "eval-mine-b"]
        store.note_prompts(dict.fromkeys(unknown, PROMPTS))
        assert store.looks_without_prompts() == {}
        assert store.look_number(picked) == (3, 2)


def test_counting_a_look_asks_the_same_few_questions_after_hundreds(store: Store) -> None:
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)

    def statements(name: str) -> int:
        asked.clear()
        store.look_number(look(name))
        store.look(look(name))
        return len(asked)

    few = statements("first")
    for number in range(300):
        store.look(look(f"look {number}"))
    assert statements("last") <= few + 2
    plans = [
        row[3]
        for question in ("prompts IN ('a', 'b')", "suite = 'a'",
                         "evaluation >= 'a' AND evaluation < 'b'",
                         "headline = 'a'", "part = 'a'")
        for row in store._read(f"EXPLAIN QUERY PLAN SELECT id FROM looks WHERE {question}")
    ]  # fmt: skip
    assert all("SEARCH" in plan for plan in plans), plans
    sets = store._read("SELECT COUNT(*) FROM looked_at")[0][0]
    assert sets == len(PROMPTS)
