"""Running judges over tasks: what is missing is claimed, asked and stored."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from brie.blinding import JudgeInput
from brie.judge import garbage
from brie.judge.batch import BatchRunner, PollPolicy
from brie.judge.interface import Judge, Task, Tasks
from brie.judge.limiter import AdaptiveLimiter
from brie.judge.parse import Refused, Unreadable, WrongCase, read_text
from brie.judge.prompt import Correction, case_number, fence_code
from brie.judge.run_context import CLAIM_SECONDS, FINAL, RunContext
from brie.judge.workers import JudgeWorker, RunState
from brie.records import Rubric, Status, Usage, Verdict, VerdictLite
from brie.store import Store, claimed

_CHUNK = 256
"""Tasks claimed and written together, for judges that answer at once."""
_STOPS = (signal.SIGINT, signal.SIGTERM)
"""What a person sends, and what containers, schedulers and service managers send."""


@dataclass(frozen=True, slots=True)
class JudgingResult:
    """What a run of the judges did."""

    computed: int
    reused: int
    errors: int = 0
    """Verdicts left as `error`: the next run asks for them again."""
    stopped: dict[str, str] = field(default_factory=dict)
    """Judges that were stopped, with what they said."""
    broke: bool = False
    """The budget was reached."""
    interrupted: bool = False


def missing(tasks: Sequence[Task], store: Store, final: Sequence[Status] = FINAL) -> Sequence[Task]:
    """The tasks without a verdict that counts as done, in their order."""
    if isinstance(tasks, Tasks):
        return tasks.missing(store, final)
    lacking = store.lacking((task.key for task in tasks), final)
    return [task for task in tasks if task.key in lacking]


def _by_key(tasks: Sequence[Task]) -> Mapping[str, Task]:
    return tasks.by_key if isinstance(tasks, Tasks) else {task.key: task for task in tasks}


def run(
    tasks: Sequence[Task],
    context: RunContext,
    *,
    batch: bool = False,
    polling: PollPolicy | None = None,
) -> JudgingResult:
    """Judge every task that has no verdict yet.

    Args:
        tasks: all planned verdicts, in the order of work.
        context: who judges, what is shown, and where verdicts go.
        batch: hand what is missing to the providers' batches, where they have them.
        polling: how often a batch is asked after; brie's own policy by default.

    Batches that are under way are waited for and collected, with or without `batch`.

    Raises:
        StoreError: the store failed; what was finished before is kept.
        UsageError: a judge cannot be opened: no key, or wrong settings.
    """
    store, context = context.store, _coded(context)
    reread(tasks, context)
    todo = list(missing(tasks, store, context.final))
    context.on_done(len(tasks) - len(todo))
    job, result = _Job(context), JudgingResult(0, len(tasks) - len(todo))
    try:
        batches = BatchRunner(context, _by_key(tasks), polling or PollPolicy())
        if batch:
            asyncio.run(batches.hand_over([task for task in todo if job.is_batched(task)]))
        online = [task for task in todo if not batch or not job.is_batched(task)]
        result = job.judge(online, result)
        if (batch or store.batches(context.evaluation)) and not result.interrupted:
            result = job.collected(batches, tasks, result, more=batch)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    return result


def _coded(context: RunContext) -> RunContext:
    """The same with a fence code in everything shown, by the store's own secret."""
    secret, shown = context.store.secret(), context.shown

    def with_code(task: Task) -> JudgeInput:
        asked = 0 if task.kind == "again" else task.repeat
        return replace(shown(task), code=fence_code(secret, task.presentation_digest, asked))

    return replace(context, shown=with_code)


def reread(tasks: Sequence[Task], context: RunContext) -> list[Verdict]:
    """Read stored replies again that an older parser could not read; nothing is asked (invariant I5).

    Args:
        tasks: all planned verdicts.
        context: who judges, what is shown, and where verdicts are kept.
    """
    store, readings = context.store, []
    keys = tasks.keys if isinstance(tasks, Tasks) else [task.key for task in tasks]
    invalid = store.kept(store.present("verdicts", keys, (Status.INVALID,)))
    unread = [key for key, verdict in invalid.items() if _is_unread(verdict)]
    by_key = _by_key(tasks) if unread else {}
    for key, verdict in store.verdicts(unread).items():
        task = by_key[key]
        rubric = context.by_id[task.judge].rubric
        if rubric is None:
            continue
        again = _reread(verdict, rubric, case_number(context.shown(task)))
        if again is not None:
            store.add_verdicts([again], evaluation=context.evaluation, judge=task.judge, booked=False)
            readings.append(again)
    return readings


def _is_unread(verdict: VerdictLite) -> bool:
    return verdict.status is Status.INVALID and verdict.reason.startswith("unreadable")


def _reread(verdict: Verdict, rubric: Rubric, case: str) -> Verdict | None:
    try:
        parsed = read_text(verdict.reply, rubric.criteria, case)
    except (Unreadable, WrongCase, Refused):
        return None
    return verdict.model_copy(
        update={
            "status": Status.OK,
            "letter": parsed.letter,
            "reason": parsed.reason,
            "scores": parsed.scores,
            "usage": Usage(attempts=0),
        }
    )


