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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from brie.judge.batch_parts import Part, Waiting
from brie.judge.declined import verdict_on
from brie.judge.faults import Fault
from brie.judge.interface import Reply, Task
from brie.judge.prices import batch_share
from brie.judge.prompt import Correction, JudgePrompt
from brie.judge.providers.batches import Batches, Item, Row
from brie.judge.providers.remote import RemoteJudge
from brie.judge.run_context import CLAIM_SECONDS, RunContext
from brie.judge.writer import keep_all
from brie.provenance import now
from brie.records import Status, Usage
from brie.store.ledger import BatchBody, BatchRow

HELD_SECONDS = 72 * 3600.0
"""Providers give a batch up after a day; its keys are free again some time after that."""
_TIMES = 2
"""How often a run hands a request over at most."""
_NO_ROOM = (413, 429)
"""Too large, too many: nothing was done, and less of it, or the same later, may be taken."""
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


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A batch that the provider has, or may have."""

    judge: str
    requests: int


@dataclass
class BatchRunner:
    """Hands over and collects the batches of one evaluation, several under way at a time."""

    context: RunContext
    tasks: Mapping[str, Task]
    """By key: every verdict of the evaluation."""
    polling: PollPolicy
    collected: Collected = field(default_factory=Collected)
    _times: Counter[str] = field(default_factory=Counter)
    """How often each key was handed over."""
    _waiting: dict[str, Waiting] = field(default_factory=dict)
    """By judge: what there was no room for yet."""
    _under_way: dict[str, UnderWay] = field(default_factory=dict)
    """By our name, oldest first: what the providers have."""
    _candidates: dict[str, list[str]] = field(default_factory=dict)
    """By batch that nobody confirmed: ids at the provider that may be its."""

    async def hand_over(self, missing: Sequence[Task]) -> bool:
        """Hand over what is missing and what the providers have room for, nothing more than twice.

        Returns:
            Whether anything was handed over; `collect` hands over what is left.
        """
        self._look_up()
        self.collected.short, before = False, self._times.total()
        wanted = [task for task in missing if self._times[task.key] < _TIMES]
        async with _Judges(self.context) as judges:
            for name in dict.fromkeys(task.judge for task in wanted):
                mine = [task for task in wanted if task.judge == name]
                self._waiting[name] = Waiting(judges.open(name), mine, self.context.shown)
                await self._hand_over(name, judges.open(name))
        return self._times.total() > before

    async def _hand_over(self, name: str, judge: RemoteJudge) -> None:
        """Hand over the parts of one judge that there is room for."""
        waiting = self._waiting.get(name)
        while waiting and name not in self.collected.stopped:
            waiting.judge = judge
            part = waiting.next(self._requests(name))
            if part is None:
                break
            waiting.take()
            if not await self._submit(name, judge, part):
                break

    def _look_up(self) -> None:
        """Find batches that other runs handed over."""
        store = self.context.store
        for batch in store.batches(self.context.evaluation):
            row = store.batch(batch)
            if row.judge in self.context.by_id and self.tasks.keys() >= set(row.body["keys"].values()):
                self._under_way[batch] = UnderWay(row.judge, len(row.body["keys"]))

    def _requests(self, name: str) -> int:
        """Requests of a judge that its provider has."""
        return sum(flying.requests for flying in self._under_way.values() if flying.judge == name)

    def _done(self, row: BatchRow) -> None:
        """Nothing will come of a batch any more; its keys are free."""
        self.context.store.change_batch(row.id, state="done", body=row.body)
        self._under_way.pop(row.id, None)

    async def _submit(self, name: str, judge: RemoteJudge, part: Part) -> bool:
        """Hand a part over; False: there was no room for it, and it waits again."""
        share, context = batch_share(judge.spec), self.context
        reserved = context.store.reserve(
            list(part.bodies), context.owner, seconds=CLAIM_SECONDS,
            usd={key: share * usd for key, usd in part.worst.items()}, judge=name,
            evaluation=context.evaluation, cap=context.cap, final=context.final,
        )  # fmt: skip
        self.collected.short |= bool(reserved.left)
        if not reserved.mine:
            return True
        batch = secrets.token_hex(6)
        body: BatchBody = {
            "keys": {f"{batch}-{number}": key for number, key in enumerate(reserved.mine)},
            "numbers": {key: part.numbers[key] for key in reserved.mine},
            "provider_id": None,
            "owner": context.owner.name,
        }
        row = BatchRow(batch, name, "submitting", body, now())
        context.store.open_batch(row, context.evaluation, reserved.mine, seconds=HELD_SECONDS)
        self._under_way[batch] = UnderWay(name, len(reserved.mine))
        self._times.update(reserved.mine)
        requests = [(custom, part.bodies[key]) for custom, key in body["keys"].items()]
        try:
            provider_id = await _batches(judge).submit(batch, requests)
        except judge.adapter.errors as error:
            return self._not_taken(row, judge, error)
        except _GARBLED:
            return True
        context.store.change_batch(batch, state="open", body={**body, "provider_id": provider_id})
        context.say(f"{name}: a batch of {len(requests):,} verdicts is under way ({provider_id}).")
        return True

    def _not_taken(self, row: BatchRow, judge: RemoteJudge, error: Exception) -> bool:
        failure, fault = judge.adapter.failure(error), judge.fault_of(error)
        if failure.what != "status" or failure.status >= 500:
            return True  # Perhaps it was taken: collecting looks for it.
        if failure.status in _NO_ROOM and fault.kind != "all":
            self._no_room(row, str(fault))
            return False
        self._done(row)
        self.collected.stopped[row.judge] = f"the batch was not taken: {fault}"
        return True

    def _no_room(self, row: BatchRow, why: str) -> None:
        """The provider did nothing of a batch: its verdicts wait until there is room."""
        name = row.judge
        self._done(row)
        keys = list(row.body["keys"].values())
        self._times.subtract(keys)
        waiting = self._waiting.get(name)
        if waiting is None:
            self.context.say(f"{name}: the provider had no room for {len(keys):,} verdicts: {why}")
        elif not waiting.back([self.tasks[key] for key in keys], self._requests(name)):
            self.collected.stopped[name] = f"the provider has no room for a single request: {why}"

    async def collect(self) -> None:
        """Wait for every batch that is under way, keep what comes back, and hand over what waits."""
        self._look_up()
        if self._under_way or self._can_go_on():
            self.context.say(
                f"waiting for {len(self._under_way)} batches{self._waits()}, a day at most; Ctrl-C "
                f"leaves them under way, and `brie judge {self.context.evaluation}` collects them later."
            )
        pause = self.polling.first
        async with _Judges(self.context) as judges:
            while self._under_way or self._can_go_on():
                ended = False
                for batch, flying in list(self._under_way.items()):
                    ended |= await self._has_ended(batch, judges.open(flying.judge))
                for name in self._waiting:
                    await self._hand_over(name, judges.open(name))
                pause = self.polling.first if ended else pause
                if self._under_way or self._can_go_on():
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, self.polling.most)

    def _waits(self) -> str:
        """What waits until there is room, in words."""
        count = sum(map(len, self._waiting.values()))
        return f" ({count:,} verdicts wait until there is room)" if count else ""

    def _can_go_on(self) -> bool:
        """Whether something waits that will be handed over."""
        return any(
            len(waiting) and name not in self.collected.stopped
            for name, waiting in self._waiting.items()
        )

    async def _has_ended(self, batch: str, judge: RemoteJudge) -> bool:
        """Look at a batch, and keep it if the provider is through with it; whether it is."""
        row = self.context.store.batch(batch)
        if row.state == "done":  # another process has kept it
            self._under_way.pop(batch, None)
            return True
        if self._is_handed_over_elsewhere(row):
            return False
        try:
            return await self._kept(row, judge)
        except judge.adapter.errors as error:
            self._failed(row, judge, error)
        except _GARBLED:
            self._cannot(row, _OTHER_KIND)
        # It stays in the store, for the next run.
        self._under_way.pop(batch, None)
        return True

    def _is_handed_over_elsewhere(self, row: BatchRow) -> bool:
        """Whether another living process may be about to have a batch confirmed."""
        owner, me = row.body.get("owner", ""), self.context.owner
        return row.state == "submitting" and owner not in ("", me.name) and me.is_alive(owner)

    async def _kept(self, row: BatchRow, judge: RemoteJudge) -> bool:
        batches, provider_id = _batches(judge), row.body["provider_id"]
        for candidate in [provider_id] if provider_id else await self._lost(row, batches):
            if not await batches.ended(candidate):
                return False
            items = await batches.items(candidate)
            if provider_id or any(item.custom_id in row.body["keys"] for item in items):
                problem = await batches.problem(candidate)
                if problem.no_room and not items:
                    self._no_room(row, judge.redact(problem.said))
                else:
                    self._keep(row, judge, items, judge.redact(problem.said))
                return True
        # It never arrived: its keys are free, and the next round asks for them.
        self._done(row)
        return True

    async def _lost(self, row: BatchRow, batches: Batches) -> list[str]:
        """Batches that may be the one nobody confirmed; a list may lag behind, so it is asked twice."""
        if row.id in self._candidates:
            return self._candidates[row.id]
        for wait in (self.polling.first, 0.0):
            candidates = await batches.find(
                row.id, row.created, len(row.body["keys"]), self.context.store.provider_batches()
            )
            if candidates or not wait:
                break
            await asyncio.sleep(wait)
        self._candidates[row.id] = candidates
        return candidates

    def _failed(self, row: BatchRow, judge: RemoteJudge, error: Exception) -> None:
        failure = judge.adapter.failure(error)
        if failure.what == "status":
            self._cannot(row, judge.fault_of(error))
            if failure.status == 404:
                self._done(row)
        elif failure.what == "garbled":
            self._cannot(row, _OTHER_KIND)
        else:
            self._cannot(row, judge.redact(f"{error} {error.__cause__ or ''}".strip()))

    def _cannot(self, row: BatchRow, why: object) -> None:
        self.collected.stopped[row.judge] = f"its batch could not be collected: {why}"

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
        self._under_way.pop(row.id, None)
        if self._under_way:
            left = f"{len(self._under_way)} are under way{self._waits()}"
            context.say(f"{row.judge}: a batch of {len(kept):,} verdicts is in; {left}.")

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


class _Judges:
    """Judges that are opened once and closed together."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._opened: dict[str, RemoteJudge] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await asyncio.gather(*(judge.close() for judge in self._opened.values()))

    def open(self, name: str) -> RemoteJudge:
        """A judge by its id."""
        if name not in self._opened:
            judge = self._context.open(name)
            assert isinstance(judge, RemoteJudge)
            self._opened[name] = judge
        return self._opened[name]


def _batches(judge: RemoteJudge) -> Batches:
    batches = judge.adapter.batches()
    assert batches is not None, f"the table gives {judge.spec.provider} batches, its adapter does not"
    return batches
