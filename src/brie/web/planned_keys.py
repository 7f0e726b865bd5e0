"""Which comparison a planned verdict is about, by its key: sixteen hex digits of each, in order.

A million keys as text would be larger than all else an index holds. Two that begin alike cost no more
than a comparison that is read for nothing.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from brie.digest import PREFIX

SCHEMA = "CREATE TABLE planned (name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"
_DIGITS = 16


class PlannedKeys:
    """Keys of an index, and the places of their comparisons."""

    def __init__(self, starts: NDArray[np.uint64], places: NDArray[np.int32]) -> None:
        """
        Args:
            starts: of the keys, in ascending order.
            places: of the comparisons, one a key.
        """
        self._starts, self._places = starts, places

    @classmethod
    def of(cls, keys: Iterable[tuple[str, int]]) -> PlannedKeys:
        """From keys and places, in any order."""
        starts, places = array("Q"), array("i")
        for key, place in keys:
            starts.append(_start(key))
            places.append(place)
        order = np.argsort(np.frombuffer(starts, np.uint64), kind="stable")
        return cls(np.frombuffer(starts, np.uint64)[order], np.frombuffer(places, np.int32)[order])

    @classmethod
    def read(cls, db: sqlite3.Connection) -> PlannedKeys:
        """Those of an index."""
        data: dict[str, bytes] = dict(db.execute("SELECT name, data FROM planned").fetchall())
        return cls(np.frombuffer(data["starts"], np.uint64), np.frombuffer(data["places"], np.int32))

    def write(self, db: sqlite3.Connection) -> None:
        """Into an index."""
        rows = [("starts", self._starts.tobytes()), ("places", self._places.tobytes())]
        db.executemany("INSERT INTO planned VALUES (?, ?)", rows)

    def among(self, keys: Sequence[str]) -> Iterator[list[int]]:
        """Of each key the places it is planned at: none for a key of something else."""
        starts = np.array([_start(key) for key in keys], np.uint64)
        first = np.searchsorted(self._starts, starts, "left")
        after = np.searchsorted(self._starts, starts, "right")
        for start, end in zip(first.tolist(), after.tolist(), strict=True):
            yield self._places[start:end].tolist()


def _start(key: str) -> int:
    return int(key.removeprefix(PREFIX)[:_DIGITS], 16)