@dataclass(frozen=True, slots=True)
class _Job:
    """The parts of a run: judges that answer at once, judges side by side, batches."""

    context: RunContext

    def is_batched(self, task: Task) -> bool:
        """Whether the task's judge has batches."""
        return self.context.by_id[task.judge].judge.provided.batches is not None

    def judge(
        self, todo: Sequence[Task], before: JudgingResult, unread: Mapping[str, Correction] | None = None
    ) -> JudgingResult:
        """Ask for some verdicts now: judges that answer at once first, then the others side by side."""
        if not todo:
            return before
        judges = {name: self.context.open(name) for name in dict.fromkeys(t.judge for t in todo)}
        instant = {name for name, opened in judges.items() if self._is_instant(name, opened)}
        at_once = [task for task in todo if task.judge in instant]
        asked = [task for task in todo if task.judge not in instant]
        asyncio.run(self._at_once(at_once, judges))
        result = replace(before, computed=before.computed + len(at_once))
        judges = {name: judge for name, judge in judges.items() if name not in instant}
        if self.context.sharing is not None and judges:
            judges = self.context.sharing.shared(judges, self.context)
        return asyncio.run(self._ask_all(asked, judges, result, unread or {})) if asked else result

    def _is_instant(self, name: str, judge: Judge) -> bool:
        """What is sent away is claimed and paid for one by one, whatever the judge says of itself."""
        return judge.instant and not self.context.by_id[name].judge.provided.remote

    def collected(
        self, batches: BatchRunner, tasks: Sequence[Task], before: JudgingResult, *, more: bool
    ) -> JudgingResult:
        """Wait for the batches; ask once more, at once, for what could not be read.

        Args:
            batches: what collects them.
            tasks: all planned verdicts.
            before: what was done so far.
            more: hand over what the budget has room for by then, and once more what ended in errors.
        """
        asyncio.run(batches.collect())
        context, collected = self.context, batches.collected
        while more:
            left = [t for t in missing(tasks, context.store, context.final) if self.is_batched(t)]
            more = asyncio.run(batches.hand_over(left))
            asyncio.run(batches.collect())
        result = replace(
            before,
            computed=before.computed + collected.computed,
            errors=before.errors + len(collected.failed),
            stopped={**before.stopped, **collected.stopped},
            broke=before.broke or collected.short,
        )
        by_key = _by_key(tasks)
        unread = [by_key[key] for key in by_key if key in collected.unreadable]
        return _Job(replace(context, retry=True)).judge(unread, result, collected.unreadable)

    async def _at_once(self, todo: Sequence[Task], judges: Mapping[str, Judge]) -> None:
        """Judges that need no network, in chunks."""
        context, by_key = self.context, {task.key: task for task in todo}
        for keys in claimed(
            context.store, "verdicts", list(by_key), context.owner,
            chunk=_CHUNK, seconds=CLAIM_SECONDS, final=context.final, say=context.say,
        ):  # fmt: skip
            tasks = [by_key[key] for key in keys]
            rows = [(t.verdict(await judges[t.judge].ask(context.shown(t))), t.judge) for t in tasks]
            context.store.keep(rows, evaluation=context.evaluation)
            context.on_done(len(rows))

    async def _ask_all(
        self,
        todo: Sequence[Task],
        judges: Mapping[str, Judge],
        before: JudgingResult,
        unread: Mapping[str, Correction],
    ) -> JudgingResult:
        """Run a worker for every judge; the judges are closed at the end, whatever happens."""
        state = RunState(self.context, unread)
        state.workers = self._workers(todo, judges, state)
        try:
            with garbage.spared(), self._interruptible(state) as pressed:
                async with asyncio.TaskGroup() as group:
                    for worker in state.workers:
                        group.create_task(worker.run())
        except ExceptionGroup as group_error:
            raise _first(group_error) from group_error
        finally:
            for name, judge in judges.items():
                self.context.settle(name, judge)
            await asyncio.gather(*(judge.close() for judge in judges.values()))
        return replace(
            before,
            computed=before.computed + sum(worker.computed for worker in state.workers),
            errors=before.errors + sum(worker.errors for worker in state.workers),
            stopped={
                **before.stopped,
                **{worker.name: worker.why_stopped for worker in state.workers if worker.why_stopped},
            },
            broke=before.broke or state.broke,
            interrupted=bool(pressed),
        )

    def _workers(
        self, todo: Sequence[Task], judges: Mapping[str, Judge], state: RunState
    ) -> list[JudgeWorker]:
        tasks: dict[str, dict[str, Task]] = {}
        for task in todo:
            tasks.setdefault(task.judge, {})[task.key] = task
        most = {name: self.context.by_id[name].judge.max_concurrency for name in tasks}
        return [
            JudgeWorker(name, judges[name], by_key, AdaptiveLimiter(most[name]), state)
            for name, by_key in tasks.items()
        ]

    @contextmanager
    def _interruptible(self, state: RunState) -> Iterator[list[bool]]:
        """The first Ctrl-C or SIGTERM finishes what is in flight, being paid for; not the second."""
        pressed: list[bool] = []
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def press() -> None:
            if pressed and task is not None:
                task.cancel()
            pressed.append(True)
            self.context.say(f"finishing {state.flying} requests in flight; Ctrl-C again stops at once.")
            state.stop()

        before = {number: signal.getsignal(number) for number in _STOPS}
        try:
            for number in _STOPS:
                loop.add_signal_handler(number, press)
        except (NotImplementedError, RuntimeError, ValueError):
            # Not in the main thread: somebody else handles the signal.
            yield pressed
            return
        try:
            yield pressed
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
