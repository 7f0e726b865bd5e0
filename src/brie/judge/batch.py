"""Judging through the providers' batches: handed over today, collected whenever they are done.

    missing verdicts -> a row in the store ("submitting") -> handed over -> the provider's id in the row
    ("open") -> ... -> collected, each reply on its own -> "done"

The row is written before the batch is handed over, and its keys belong to the batch from then on, not
to the process. Whatever dies in between, the next run finds the batch at the provider again, or finds
that it was never taken: none is submitted twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from brie.blinding import JudgeInput
from brie.judge.faults import Fault
from brie.judge.interface import Reply, Task
from brie.judge.prices import batch_share
from brie.judge.prompt import JudgePrompt
from brie.judge.providers import open_judge
from brie.judge.providers.batches import Batches, Item
from brie.judge.providers.remote import RemoteJudge
from brie.judge.workers import CLAIM_SECONDS
from brie.provenance import now
from brie.records import BatchLimits, PanelJudge, Status, Usage
from brie.store import Store
from brie.store.ledger import BatchBody, BatchRow
from brie.store.owner import Owner

HELD_SECONDS = 72 * 3600.0
"""Providers give a batch up after a day; its keys are free again some time after that."""
_OTHER_KIND = "the server's answer is of another kind"
_GARBLED = (AttributeError, KeyError, TypeError, ValueError)
"""What the SDKs raise over a body that is not the document it should be."""


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """How often a batch is asked after."""

    first: float = 10.0
    """Seconds before the second question; they double up to `most`."""
    most: float = 120.0


@dataclass
class Collected:
    """What came of the batches."""

    computed: int = 0
    errors: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    """Keys of verdicts that could not be read, and why; to be asked once more."""
    stopped: dict[str, str] = field(default_factory=dict)
    """Judges whose batch was not taken, with what the provider said."""
    short: bool = False
    """The budget left verdicts out."""


@dataclass
class BatchRunner:
    """Hands over and collects the batches of one evaluation."""

    seats: Mapping[str, PanelJudge]
    tasks: Mapping[str, Task]
    """By key: every verdict of the evaluation."""
    shown: Callable[[Task], JudgeInput]
    store: Store
    owner: Owner
    evaluation: str
    cap: float | None
    final: tuple[Status, ...]
    say: Callable[[str], None]
    on_done: Callable[[int], None]
    rhythm: PollPolicy = field(default_factory=PollPolicy)
    came: Collected = field(default_factory=Collected)

    async def hand_over(self, missing: Sequence[Task]) -> None:
        """Hand over what is missing, one batch after the other."""
        for name in dict.fromkeys(task.judge for task in missing):
            judge = _remote(self.seats[name])
            try:
                for part in _parts([t for t in missing if t.judge == name], self.shown, judge):
                    await self._submit(name, judge, part)
            finally:
                await judge.close()

    async def _submit(self, name: str, judge: RemoteJudge, tasks: Sequence[Task]) -> None:
        share = batch_share(judge.spec)
        usd = {t.key: share * judge.worst(self.shown(t)) for t in tasks}
        got = self.store.reserve(
            [t.key for t in tasks], self.owner, seconds=CLAIM_SECONDS, usd=usd, judge=name,
            evaluation=self.evaluation, cap=self.cap, final=self.final,
        )  # fmt: skip
        self.came.short |= bool(got.left)
        if not got.mine:
            return
        batch = secrets.token_hex(6)
        cases = {key: judge.case(self.shown(self.tasks[key])) for key in got.mine}
        ids = {f"{batch}-{place}": key for place, key in enumerate(got.mine)}
        body: BatchBody = {
            "keys": ids,
            "numbers": {key: case.number for key, case in cases.items()},
            "provider_id": None,
        }
        row = BatchRow(batch, name, "submitting", body, now())
        self.store.open_batch(row, self.evaluation, got.mine, seconds=HELD_SECONDS)
        requests = [(custom, judge.body(cases[key])) for custom, key in ids.items()]
        try:
            provider_id = await _batches(judge).submit(batch, requests)
        except judge.wire.errors as error:
            failure = judge.wire.failure(error)
            if failure.what != "status" or failure.status >= 500:
                return  # Perhaps it was taken: collecting looks for it.
            self.store.change_batch(batch, state="done", body=body)
            self.came.stopped[name] = f"the batch was not taken: {judge.fault_of(error)}"
            return
        except _GARBLED:
            return
        self.store.change_batch(batch, state="open", body={**body, "provider_id": provider_id})
        self.say(f"{name}: a batch of {len(requests)} verdicts is under way ({provider_id}).")

    async def collect(self) -> None:
        """Wait for every batch that is under way, and keep what comes back."""
        rows = [
            row
            for row in self.store.batches(self.evaluation)
            if row.judge in self.seats and self.tasks.keys() >= set(row.body["keys"].values())
        ]
        if rows:
            self.say(
                f"waiting for {len(rows)} batches, a day at most; Ctrl-C leaves them under way, and "
                f"`brie judge {self.evaluation}` collects them later."
            )
        for row in rows:
            judge = _remote(self.seats[row.judge])
            try:
                await self._collect(row, judge)
            except judge.wire.errors as error:
                self._failed(row, judge, error)
            except _GARBLED:
                self._cannot(row, _OTHER_KIND)
            finally:
                await judge.close()

    def _failed(self, row: BatchRow, judge: RemoteJudge, error: Exception) -> None:
        failure = judge.wire.failure(error)
        if failure.what == "status":
            self._cannot(row, judge.fault_of(error))
            if failure.status == 404:
                self.store.change_batch(row.id, state="done", body=row.body)
        elif failure.what == "garbled":
            self._cannot(row, _OTHER_KIND)
        else:
            self._cannot(row, judge.redact(f"{error} {error.__cause__ or ''}".strip()))

    def _cannot(self, row: BatchRow, why: object) -> None:
        self.came.stopped[row.judge] = f"its batch could not be collected: {why}"

    async def _collect(self, row: BatchRow, judge: RemoteJudge) -> None:
        batches = _batches(judge)
        known = row.body["provider_id"]
        candidates = [known] if known else await self._lost(row, batches)
        for candidate in candidates:
            await self._ended(batches, candidate)
            items = await batches.items(candidate)
            if known or any(item.custom_id in row.body["keys"] for item in items):
                self._keep(row, judge, items)
                return
        # It never arrived: its keys are free, and the next round asks for them.
        self.store.change_batch(row.id, state="done", body=row.body)

    async def _lost(self, row: BatchRow, batches: Batches) -> list[str]:
        """Batches that may be the one nobody confirmed; a list may lag behind, so it is asked twice."""
        for wait in (self.rhythm.first, 0.0):
            found = await batches.find(
                row.id, row.created, len(row.body["keys"]), self.store.provider_batches()
            )
            if found or not wait:
                break
            await asyncio.sleep(wait)
        return found

    async def _ended(self, batches: Batches, candidate: str) -> None:
        wait = self.rhythm.first
        while not await batches.ended(candidate):
            await asyncio.sleep(wait)
            wait = min(2 * wait, self.rhythm.most)

    def _keep(self, row: BatchRow, judge: RemoteJudge, items: Sequence[Item]) -> None:
        """Keep a verdict for every request of a batch, whatever became of it."""
        came: dict[str, Item] = {}
        for item in items:
            key = row.body["keys"].get(item.custom_id)
            if key is not None:
                came.setdefault(key, item)
        verdicts = []
        for key in row.body["keys"].values():
            reply = self._reply(judge, key=key, number=row.body["numbers"][key], item=came.get(key))
            self.came.errors += reply.status is Status.ERROR
            if reply.unreadable:
                self.came.unreadable[key] = reply.reason
            verdicts.append((self.tasks[key].verdict(reply), row.judge))
        self.store.keep(verdicts, evaluation=self.evaluation, closes=row.id)
        self.came.computed += len(verdicts)
        self.on_done(len(verdicts))

    def _reply(self, judge: RemoteJudge, *, key: str, number: str, item: Item | None) -> Reply:
        if item is None or item.document is None:
            why = "no result" if item is None else judge.redact(item.problem)
            return Reply(Status.ERROR, reason=f"batch: {why}", usage=Usage())
        task = self.tasks[key]
        case = JudgePrompt("", "", number)
        share = batch_share(judge.spec)
        try:
            return judge.read(
                item.document, case, 0.0, worst=lambda: judge.worst(self.shown(task)), share=share
            )
        except Fault as fault:
            usd = share * judge.worst(self.shown(task))
            return Reply(Status.ERROR, reason=f"batch: {fault}", usage=Usage(usd=usd))


def _remote(place: PanelJudge) -> RemoteJudge:
    judge = open_judge(place)
    assert isinstance(judge, RemoteJudge)
    return judge


def _batches(judge: RemoteJudge) -> Batches:
    found = judge.wire.batches()
    assert found is not None, f"the table gives {judge.spec.provider} batches, its wire does not"
    return found


def _limits(judge: RemoteJudge) -> BatchLimits:
    limits = judge.spec.provided.batches
    assert limits is not None
    return limits


def _parts(
    tasks: Sequence[Task], shown: Callable[[Task], JudgeInput], judge: RemoteJudge
) -> Iterator[list[Task]]:
    """The tasks in parts that one batch holds."""
    limits = _limits(judge)
    part: list[Task] = []
    size = 0
    for task in tasks:
        own = judge.size(shown(task))
        if part and (len(part) >= limits.requests or size + own > limits.size):
            yield part
            part, size = [], 0
        part.append(task)
        size += own
    if part:
        yield part
