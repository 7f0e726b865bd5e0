"""What judges wrote, by the numbers of their attempts: read in the order they lie in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from brie.records import Status, Verdict, VerdictLite
from brie.records.written import reason_of
from brie.store.database import Database, Row

R = TypeVar("R")
_TOGETHER = 500
"""Attempts that one query asks for."""
SHARE = 4
"""From one wanted row in so many, looking through all of them is faster than looking each one up."""


class Numbered(Database):
    """The part of a store that reads verdicts by the numbers of their attempts."""

    _until = 2**63 - 1
    """The newest verdict attempt that is read."""

    @property
    def _seen(self) -> str:
        return f"id <= {self._until}"

    def newest(self) -> int:
        """Number of the newest verdict attempt: it grows with every attempt that is added."""
        return int(self._read("SELECT COALESCE(MAX(id), 0) FROM verdicts")[0][0])

    def numbers_of(self, keys: Iterable[str]) -> dict[str, int]:
        """The number of the attempt that counts for each key; 0 where there is none."""
        numbers, several = dict.fromkeys(keys, 0), set[str]()
        for key, number in self._numbered(numbers):
            if number_before := numbers.get(key, -1):
                if number_before > 0:
                    several.add(key)
                continue
            numbers[key] = number
        return numbers | self._counting(several)

    def _numbered(self, keys: Iterable[str]) -> Iterator[Row]:
        """Keys and numbers of attempts, of other keys as well."""
        wanted = list(keys)
        query = f"SELECT key, id FROM verdicts WHERE {self._seen}"
        if len(wanted) * SHARE >= self.newest():
            return self._stream(query)
        return self._select(f"{query} AND key IN ({{}})", wanted)

    def _counting(self, keys: Iterable[str]) -> dict[str, int]:
        attempts: dict[str, list[tuple[int, Verdict]]] = {}
        query = f"SELECT key, id, body FROM verdicts WHERE key IN ({{}}) AND {self._seen} ORDER BY id"
        for key, number, body in self._select(query, keys):
            attempts.setdefault(key, []).append((number, self._row("verdict", key, body, attempt_row)))
        return {key: _number(every) for key, every in attempts.items()}

    def reasons(self, numbers: Iterable[int]) -> dict[int, str]:
        """The reasons of some attempts, by their numbers."""
        return self._at(numbers, reason_of)

    def attempts_at(self, numbers: Iterable[int]) -> dict[int, VerdictLite]:
        """Some attempts, by their numbers, as far as numbers need them."""
        return self._at(numbers, VerdictLite.parse)

    def _at(self, numbers: Iterable[int], read: Callable[[str, str], R]) -> dict[int, R]:
        wanted, rows = iter(sorted(set(numbers))), dict[int, R]()
        while some := list(islice(wanted, _TOGETHER)):
            query = f"SELECT id, key, body FROM verdicts WHERE id IN ({','.join('?' * len(some))})"
            for number, key, body in self._read(query, some):
                rows[number] = self._row("verdict", key, body, read)
        return rows


def attempt_row(key: str, body: str) -> Verdict:
    """The attempt at a verdict that a row holds."""
    return Verdict.model_validate_json(body)


def counted(attempts: Sequence[Verdict]) -> Verdict:
    """The attempt that counts: the first `ok`, else the last; a correction discards what it follows."""
    start = max((n for n, attempt in enumerate(attempts) if attempt.supersedes), default=0)
    return next((a for a in attempts[start:] if a.status is Status.OK), attempts[-1])


def _number(attempts: Sequence[tuple[int, Verdict]]) -> int:
    counting = counted([attempt for _, attempt in attempts])
    return next(number for number, attempt in attempts if attempt is counting)
