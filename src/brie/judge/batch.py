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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from brie.blinding import JudgeInput
from brie.judge.declined import verdict_on
from brie.judge.faults import Fault
from brie.judge.interface import Judge, Reply, Task
from brie.judge.prices import batch_share
from brie.judge.prompt import Correction, JudgePrompt
from brie.judge.providers.batches import Batches, Item, Row
from brie.judge.providers.remote import RemoteJudge
from brie.judge.run_context import CLAIM_SECONDS, RunContext
from brie.judge.writer import keep_all
from brie.provenance import now
from brie.records import BatchLimits, Status, Usage
from brie.store.ledger import BatchBody, BatchRow

HELD_SECONDS = 72 * 3600.0
"""Providers give a batch up after a day; its keys are free again some time after that."""
_TIMES = 2
"""How often a run hands a request over at most."""
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
    failed: set[str] = field(default_factory=set)
    """Keys of verdicts that ended in an error, and were not mended since."""
    unreadable: dict[str, Correction] = field(default_factory=dict)
    """Keys of verdicts that could not be read, what they say and why; to be asked once more."""
    stopped: dict[str, str] = field(default_factory=dict)
    """Judges whose batch was not taken or failed, with what was said; they hand over no more."""
    short: bool = False
    """The budget left verdicts out."""


