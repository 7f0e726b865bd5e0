"""What was added to a store last."""

from __future__ import annotations

from pathlib import Path

from brie.store import Store
from tests.make import name, verdict


def test_a_judges_newest_attempts_are_found_in_the_order_they_came(tmp_path: Path) -> None:
    with Store.open(tmp_path / "brie.sqlite") as store:
        for key in "abca":
            store.add_verdicts([verdict(key)], evaluation="e", judge="j")
        other = verdict("d").model_copy(update={"judge": name("another")})
        store.add_verdicts([other], evaluation="e", judge="k")

        keys = {name(key): key for key in "abcd"}

        def added(*, after: int, until: int, most: int = 9) -> list[str]:
            found = store.added(name("judge"), name("rubric"), after=after, until=until, most=most)
            return [keys[one] for one in found]

        assert added(after=0, until=9) == ["a", "b", "c", "a"]
        assert added(after=2, until=9) == ["c", "a"]
        assert added(after=2, until=3) == ["c"]
        assert added(after=0, until=9, most=2) == ["a", "b"]
        assert added(after=5, until=9) == []
        assert store.newest() == 5
        query = "EXPLAIN QUERY PLAN SELECT key FROM verdicts WHERE judge = ? AND rubric = ? AND id > ?"
        (plan,) = store._db.execute(query, ("", "", 0)).fetchall()
        assert "verdicts_judge (judge=? AND rubric=? AND rowid>?)" in plan[-1]
