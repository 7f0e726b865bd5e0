"""Which keys are there: looked up one by one or told from a walk over the index, it is the same."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest

from brie.records import Status
from brie.store import Store
from brie.store.presence import _LOOKUP
from tests.make import completion, name, verdict

KEYS = [name(f"k{n}") for n in range(120)]
FINALS = [chosen for count in range(1, 5) for chosen in combinations(Status, count)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred verdicts of up to three attempts each, and twenty that nobody asked for."""
    rng, path = random.Random(3), tmp_path_factory.mktemp("presence") / "brie.sqlite"
    with Store.open(path) as store:
        for _ in range(3):
            some = [f"k{n}" for n in range(100) if rng.random() < 0.6]
            rows = [verdict(key, rng.choice(list(Status))) for key in some]
            store.add_verdicts(rows, evaluation="e", judge="j")
        store.add_completions([completion(f"k{n}") for n in range(0, 120, 7)])
    return path


def told_by_attempts(store: Store, final: tuple[Status, ...]) -> set[str]:
    attempts = store.attempts(KEYS)
    return {key for key, tries in attempts.items() if any(each.status in final for each in tries)}


@pytest.mark.parametrize("final", FINALS, ids=lambda final: "+".join(final))
def test_many_keys_and_few_are_told_the_same(path: Path, final: tuple[Status, ...]) -> None:
    with Store.open(path, read_only=True) as store:
        there = told_by_attempts(store, final)
        few = len(KEYS) // (3 * _LOOKUP)
        assert few * _LOOKUP < store.newest() <= len(KEYS) * _LOOKUP
        assert store.present("verdicts", KEYS, final) == there
        assert store.lacking(KEYS, final) == set(KEYS) - there
        for start in range(0, len(KEYS), few):
            part = KEYS[start : start + few]
            assert store.present("verdicts", part, final) == there & set(part)
            assert store.lacking(part, final) == set(part) - there
        early = store.newest() // 2
        with store.as_of(early):
            then = told_by_attempts(store, final)
            assert store.present("verdicts", KEYS, final) == then <= there
            assert store.lacking(KEYS[:few], final) == set(KEYS[:few]) - then
        assert store.present("completions", KEYS) == set(KEYS[::7])


def test_a_store_without_the_index_is_read_as_it_is_and_gets_it_when_it_is_written(
    path: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(old)) as target:
        source.backup(target)
        target.execute("DROP INDEX verdicts_not_ok")
    before = old.read_bytes()
    with Store.open(old, read_only=True) as store:
        lacking = store.lacking(KEYS)
    assert old.read_bytes() == before
    with Store.open(old) as store:
        plan = store._read("EXPLAIN QUERY PLAN SELECT key FROM verdicts WHERE status != 'ok'")
        assert "COVERING INDEX verdicts_not_ok" in str(plan)
        assert store.lacking(KEYS) == lacking
    assert not list(tmp_path.glob("*.bak"))