@dataclass
class BatchRunner:
    """Hands over and collects the batches of one evaluation."""

    context: RunContext
    tasks: Mapping[str, Task]
    """By key: every verdict of the evaluation."""
    polling: PollPolicy
    collected: Collected = field(default_factory=Collected)
    _times: Counter[str] = field(default_factory=Counter)
    """How often each key was handed over."""

    async def hand_over(self, missing: Sequence[Task]) -> bool:
        """Hand over what is missing, one batch after the other, nothing more than twice.

        Returns:
            Whether anything was handed over.
        """
        self.collected.short, before = False, self._times.total()
        wanted = [task for task in missing if self._times[task.key] < _TIMES]
        for name in dict.fromkeys(task.judge for task in wanted):
            judge = _remote(self.context.open(name))
            try:
                for part in _parts([t for t in wanted if t.judge == name], self.context.shown, judge):
                    if name not in self.collected.stopped:
                        await self._submit(name, judge, part)
            finally:
                await judge.close()
        return self._times.total() > before

    async def _submit(self, name: str, judge: RemoteJudge, tasks: Sequence[Task]) -> None:
        share = batch_share(judge.spec)
        prompts = {task.key: judge.prompt(self.context.shown(task)) for task in tasks}
        usd = {t.key: share * judge.worst(self.context.shown(t)) for t in tasks}
        reserved = self.context.store.reserve(
            [t.key for t in tasks], self.context.owner, seconds=CLAIM_SECONDS, usd=usd, judge=name,
            evaluation=self.context.evaluation, cap=self.context.cap, final=self.context.final,
        )  # fmt: skip
        self.collected.short |= bool(reserved.left)
        if not reserved.mine:
            return
        batch = secrets.token_hex(6)
        ids = {f"{batch}-{number}": key for number, key in enumerate(reserved.mine)}
        body: BatchBody = {
            "keys": ids,
            "numbers": {key: prompts[key].number for key in reserved.mine},
            "provider_id": None,
        }
        row = BatchRow(batch, name, "submitting", body, now())
        self.context.store.open_batch(row, self.context.evaluation, reserved.mine, seconds=HELD_SECONDS)
        self._times.update(reserved.mine)
        requests = [(custom, judge.body(prompts[key])) for custom, key in ids.items()]
        try:
            provider_id = await _batches(judge).submit(batch, requests)
        except judge.adapter.errors as error:
            failure = judge.adapter.failure(error)
            if failure.what != "status" or failure.status >= 500:
                return  # Perhaps it was taken: collecting looks for it.
            self.context.store.change_batch(batch, state="done", body=body)
            self.collected.stopped[name] = f"the batch was not taken: {judge.fault_of(error)}"
            return
        except _GARBLED:
            return
        self.context.store.change_batch(batch, state="open", body={**body, "provider_id": provider_id})
        self.context.say(f"{name}: a batch of {len(requests)} verdicts is under way ({provider_id}).")

    async def collect(self) -> None:
        """Wait for every batch that is under way, and keep what comes back."""
        rows = [
            row
            for row in self.context.store.batches(self.context.evaluation)
            if row.judge in self.context.by_id and self.tasks.keys() >= set(row.body["keys"].values())
        ]
        if rows:
            self.context.say(
                f"waiting for {len(rows)} batches, a day at most; Ctrl-C leaves them under way, and "
                f"`brie judge {self.context.evaluation}` collects them later."
            )
        for row in rows:
            judge = _remote(self.context.open(row.judge))
            try:
                await self._collect(row, judge)
            except judge.adapter.errors as error:
                self._failed(row, judge, error)
            except _GARBLED:
                self._cannot(row, _OTHER_KIND)
            finally:
                await judge.close()

    def _failed(self, row: BatchRow, judge: RemoteJudge, error: Exception) -> None:
        failure = judge.adapter.failure(error)
        if failure.what == "status":
            self._cannot(row, judge.fault_of(error))
            if failure.status == 404:
                self.context.store.change_batch(row.id, state="done", body=row.body)
        elif failure.what == "garbled":
            self._cannot(row, _OTHER_KIND)
        else:
            self._cannot(row, judge.redact(f"{error} {error.__cause__ or ''}".strip()))

    def _cannot(self, row: BatchRow, why: object) -> None:
        self.collected.stopped[row.judge] = f"its batch could not be collected: {why}"

    async def _collect(self, row: BatchRow, judge: RemoteJudge) -> None:
        batches = _batches(judge)
        provider_id = row.body["provider_id"]
        candidates = [provider_id] if provider_id else await self._lost(row, batches)
        for candidate in candidates:
            await self._ended(batches, candidate)
            items = await batches.items(candidate)
            if provider_id or any(item.custom_id in row.body["keys"] for item in items):
                self._keep(row, judge, items, judge.redact(await batches.problem(candidate)))
                return
        # It never arrived: its keys are free, and the next round asks for them.
        self.context.store.change_batch(row.id, state="done", body=row.body)

    async def _lost(self, row: BatchRow, batches: Batches) -> list[str]:
        """Batches that may be the one nobody confirmed; a list may lag behind, so it is asked twice."""
        for wait in (self.polling.first, 0.0):
            candidates = await batches.find(
                row.id, row.created, len(row.body["keys"]), self.context.store.provider_batches()
            )
            if candidates or not wait:
                break
            await asyncio.sleep(wait)
        return candidates

    async def _ended(self, batches: Batches, candidate: str) -> None:
        wait = self.polling.first
        while not await batches.ended(candidate):
            await asyncio.sleep(wait)
            wait = min(2 * wait, self.polling.most)

    def _keep(self, row: BatchRow, judge: RemoteJudge, items: Sequence[Item], problem: str) -> None:
        """Keep a verdict for every request of a batch, whatever became of it.

        Args:
            row: the batch.
            judge: its judge.
            items: what the provider has of it.
            problem: why it has nothing of the rest, where it says so.
        """
        came: dict[str, Item] = {}
        for item in items:
            key = row.body["keys"].get(item.custom_id)
            if key is not None:
                came.setdefault(key, item)
        if problem and not came:
            self.collected.stopped[row.judge] = (
                f"its batch of {len(row.body['keys'])} verdicts failed: {problem.rstrip('.')}. "
                "Nothing was handed over again"
            )
        verdicts = []
        for key, number in row.body["numbers"].items():
            item = came.get(key) or Item("", problem=problem or "no result")
            reply = self._reply(judge, key, item, number)
            self.context.remark(row.judge, reply.remark)
            self.context.look_who_answered(row.judge, reply.served)
            verdicts.append((self.tasks[key].verdict(reply), row.judge))
        context, collected = self.context, self.collected
        kept = keep_all(context.store, verdicts, evaluation=context.evaluation, closes=row.id)
        failed = {verdict.key for verdict in kept if verdict.status is Status.ERROR}
        collected.computed += len({v.key for v in kept} - collected.failed)
        collected.failed = (collected.failed - {v.key for v in kept}) | failed
        context.on_done(len(kept))

    def _reply(self, judge: RemoteJudge, key: str, item: Item, number: str) -> Reply:
        """What an item says; one that cannot be read, for whatever reason, costs only itself."""
        if item.document is None:
            why = judge.redact(item.problem)
            status = verdict_on(400, why) or Status.ERROR
            return Reply(status, reason=f"batch: {why}", usage=Usage(attempts=0))
        try:
            reply = self._read(judge, key, item.document, number)
        except Exception as error:  # A reply is foreign: no item may cost the others.
            usd = batch_share(judge.spec) * judge.worst(self.context.shown(self.tasks[key]))
            why = f"batch: the reply is of another kind ({type(error).__name__})"
            return Reply(Status.ERROR, reason=why, usage=Usage(usd=usd))
        if reply.unreadable:
            self.collected.unreadable[key] = Correction(reply.reason, reply.text)
        return reply

    def _read(self, judge: RemoteJudge, key: str, document: Row, number: str) -> Reply:
        task = self.tasks[key]
        prompt = JudgePrompt("", "", number)
        share = batch_share(judge.spec)
        try:
            return judge.read(
                document,
                prompt,
                0.0,
                worst=lambda: judge.worst(self.context.shown(task)),
                sent=lambda: judge.size(self.context.shown(task)),
                share=share,
            )
        except Fault as fault:
            usd = share * judge.worst(self.context.shown(task))
            return Reply(Status.ERROR, reason=f"batch: {fault}", usage=Usage(usd=usd))


def _remote(judge: Judge) -> RemoteJudge:
    assert isinstance(judge, RemoteJudge)
    return judge


def _batches(judge: RemoteJudge) -> Batches:
    batches = judge.adapter.batches()
    assert batches is not None, f"the table gives {judge.spec.provider} batches, its adapter does not"
    return batches


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
        bytes_of_task = judge.size(shown(task))
        if part and (len(part) >= limits.requests or size + bytes_of_task > limits.size):
            yield part
            part, size = [], 0
        part.append(task)
        size += bytes_of_task
    if part:
        yield part
