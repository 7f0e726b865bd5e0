"""Keeping verdicts: everyone who waits is answered, and nothing takes another verdict with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from brie.digest import digest
from brie.errors import StoreError
from brie.judge.writer import VerdictWriter
from brie.records import Status, Usage, Verdict
from brie.store import Store


def verdict(name: str, reply: str = "Winner: A") -> Verdict:
    return Verdict(
        key=digest(name),
        judge=digest("judge"),
        rubric=digest("rubric"),
        presentation=digest(name),
        status=Status.OK,
        letter="A",
        reply=reply,
        usage=Usage(usd=0.5),
    )


async def _kept(store: Store, rows: list[Verdict]) -> list[Verdict | BaseException]:
    writer = VerdictWriter(store, "eval-test")
    async with asyncio.timeout(10):
        return await asyncio.gather(
            *(writer.keep(row, "a-judge") for row in rows), return_exceptions=True
        )


def test_a_verdict_no_row_can_hold_is_kept_without_its_text_and_the_others_whole(
    tmp_path: Path,
) -> None:
    half = verdict("two").model_copy(update={"reply": "half of a pair: \ud83d"})
    rows = [verdict("one"), half, verdict("three")]
    with Store.open(tmp_path / "brie.sqlite") as store:
        asyncio.run(_kept(store, rows))
        kept = store.verdicts(row.key for row in rows)
        assert [kept[row.key].status for row in rows] == [Status.OK, Status.INVALID, Status.OK]
        assert kept[rows[1].key].letter is None
        assert "could not be kept" in kept[rows[1].key].reason
        assert kept[rows[2].key].reply == "Winner: A"
        assert sum(line.usd for line in store.ledger()) == 1.5


def test_those_who_wait_hear_what_happened_to_the_store(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "brie.sqlite")
    store.close()
    answers = asyncio.run(_kept(store, [verdict(str(n)) for n in range(5)]))
    assert len(answers) == 5
    assert all(isinstance(answer, StoreError) for answer in answers)
