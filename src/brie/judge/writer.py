"""Verdicts on their way into the store: those that arrive together go in one transaction.

A verdict counts as kept when its transaction is done, and its request counts as in flight until
then: a killed process loses at most the requests in flight. The store is written on the loop's own
thread: a transaction takes a fraction of a millisecond (WAL, no sync but at checkpoints), while a
second thread makes every request wait for the interpreter's lock.

Whatever is raised on the way, everyone who waits is answered: a verdict that no row can hold costs
only itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from brie.errors import StoreError
from brie.records import Status, Verdict
from brie.store import Store

Row = tuple[Verdict, str, "asyncio.Future[Verdict]"]


@dataclass
class VerdictWriter:
    """Keeps the verdicts of one evaluation."""

    store: Store
    evaluation: str
    _pending: list[Row] = field(default_factory=list)

    async def keep(self, verdict: Verdict, judge: str) -> Verdict:
        """Keep a verdict; returns what was kept, once it would survive the process.

        Raises:
            StoreError: it cannot be kept.
        """
        loop = asyncio.get_running_loop()
        if not self._pending:
            # After everything that is ready now: what arrived in the same round goes together.
            loop.call_soon(self._write)
        done: asyncio.Future[Verdict] = loop.create_future()
        self._pending.append((verdict, judge, done))
        return await done

    def _write(self) -> None:
        rows, self._pending = self._pending, []
        try:
            self._write_together(rows)
        finally:
            for *_, done in rows:
                if not done.done():
                    done.set_exception(StoreError("the verdict was not kept: the writer was stopped."))

    def _write_together(self, rows: list[Row]) -> None:
        try:
            kept = keep_all(self.store, [row[:2] for row in rows], evaluation=self.evaluation)
        except StoreError as error:
            if len(rows) == 1:
                _answer(rows[0][2], error)
                return
            # What cannot be kept together may fit one by one: on a full disk, nearly all of it.
            for row in rows:
                self._write_together([row])
        else:
            for verdict, (*_, done) in zip(kept, rows, strict=True):
                _answer(done, verdict)


def keep_all(
    store: Store, rows: Sequence[tuple[Verdict, str]], *, evaluation: str, closes: str | None = None
) -> list[Verdict]:
    """Keep verdicts in one transaction; one that no row can hold is kept as `invalid`, with the reason.

    Args:
        store: where they are kept.
        rows: verdicts, each with its judge's id.
        evaluation: id the calls are booked under.
        closes: a batch these rows came from, which is done with them.

    Returns:
        The verdicts as they were kept, in their order.

    Raises:
        StoreError: the store failed; nothing was kept.
    """
    try:
        store.keep(rows, evaluation=evaluation, closes=closes)
    except StoreError:
        raise
    except Exception:  # What a row cannot hold is known only to those who write it.
        rows = [(holdable(verdict), judge) for verdict, judge in rows]
        store.keep(rows, evaluation=evaluation, closes=closes)
    return [verdict for verdict, _ in rows]


def holdable(verdict: Verdict) -> Verdict:
    """A verdict as a row can hold it: as it is, or without what the server wrote."""
    try:
        verdict.model_dump_json().encode()
    except Exception as error:
        said = f"the reply could not be kept: {type(error).__name__}"
        return verdict.model_copy(
            update={
                "status": Status.INVALID,
                "letter": None,
                "reason": said,
                "reply": "",
                "served": "",
                "scores": {},
                "measured": None,
            }
        )
    return verdict


def _answer(done: asyncio.Future[Verdict], what: Verdict | StoreError) -> None:
    if done.done():
        return
    if isinstance(what, StoreError):
        done.set_exception(what)
    else:
        done.set_result(what)
