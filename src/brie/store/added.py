"""What was added to a store last. Verdict attempts are only ever added, each with a higher number."""

from __future__ import annotations

from collections.abc import Iterable

from brie.store.numbered import Numbered


class Added(Numbered):
    """The newest rows of a store."""

    def added(self, judge: str, rubric: str, *, after: int, until: int, most: int) -> list[str]:
        """Keys of a judge's attempts that came in a span, in the order they came; found by an index.

        Args:
            judge: digest of the judge.
            rubric: digest of what it reads.
            after: number of the last attempt before the span.
            until: number of the last one in it.
            most: how many keys are wanted at most.
        """
        query = (
            "SELECT key FROM verdicts WHERE judge = ? AND rubric = ? AND id > ? AND id <= ?"
            " ORDER BY id LIMIT ?"
        )
        return [str(key) for (key,) in self._read(query, (judge, rubric, after, until, most))]

    def last_kept(self, keys: Iterable[str]) -> tuple[int, str]:
        """The newest attempt at these verdicts: its number, and when it came; 0 and "" for none."""
        query = "SELECT id, created FROM verdicts WHERE key IN ({})"
        return max(((int(row), str(at)) for row, at in self._select(query, keys)), default=(0, ""))
