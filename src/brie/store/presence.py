"""Which keys have a row: few are looked up, many are told from one walk over the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from typing import Literal

from brie.records import Status
from brie.store.numbered import Numbered

Kind = Literal["completions", "verdicts"]
_LOOKUP = 8
"""Looking a key up takes as long as walking over so many."""


class Presence(Numbered):
    """What of a store is there."""

    @contextmanager
    def as_of(self, newest: int) -> Iterator[None]:
        """Read the verdicts that were there when attempt `newest` was the newest one."""
        self._until = newest
        try:
            yield
        finally:
            self._until = Presence._until

    @property
    def reads_all(self) -> bool:
        """Whether what is read now stays there: all is, and outside a transaction that may be undone."""
        return self._until == Presence._until and not self._db.in_transaction

    def present(
        self, kind: Kind, keys: Iterable[str], final: Sequence[Status] = (Status.OK,)
    ) -> set[str]:
        """Which keys have a completion, or a verdict with one of the `final` statuses."""
        wanted = set(keys)
        if kind == "completions":
            return self._answered(wanted)
        if len(wanted) * _LOOKUP < self.newest():
            return self._looked_up(kind, wanted, final)
        if Status.OK in final:
            return wanted - self._lacking(wanted, final)
        with self.snapshot():
            unsure = wanted.intersection(self._keys("status != 'ok'"))
            return self._looked_up("verdicts", unsure, final)

    def _answered(self, wanted: set[str]) -> set[str]:
        """How many completions there are nobody knows: the walk is given up where it becomes long."""
        walk = map(itemgetter(0), self._stream("SELECT key FROM completions"))
        met = wanted.intersection(islice(walk, _LOOKUP * len(wanted)))
        if next(walk, None) is None:
            return met
        return met | self._looked_up("completions", wanted - met, ())

    def lacking(self, keys: Iterable[str], final: Sequence[Status] = (Status.OK,)) -> set[str]:
        """Which keys have no verdict with one of the `final` statuses."""
        wanted = set(keys)
        if len(wanted) * _LOOKUP < self.newest():
            return wanted - self._looked_up("verdicts", wanted, final)
        return self._lacking(wanted, final)

    def _looked_up(self, kind: Kind, keys: Iterable[str], final: Sequence[Status]) -> set[str]:
        where = f"status IN ({_listed(final)}) AND {self._seen} AND " if kind == "verdicts" else ""
        rows = self._select(f"SELECT key FROM {kind} WHERE {where}key IN ({{}})", sorted(keys))
        return set(map(itemgetter(0), rows))

    def _lacking(self, wanted: set[str], final: Sequence[Status]) -> set[str]:
        """No verdict is read: which are there says one index, and which attempts are not `ok` another.

        Where all attempts at a verdict are `ok`, the first index says all there is to know of it.
        """
        with self.snapshot():
            lacking = wanted.difference(self._keys("1")) if Status.OK in final else wanted.copy()
            if set(final) >= set(Status):
                return lacking
            unsure = wanted.intersection(self._keys("status != 'ok'"))
            return (lacking | unsure) - self._looked_up("verdicts", unsure, final)

    def _keys(self, where: str) -> Iterator[str]:
        query = f"SELECT key FROM verdicts WHERE {where} AND {self._seen}"
        return map(itemgetter(0), self._stream(query))


def _listed(statuses: Iterable[Status]) -> str:
    return ",".join(f"'{status}'" for status in statuses)
