"""Requests of one judge in parts that a batch holds, built when there is room for them.

A provider takes so many requests and bytes in one batch, and on some plans only so many tokens that wait
at a time. What it takes is in the table of providers; a judge's file may ask for less, and says what the
plan allows to wait.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from brie.blinding import JudgeInput
from brie.judge.interface import Task
from brie.judge.providers.remote import RemoteJudge
from brie.records import BatchLimits, JudgeSpec

_REQUESTS = 10_000
_SIZE = 50_000_000
"""A batch holds no more where the judge's file asks for nothing else: all of it and of its replies is in
memory for a moment, and what fails as a whole is asked again as a whole."""
_ENVELOPE = 160
"""Bytes around a request in a batch: its custom id, method and address."""
_BYTES_A_TOKEN = 3
"""A guess on the safe side, by which the tokens that wait are counted: English has four."""


@dataclass(frozen=True, slots=True)
class Part:
    """Requests that go into one batch."""

    bodies: dict[str, dict[str, JsonValue]]
    """Key of a verdict -> body of its request."""
    numbers: dict[str, str]
    """Key -> the case number its request carries."""
    worst: dict[str, float]
    """Key -> US dollars it can cost at most, online."""
    size: int
    """Bytes."""

    @property
    def tokens(self) -> int:
        """Tokens that wait at the provider while it does."""
        return self.size // _BYTES_A_TOKEN


def limits(spec: JudgeSpec) -> BatchLimits:
    """What one batch of a judge may hold."""
    provided, asked = spec.provided.batches, spec.batch
    assert provided is not None
    return BatchLimits(
        requests=min(provided.requests, (asked and asked.requests) or _REQUESTS),
        size=min(provided.size, (asked and asked.size) or _SIZE),
        share=provided.share,
    )


@dataclass
class Waiting:
    """What one judge has still to hand over, and how much of it may be under way."""

    judge: RemoteJudge
    tasks: Sequence[Task]
    """In the order of work."""
    shown: Callable[[Task], JudgeInput]
    most: int = field(init=False)
    """Requests in one batch at most; fewer after the provider had no room for that many alone."""
    under_way: int | None = field(default=None, init=False)
    """Requests the provider took beside which it took no more; None: it took all so far."""
    _place: int = field(default=0, init=False)
    _next: Part | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.most = limits(self.judge.spec).requests

    def next(self, under_way: int) -> Part | None:
        """The next part, until it is taken; None: there is no room, or nothing left.

        Args:
            under_way: requests of this judge that the provider has.
        """
        if self._next is None:
            self._next = self._build()
        part, asked = self._next, self.judge.spec.batch
        if not part.bodies:
            return None
        together = under_way + len(part.bodies)
        if under_way and self.under_way is not None and together > self.under_way:
            return None
        tokens = part.tokens * together // len(part.bodies)
        return None if under_way and asked and asked.tokens and tokens > asked.tokens else part

    def take(self) -> None:
        """The next part is handed over."""
        self._next = None

    def back(self, tasks: Sequence[Task], under_way: int) -> bool:
        """What there was no room for comes first again; False: there was none for a single request.

        Args:
            tasks: theirs.
            under_way: other requests of this judge that the provider has.
        """
        left = list(self._next.bodies) if self._next else []
        self.tasks = [*tasks, *self.tasks[self._place - len(left) :]]
        self._place, self._next = 0, None
        if under_way:
            self.under_way = under_way
        else:
            self.most = len(tasks) // 2
        return self.most > 0

    def __len__(self) -> int:
        return len(self.tasks) - self._place + (len(self._next.bodies) if self._next else 0)

    def _build(self) -> Part:
        spec, part, size = self.judge.spec, Part({}, {}, {}, 0), 0
        tokens = spec.batch.tokens if spec.batch else None
        largest = min(limits(spec).size, tokens * _BYTES_A_TOKEN if tokens else sys.maxsize)
        while self._place < len(self.tasks) and len(part.bodies) < self.most:
            task = self.tasks[self._place]
            shown = self.shown(task)
            prompt = self.judge.prompt(shown)
            body = self.judge.body(prompt)
            weight = len(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")) + _ENVELOPE
            if part.bodies and size + weight > largest:
                break
            part.bodies[task.key], part.numbers[task.key] = body, prompt.number
            part.worst[task.key] = self.judge.worst(shown)
            size += weight
            self._place += 1
        return replace(part, size=size)
