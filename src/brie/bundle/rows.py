"""The rows of one evaluation, read out of a store and merged into another."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import groupby, islice
from typing import TypeVar

from brie.bundle.layout import KeptCall, KeptCompletion, KeptLook, KeptVerdict
from brie.digest import digest
from brie.errors import InputError
from brie.records import Completion, Verdict
from brie.store import Store, answer_row, attempt_row
from brie.store.looks import Look

_TOGETHER = 400
T = TypeVar("T")


class Exchange(Store):
    """A store that rows leave and enter with the times they were made at."""

    # --- out -----------------------------------------------------------------------------

    def completions_of(self, keys: Iterable[str]) -> Iterator[KeptCompletion]:
        """Stored completions, by key."""
        for part in _parts(sorted(set(keys))):
            rows = self._select("SELECT key, created, body FROM completions WHERE key IN ({})", part)
            for key, created, body in sorted(rows):
                yield KeptCompletion(created=created, row=self._row("completion", key, body, answer_row))

    def attempts_of(self, keys: Iterable[str]) -> Iterator[KeptVerdict]:
        """All attempts, by key, in the order they were made."""
        query = "SELECT key, id, created, body FROM verdicts WHERE key IN ({})"
        for part in _parts(sorted(set(keys))):
            for key, _, created, body in sorted(self._select(query, part)):
                yield KeptVerdict(created=created, row=self._row("verdict", key, body, attempt_row))

    def calls_of(self, evaluations: Sequence[str]) -> Iterator[KeptCall]:
        """Calls booked under some names, in a fixed order."""
        names = ("evaluation", "judge", "key", "usd", "body", "created")
        asked = ",".join("?" * len(evaluations))
        query = (
            f"SELECT {', '.join(names)} FROM calls WHERE evaluation IN ({asked})"
            " ORDER BY created, evaluation, judge, key, usd, body"
        )
        for row in self._stream(query, evaluations):
            named = dict(zip(names, row, strict=True))
            yield KeptCall.model_validate({**named, "body": json.loads(row[4])})

    def looks_of(self, *, suite: str, evaluation: str) -> list[KeptLook]:
        """Looks at a suite, and at other versions of it, oldest first."""
        name = evaluation.rpartition("-")[0]
        rows = self._read(
            "SELECT suite, evaluation, rows, created, headline, part, prompts FROM looks ORDER BY id"
        )
        looks = [row for row in rows if row[0] == suite or row[1].rpartition("-")[0] == name]
        sets: dict[str, list[str]] = {}
        for of, prompt in self._select(
            "SELECT prompts, prompt FROM looked_at WHERE prompts IN ({})", [row[6] for row in looks]
        ):
            sets.setdefault(of, []).append(prompt)
        return [
            KeptLook(
                suite=of, evaluation=by, rows=what, created=at, headline=headline, part=part,
                prompts=tuple(sorted(sets.get(prompts, ()))),
            )
            for of, by, what, at, headline, part, prompts in looks
        ]  # fmt: skip

    # --- in ------------------------------------------------------------------------------

    def together(self) -> AbstractContextManager[None]:
        """One write transaction around several merges: all of them, or none."""
        return self._writing()

    def merge_completions(self, rows: Iterable[KeptCompletion]) -> int:
        """Add the completions that are missing; returns how many.

        Raises:
            InputError: a stored one says something else.
        """
        added = 0
        for part in _parts(rows):
            there = self.completions(brought.row.key for brought in part)
            for brought in part:
                if brought.row.key in there:
                    what = f"completion {brought.row.key}"
                    _same(what, _answer_digest, here=there[brought.row.key], there=brought.row)
                    continue
                row = brought.row
                body = row.model_dump_json()
                self._db.execute(
                    "INSERT INTO completions VALUES (?, ?, ?, ?, ?, ?)",
                    (row.key, row.pin, row.prompt, row.sample, body, brought.created),
                )
                added += 1
        return added

    def merge_attempts(self, rows: Iterable[KeptVerdict]) -> int:
        """Add the attempts that are missing; returns how many. Rows of a key stand together.

        Raises:
            InputError: the attempts here and there are not the beginning of one another.
        """
        added = 0
        grouped = (list(group) for _, group in groupby(rows, key=lambda stored: stored.row.key))
        for part in _parts(grouped):
            there = self.attempts(stored[0].row.key for stored in part)
            for brought in part:
                key = brought[0].row.key
                here = there.get(key, [])
                for mine, theirs in zip(here, brought, strict=False):
                    _same(f"verdict {key}", _said_digest, here=mine, there=theirs.row)
                added += self._append(brought[len(here) :], len(here))
        return added

    def _append(self, rows: Sequence[KeptVerdict], before: int) -> int:
        for attempt, stored in enumerate(rows, before):
            row = stored.row.model_copy(update={"attempt": attempt})
            self._db.execute(
                "INSERT INTO verdicts (key, attempt, judge, rubric, presentation, repeat, status, body,"
                " created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row.key, attempt, row.judge, row.rubric, row.presentation, row.repeat, row.status,
                 row.model_dump_json(), stored.created),
            )  # fmt: skip
        return len(rows)

    def merge_calls(self, rows: Iterable[KeptCall], evaluations: Sequence[str]) -> None:
        """Book the calls that are not booked here.

        Args:
            rows: the calls.
            evaluations: the names they are booked under.
        """
        booked = Counter(map(_call_digest, self.calls_of(evaluations)))
        for row in rows:
            name = _call_digest(row) if booked else ""
            if booked[name] > 0:
                booked[name] -= 1
            else:
                self._db.execute(
                    "INSERT INTO calls (evaluation, judge, key, usd, body, created)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (row.evaluation, row.judge, row.key, row.usd, json.dumps(row.body), row.created),
                )

    def merge_looks(self, rows: Sequence[KeptLook]) -> None:
        """Count the looks that are not counted here."""
        for row in rows:
            self.add_look(
                Look(
                    suite=row.suite, evaluation=row.evaluation, rows=row.rows, headline=row.headline,
                    read=row.rows, prompts=row.prompts, part=row.part,
                ),
                row.created,
            )  # fmt: skip


def _parts(rows: Iterable[T]) -> Iterator[list[T]]:
    """Rows in lists of a size one query can ask for."""
    iterator = iter(rows)
    while part := list(islice(iterator, _TOGETHER)):
        yield part


def _answer_digest(row: Completion) -> str:
    """What an answer says; how long it took is another matter on every machine."""
    return digest(row.model_dump(mode="json", exclude={"seconds"}))


def _said_digest(row: Verdict) -> str:
    return digest(row.model_dump(mode="json", exclude={"usage", "attempt"}))


def _call_digest(row: KeptCall) -> str:
    return digest(row)


def _same(what: str, name: Callable[[T], str], *, here: T, there: T) -> None:
    left, right = name(here), name(there)
    if left != right:
        raise InputError(
            f"the {what} is another one here ({left}) than in the bundle ({right}); nothing was merged. "
            "Unbundle it in a project of its own."
        )
