"""The store's money side: what was spent and set aside, and the batches at providers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NotRequired, TypedDict

from brie.errors import StoreError
from brie.provenance import now
from brie.records import Usage
from brie.store.database import Database

BATCH = "batch-"
"""Owners of claims with this prefix are batches at a provider: they outlive every process."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What came of asking for keys with a price."""

    mine: list[str]
    """Keys now held by the caller, with their price set aside."""
    held: list[str]
    """Keys another process works on."""
    left: list[str]
    """Keys that are free, and for which the cap leaves nothing."""


class BatchBody(TypedDict):
    """What the store keeps of a batch, as JSON."""

    keys: dict[str, str]
    """The provider's name of a request -> the verdict's key."""
    numbers: dict[str, str]
    """Key -> the case number its request carries."""
    provider_id: str | None
    """None: nobody knows whether the provider took it."""
    owner: NotRequired[str]
    """Who hands it over; older ones do not say."""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch handed to a provider, or about to be."""

    id: str
    """Our own name for it, given before it is submitted."""
    judge: str
    state: str
    """`submitting`, `open` or `done`."""
    body: BatchBody
    created: str


@dataclass(frozen=True, slots=True)
class Spent:
    """A line of the ledger: what one judge cost in one evaluation on one day."""

    evaluation: str
    judge: str
    day: str
    calls: int
    lost: int
    """Calls of killed processes, charged in full because nobody knows what became of them."""
    usd: float
    input_tokens: int
    output_tokens: int


_OTHER_THAN_FIGURES = (
    "CASE WHEN body GLOB '*:[^0-9tf-]*' THEN EXISTS (SELECT 1 FROM json_each(body)"
    " WHERE type NOT IN ('integer', 'real', 'true', 'false')) ELSE 0 END OR json_type(body) != 'object'"
)
"""Of a call: SQLite would take what is no number for 0. Its members are looked at one by one only where
a colon stands before anything but the beginning of a number, of `true` or of `false`."""


class Ledger(Database):
    """What calls cost, and the batches that are under way."""

    def calls(self, evaluation: str) -> tuple[int, dict[str, float]]:
        """Calls an evaluation made for verdicts, and summed by field of `Usage` all that it consumed.

        Besides: `probe`, how many calls only asked whether a judge can be asked; `lost`, how many were
        those of killed processes; `lost_usd`, what these were charged.

        Raises:
            DamagedRow: names the first call whose figures cannot be read.
        """
        figure = {
            name: f"json_extract(body, '$.{name}')" for name in (*Usage.model_fields, "lost", "probe")
        }
        figure["attempts"] = f"COALESCE({figure['attempts']}, {figure['lost']})"
        figure["lost_usd"] = f"CASE WHEN {figure['lost']} THEN {figure['usd']} END"
        sums = ", ".join(f"SUM({each})" for each in figure.values())
        query = f"SELECT COUNT(*), SUM({_OTHER_THAN_FIGURES}), {sums} FROM calls WHERE evaluation = ?"
        try:
            count, damaged, *totals = self._read(query, (evaluation,))[0]
        except StoreError:
            self._refuse_damaged_calls(evaluation)
            raise
        if damaged:
            self._refuse_damaged_calls(evaluation)
        made = {
            name: float(total) for name, total in zip(figure, totals, strict=True) if total is not None
        }
        return count - int(made.get("probe", 0)), made

    def _refuse_damaged_calls(self, evaluation: str) -> None:
        """
        Raises:
            DamagedRow: names the first call whose figures cannot be read.
        """
        for key, body in self._read("SELECT key, body FROM calls WHERE evaluation = ?", (evaluation,)):
            self._row("call for", key, body, _usage)

    def ledger(self) -> list[Spent]:
        """What was spent, by evaluation, judge and day."""
        fields = ("lost", "usd", "input_tokens", "output_tokens")
        sums = ", ".join(f"SUM(COALESCE(json_extract(body, '$.{name}'), 0))" for name in fields)
        query = (
            f"SELECT evaluation, judge, substr(created, 1, 10), COUNT(*), {sums} FROM calls"
            " GROUP BY 1, 2, 3 ORDER BY 3, 1, 2"
        )
        return [Spent(*row) for row in self._read(query)]

    def habits(self, judge: str) -> tuple[int, float, float]:
        """Calls a judge made that came back, and their mean seconds and output tokens."""
        query = (
            "SELECT COUNT(*), AVG(json_extract(body, '$.seconds')),"
            " AVG(json_extract(body, '$.output_tokens')) FROM calls"
            " WHERE judge = ? AND json_extract(body, '$.output_tokens') > 0"
            " AND json_extract(body, '$.probe') IS NULL"
        )
        count, seconds, tokens = self._read(query, (judge,))[0]
        return int(count), float(seconds or 0.0), float(tokens or 0.0)

    def book_probe(self, evaluation: str, judge: str, key: str, usage: Usage) -> None:
        """Book a request that asked only whether a judge can be asked, and free what was set aside.

        Args:
            evaluation: id it is booked under.
            judge: the judge's id.
            key: what the money was set aside for.
            usage: what it consumed.
        """
        body = json.dumps({**usage.model_dump(), "probe": 1})
        with self._writing():
            self._db.execute(
                "INSERT INTO calls (evaluation, judge, key, usd, body, created) VALUES (?,?,?,?,?,?)",
                (evaluation, judge, key, usage.usd, body, now()),
            )
            self._db.execute("DELETE FROM claims WHERE key = ?", (key,))

    def committed(self, evaluation: str) -> float:
        """US dollars an evaluation has spent or set aside.

        Calls are only ever added, by whatever process: those that were summed before are not read again.
        """
        known = self._spent.get(evaluation)
        rolled_back, last, spent = known if known else (self._rolled_back, 0, 0.0)
        if rolled_back != self._rolled_back:
            last, spent = 0, 0.0
        query = (
            "SELECT COALESCE(MAX(id), ?), COALESCE(SUM(usd), 0) FROM calls"
            " WHERE evaluation = ? AND id > ?"
        )
        newest, more = self._read(query, (last, evaluation, last))[0]
        spent += float(more)
        self._spent[evaluation] = (self._rolled_back, int(newest), spent)
        held = "SELECT COALESCE(SUM(usd), 0) FROM claims WHERE evaluation = ?"
        return spent + float(self._read(held, (evaluation,))[0][0])

    @cached_property
    def _spent(self) -> dict[str, tuple[int, int, float]]:
        """Evaluation -> transactions given up by then, the last call counted, US dollars up to it."""
        return {}

    # --- batches -----------------------------------------------------------------------

    def open_batch(self, row: BatchRow, evaluation: str, keys: Sequence[str], *, seconds: float) -> None:
        """Record a batch before it is submitted; its keys pass from the process to the batch."""
        with self._writing():
            self._db.execute(
                "INSERT INTO batches (id, evaluation, judge, state, body, created)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (row.id, evaluation, row.judge, row.state, json.dumps(row.body), row.created),
            )
            self._db.executemany(
                "UPDATE claims SET owner = ?, expires = ? WHERE key = ?",
                [(f"{BATCH}{row.id}", time.time() + seconds, key) for key in keys],
            )

    def change_batch(self, name: str, *, state: str, body: BatchBody) -> None:
        """Record what became of a batch; once it is done, what it still holds is free again."""
        with self._writing():
            self._db.execute(
                "UPDATE batches SET state = ?, body = ? WHERE id = ?", (state, json.dumps(body), name)
            )
            if state == "done":
                self._close_batch(name)

    def _close_batch(self, name: str) -> bool:
        """Within a transaction: a batch is done, and what it still holds is free; False: it was done."""
        query = "UPDATE batches SET state = 'done' WHERE id = ? AND state != 'done'"
        closed = self._db.execute(query, (name,)).rowcount > 0
        self._db.execute("DELETE FROM claims WHERE owner = ?", (f"{BATCH}{name}",))
        return closed

    def provider_batches(self) -> set[str]:
        """Ids at providers of every batch that was ever recorded."""
        rows = self._read("SELECT json_extract(body, '$.provider_id') FROM batches")
        return {str(name) for (name,) in rows if name}

    def batches(self, evaluation: str) -> list[str]:
        """Our names of an evaluation's batches that are not done, oldest first."""
        rows = self._read(
            "SELECT id FROM batches WHERE evaluation = ? AND state != 'done' ORDER BY created, id",
            (evaluation,),
        )
        return [name for (name,) in rows]

    def batch(self, name: str) -> BatchRow:
        """A batch by our name of it."""
        query = "SELECT id, judge, state, body, created FROM batches WHERE id = ?"
        ((name, judge, state, body, at),) = self._read(query, (name,))
        return BatchRow(name, judge, state, json.loads(body), at)


def _usage(key: str, body: str) -> dict[str, float]:
    """The figures of a call."""
    figures: dict[str, float] = {name: figure + 0 for name, figure in json.loads(body).items()}
    return figures
