"""Verdicts on their way into the store: those that arrive together go in one transaction.

A verdict counts as kept when its transaction is done, and its request counts as in flight until
then: a killed process loses at most the requests in flight. The store is written on the loop's own
thread: a transaction takes a fraction of a millisecond (WAL, no sync but at checkpoints), while a
second thread makes every request wait for the interpreter's lock.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from brie.errors import StoreError
from brie.records import Verdict
from brie.store import Store

Row = tuple[Verdict, str, "asyncio.Future[None]"]


@dataclass
class VerdictWriter:
    """Keeps the verdicts of one evaluation."""

    store: Store
    evaluation: str
    _pending: list[Row] = field(default_factory=list)

    async def keep(self, verdict: Verdict, judge: str) -> None:
        """Keep a verdict; returns once it would survive the process.

        Raises:
            StoreError: it cannot be kept.
        """
        loop = asyncio.get_running_loop()
        if not self._pending:
            # After everything that is ready now: what arrived in the same round goes together.
            loop.call_soon(self._write)
        done = loop.create_future()
        self._pending.append((verdict, judge, done))
        await done

    def _write(self) -> None:
        rows, self._pending = self._pending, []
        try:
            self.store.keep([(verdict, judge) for verdict, judge, _ in rows], evaluation=self.evaluation)
        except StoreError:
            # What cannot be kept together may fit one by one: on a full disk, nearly all of it.
            for row in rows:
                self._write_one(*row)
        else:
            for _, _, done in rows:
                if not done.done():
                    done.set_result(None)

    def _write_one(self, verdict: Verdict, judge: str, done: asyncio.Future[None]) -> None:
        try:
            self.store.keep([(verdict, judge)], evaluation=self.evaluation)
        except StoreError as error:
            if not done.done():
                done.set_exception(error)
        else:
            if not done.done():
                done.set_result(None)
