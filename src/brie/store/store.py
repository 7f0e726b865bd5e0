"""The project's SQLite store: every completion and verdict ever produced, kept once.

Completions and verdict attempts are only ever added. `claims` says which process is working on
which key, so that two never compute or pay for the same one; a claim dies with its process,
because its owner holds a lock on a file that the kernel releases.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from pydantic_core import from_json

from brie.provenance import now
from brie.records import Completion, CompletionLite, Status, Verdict, VerdictLite
from brie.store.added import Added
from brie.store.database import Row
from brie.store.ledger import BATCH, Ledger, Reserved
from brie.store.looks import LookBook
from brie.store.numbered import SHARE, attempt_row, counted
from brie.store.owner import Owner
from brie.store.presence import Kind, Presence
from brie.store.record import Record

__all__ = ["Kind", "Store", "answer_row", "attempt_row", "counted"]

_ROUNDING = 1e-9
"""US dollars by which sums of floats may differ."""
_MANY = 10_000
"""Keys from which looking through all verdicts in their order may be faster than looking each one up."""


class Store(Added, Ledger, LookBook, Record, Presence):
    """An open store. Use `Store.open`; close it, or use it in a `with` statement.

    Every public method raises StoreError where SQLite fails (full disk, lock, damage).
    """

    def secret(self) -> bytes:
        """A secret of this store, made on first use; it is in no bundle and no report."""
        query = "SELECT value FROM meta WHERE key = 'secret'"
        with self._writing():
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_hex(32),))
        return bytes.fromhex(str(self._read(query)[0][0]))

    # --- completions -------------------------------------------------------------------

    def completions(self, keys: Iterable[str]) -> dict[str, Completion]:
        """The stored completions among `keys`."""
        rows = self._answer_rows(keys)
        return {key: self._row("completion", key, body, answer_row) for key, body in rows}

    def answers(self, keys: Iterable[str]) -> dict[str, CompletionLite]:
        """What `completions` finds, as far as numbers and pages need it: in less time and memory."""
        rows = self._answer_rows(keys)
        return {key: self._row("completion", key, body, CompletionLite.parse) for key, body in rows}

    def texts(self, keys: Iterable[str]) -> dict[str, str]:
        """The texts of the stored completions among `keys`; nothing else of them is read."""
        rows = self._answer_rows(keys)
        return {key: self._row("completion", key, body, answer_text) for key, body in rows}

    def _answer_rows(self, keys: Iterable[str]) -> Iterator[Row]:
        return self._select("SELECT key, body FROM completions WHERE key IN ({})", keys)

    def add_completions(self, rows: Sequence[Completion]) -> None:
        """Append completions and release their claims, in one transaction."""
        at = now()
        with self._writing():
            self._db.executemany(
                "INSERT OR IGNORE INTO completions VALUES (?, ?, ?, ?, ?, ?)",
                [(c.key, c.pin, c.prompt, c.sample, c.model_dump_json(), at) for c in rows],
            )
            self._release(c.key for c in rows)

    # --- verdicts ----------------------------------------------------------------------

    def attempts(self, keys: Iterable[str]) -> dict[str, list[Verdict]]:
        """All attempts of each key, in the order they were made."""
        by_key: dict[str, list[Verdict]] = {}
        query = f"SELECT key, body FROM verdicts WHERE key IN ({{}}) AND {self._seen} ORDER BY id"
        for key, body in self._select(query, keys):
            by_key.setdefault(key, []).append(self._row("verdict", key, body, attempt_row))
        return by_key

    def verdicts(self, keys: Iterable[str]) -> dict[str, Verdict]:
        """The attempt that counts for each key: the first `ok`, else the last."""
        return {key: counted(attempts) for key, attempts in self.attempts(keys).items()}

    def statuses(self, keys: Iterable[str]) -> dict[str, Status]:
        """What became of each key: the status of the attempt that counts. No verdict is parsed."""
        by_key: dict[str, Status] = {}
        query = f"SELECT key, status FROM verdicts WHERE key IN ({{}}) AND {self._seen} ORDER BY id"
        for key, status in self._select(query, keys):
            if by_key.get(key) is not Status.OK:
                by_key[key] = Status(status)
        return by_key

    def kept(self, keys: Iterable[str]) -> dict[str, VerdictLite]:
        """What `verdicts` finds, as far as numbers need it: faster, and a third of the memory."""
        return {key: self.verdict_of(key, bodies) for key, bodies in self.bodies(keys)}

    def bodies(self, keys: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """The stored JSON of every attempt at these verdicts, key by key, for `verdict_of`.

        Args:
            keys: in their own order; the verdicts come in it.
        """
        key, bodies = "", list[str]()
        for named, body in chain(self._bodies(list(keys)), [("", "")]):
            if named == key:
                bodies.append(body)
                continue
            if bodies:
                yield key, bodies
            key, bodies = named, [body]

    def _bodies(self, keys: Sequence[str]) -> Iterator[Row]:
        """Key and JSON of every attempt at these verdicts, in the order of keys and of attempts."""
        if len(keys) < _MANY or len(keys) * SHARE < self.newest():
            query = "SELECT key, body FROM verdicts WHERE key IN ({}) AND"
            return self._select(f"{query} {self._seen} ORDER BY key, id", keys)
        wanted = set(keys)
        # The index has keys and attempts, so nothing is sorted; an attempt's number grows with its id.
        walk = f"SELECT key, body FROM verdicts WHERE {self._seen} ORDER BY key, attempt"
        return (row for row in self._stream(walk) if row[0] in wanted)

    def verdict_of(self, key: str, bodies: Sequence[str]) -> VerdictLite:
        """The attempt that counts among all of a key (`bodies`), as far as numbers need it."""
        if len(bodies) == 1:
            return self._row("verdict", key, bodies[0], VerdictLite.parse)
        every = [self._row("verdict", key, each, attempt_row) for each in bodies]
        return VerdictLite.of(counted(every))

    def add_verdicts(
        self, rows: Sequence[Verdict], *, evaluation: str, judge: str, booked: bool = True
    ) -> None:
        """Append verdict attempts, book their calls, release their claims: one transaction.

        Args:
            rows: the attempts, in the order they were made.
            evaluation: id the calls are booked under.
            judge: the judge's id.
            booked: False where no call was made.
        """
        self.keep([(row, judge) for row in rows], evaluation=evaluation, booked=booked)

    def keep(
        self,
        rows: Sequence[tuple[Verdict, str]],
        *,
        evaluation: str,
        booked: bool = True,
        closes: str | None = None,
    ) -> None:
        """`add_verdicts` for several judges.

        Args:
            rows: attempts, each with its judge's id.
            evaluation: id the calls are booked under.
            booked: False where no call was made.
            closes: a batch these rows came from, which is done with them; where it was done before,
                another process has kept them, and nothing is.
        """
        at = now()
        with self._writing():
            if closes is not None and not self._close_batch(closes):
                return
            for v, _ in rows:
                done = self._db.execute(
                    "SELECT COUNT(*) FROM verdicts WHERE key = ?", (v.key,)
                ).fetchone()[0]
                row = v.model_copy(update={"attempt": done})
                self._db.execute(
                    "INSERT INTO verdicts (key, attempt, judge, rubric, presentation, repeat, status,"
                    " body, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (row.key, done, row.judge, row.rubric, row.presentation, row.repeat, row.status,
                     row.model_dump_json(), at),
                )  # fmt: skip
            if booked:
                self._db.executemany(
                    "INSERT INTO calls (evaluation, judge, key, usd, body, created)"
                    " VALUES (?,?,?,?,?,?)",
                    [
                        (evaluation, judge, v.key, v.usage.usd, v.usage.model_dump_json(), at)
                        for v, judge in rows
                    ],
                )
            self._release(v.key for v, _ in rows)

    def served_names(self, judge: str, newest: int = 200) -> list[str]:
        """What the provider said answered for a judge, in its newest verdicts; the last one first.

        Args:
            judge: the judge's digest.
            newest: how many verdicts are looked at.
        """
        query = (
            "SELECT json_extract(body, '$.served') FROM verdicts WHERE judge = ? AND status = 'ok'"
            " ORDER BY id DESC LIMIT ?"
        )
        return list(dict.fromkeys(str(name) for (name,) in self._read(query, (judge, newest)) if name))

    # --- claims ------------------------------------------------------------------------

    def claim(
        self,
        kind: Kind,
        keys: Sequence[str],
        owner: Owner,
        *,
        seconds: float,
        usd: float = 0.0,
        final: Sequence[Status] = (Status.OK,),
    ) -> list[str]:
        """Claim the keys that nobody holds and that are not done; returns those claimed, in order.

        Args:
            kind: what the keys name.
            keys: keys to work on.
            owner: this process; its death frees the claims at once.
            seconds: the claims expire after this long even if the owner lives.
            usd: worst-case price of one key, reserved while the claim stands.
            final: statuses that make a verdict done.
        """
        with self._writing():
            mine, _ = self._free(kind, keys, owner, final)
            self._hold(mine, owner, seconds, dict.fromkeys(mine, usd))
        return mine

    def reserve(
        self,
        keys: Sequence[str],
        owner: Owner,
        *,
        seconds: float,
        usd: Mapping[str, float],
        evaluation: str,
        judge: str,
        cap: float | None,
        final: Sequence[Status] = (Status.OK,),
    ) -> Reserved:
        """Claim verdict keys and set their worst-case price aside, as far as the cap reaches.

        What counts against the cap: all the evaluation's calls so far, and what is set aside for
        those in flight, in whatever process.

        Args:
            keys: keys to work on, in order.
            owner: this process.
            seconds: the claims expire after this long even if the owner lives.
            usd: worst-case price by key.
            evaluation: id the calls are booked under.
            judge: the judge's id.
            cap: US dollars the evaluation may cost in all; None: no cap.
            final: statuses that make a verdict done.
        """
        with self._writing():
            free, held = self._free("verdicts", keys, owner, final)
            room = float("inf") if cap is None else cap - self.committed(evaluation)
            mine = []
            for key in free:
                room -= usd[key]
                if room < -_ROUNDING:
                    break
                mine.append(key)
            self._hold(mine, owner, seconds, usd, evaluation, judge)
        return Reserved(mine, held, free[len(mine) :])

    def reserve_more(self, key: str, usd: float, evaluation: str, cap: float | None) -> bool:
        """Set aside more for a claimed key; False, and nothing changes, where the cap forbids it."""
        with self._writing():
            if cap is not None and self.committed(evaluation) + usd > cap + _ROUNDING:
                return False
            self._db.execute("UPDATE claims SET usd = usd + ? WHERE key = ?", (usd, key))
        return True

    def settle_dead(self, owner: Owner) -> None:
        """Free the claims of processes that died; what they had set aside is booked as spent."""
        with self._writing():
            self._free_dead(owner)

    def holders(self, keys: Iterable[str]) -> list[str]:
        """The owners of claimed keys, one a key."""
        return [owner for (owner,) in self._select("SELECT owner FROM claims WHERE key IN ({})", keys)]

    def release(self, keys: Iterable[str]) -> None:
        """Give claims back undone."""
        with self._writing():
            self._release(keys)

    def _free(
        self, kind: Kind, keys: Sequence[str], owner: Owner, final: Sequence[Status]
    ) -> tuple[list[str], list[str]]:
        """Of the keys not done: those nobody else holds, and those somebody does."""
        self._free_dead(owner)
        done = self.present(kind, keys, final)
        query = "SELECT key, owner FROM claims WHERE key IN ({})"
        holders: dict[str, str] = dict(self._select(query, keys))
        open_ = [key for key in dict.fromkeys(keys) if key not in done]
        free = [key for key in open_ if holders.get(key, owner.name) == owner.name]
        # What a batch holds comes back by itself, perhaps tomorrow: nobody waits for it.
        held = [k for k in open_ if k not in set(free) and not holders[k].startswith(BATCH)]
        return free, held

    def _hold(
        self,
        keys: Sequence[str],
        owner: Owner,
        seconds: float,
        usd: Mapping[str, float],
        evaluation: str = "",
        judge: str = "",
    ) -> None:
        expires = time.time() + seconds
        self._db.executemany(
            "INSERT OR REPLACE INTO claims (key, owner, usd, expires, evaluation, judge)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(key, owner.name, usd[key], expires, evaluation, judge) for key in keys],
        )

    def _free_dead(self, me: Owner) -> None:
        """A dead process's calls may have been billed: what it had set aside counts as spent."""
        owners = {name for (name,) in self._read("SELECT DISTINCT owner FROM claims")}
        gone = [name for name in owners if not name.startswith(BATCH) and not me.is_alive(name)]
        # Our own claims stand whatever the clock says: it may have been set meanwhile.
        dead = f"((expires < ? AND owner != ?) OR owner IN ({','.join('?' * len(gone))}))"
        values = (time.time(), me.name, *gone)
        self._db.execute(
            "INSERT INTO calls (evaluation, judge, key, usd, body, created) SELECT evaluation, judge,"
            f" key, usd, json_object('usd', usd, 'lost', 1), ? FROM claims WHERE usd > 0 AND {dead}",
            (now(), *values),
        )
        self._db.execute(f"DELETE FROM claims WHERE {dead}", values)

    def _release(self, keys: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM claims WHERE key = ?", [(key,) for key in keys])

    def size(self) -> str:
        """How many rows it holds, in words."""
        rows = [self._read(f"SELECT COUNT(*) FROM {kind}")[0][0] for kind in ("completions", "verdicts")]
        return f"{rows[0]} completions, {rows[1]} verdicts"


def answer_row(key: str, body: str) -> Completion:
    """The completion that a row holds."""
    return Completion.model_validate_json(body)


def answer_text(key: str, body: str) -> str:
    """The text of the completion that a row holds.

    Raises:
        ValueError: it holds none.
    """
    text = from_json(body)["text"]
    if not isinstance(text, str):
        raise ValueError("text: Input should be a valid string")
    return text
