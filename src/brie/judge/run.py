"""Running judges over tasks: what is missing is claimed, asked and stored."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from brie.blinding import JudgeInput
from brie.judge.batch import BatchRunner, PollPolicy
from brie.judge.interface import Judge, Task
from brie.judge.limiter import AdaptiveLimiter
from brie.judge.parse import CutOff, Refused, Unreadable, WrongCase, read_text
from brie.judge.providers import open_judge
from brie.judge.retry import RetryPolicy
from brie.judge.workers import CLAIM_SECONDS, JudgeWorker, RunState
from brie.judge.writer import VerdictWriter
from brie.records import PanelJudge, Rubric, Status, Usage, Verdict
from brie.store import Store, claimed
from brie.store.owner import Owner

FINAL = (Status.OK, Status.INVALID, Status.REFUSED)
"""Statuses a rerun leaves alone (invariant I5); `error` and what is missing are asked again."""
FINAL_ON_RETRY = (Status.OK,)
"""With --retry `invalid` and `refused` are asked again too."""
RETRY_POLICY = RetryPolicy()
RHYTHM = PollPolicy()
_CHUNK = 256
"""Tasks claimed and written together, for judges that answer at once."""


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


def missing(tasks: Sequence[Task], store: Store, final: Sequence[Status] = FINAL) -> list[Task]:
    """The tasks without a verdict that counts as done, in their order."""
    done = store.present("verdicts", (task.key for task in tasks), final)
    return [task for task in tasks if task.key not in done]


def run(
    tasks: Sequence[Task],
    seats: Iterable[PanelJudge],
    shown: Callable[[Task], JudgeInput],
    store: Store,
    owner: Owner,
    *,
    evaluation: str,
    on_done: Callable[[int], None],
    cap: float | None = None,
    retry: bool = False,
    say: Callable[[str], None] = lambda text: None,
    batch: bool = False,
    retry_policy: RetryPolicy = RETRY_POLICY,
    rhythm: PollPolicy = RHYTHM,
) -> JudgingResult:
    """Judge every task that has no verdict yet.

    Args:
        tasks: all planned verdicts, in the order of work.
        seats: the panel, with prices and addresses.
        shown: what the judge of a task sees.
        store: where verdicts are kept.
        owner: this process.
        evaluation: id the calls are booked under.
        on_done: called with the number of verdicts just stored.
        cap: US dollars the evaluation may cost in all; None: no cap.
        retry: ask again for `invalid` and `refused` too.
        say: where a message for people goes.
        batch: hand what is missing to the providers' batches, where they have them.
        retry_policy: how long one verdict is tried for.
        rhythm: how often a batch is asked after.

    Batches that are under way are waited for and collected, with or without `batch`.

    Raises:
        StoreError: the store failed; what was finished before is kept.
        UsageError: a judge cannot be opened: no key, or wrong settings.
    """
    places = {seat.judge.id: seat for seat in seats}
    final = FINAL_ON_RETRY if retry else FINAL
    reread(tasks, places, store, evaluation)
    todo = missing(tasks, store, final)
    on_done(len(tasks) - len(todo))
    job = _Job(places, shown, store, owner, evaluation, on_done, cap, final, say, retry_policy)
    result = JudgingResult(0, len(tasks) - len(todo))
    try:
        post = job.post(tasks, rhythm)
        if batch:
            asyncio.run(post.hand_over([task for task in todo if job.is_batched(task)]))
        online = [task for task in todo if not batch or not job.is_batched(task)]
        result = job.judge(online, result)
        if (batch or store.batches(evaluation)) and not result.interrupted:
            result = job.collected(post, tasks, result, again=batch)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    return result


def reread(
    tasks: Sequence[Task], places: Mapping[str, PanelJudge], store: Store, evaluation: str
) -> list[Verdict]:
    """Read stored replies again that an older parser could not read; nothing is asked (invariant I5)."""
    by_key = {task.key: task for task in tasks}
    found = []
    for key, verdict in store.verdicts(store.present("verdicts", by_key, (Status.INVALID,))).items():
        rubric = places[by_key[key].judge].rubric
        again = _reread(verdict, rubric) if rubric and verdict.status is Status.INVALID else None
        if again is not None:
            store.add_verdicts([again], evaluation=evaluation, judge=by_key[key].judge, booked=False)
            found.append(again)
    return found


def _reread(verdict: Verdict, rubric: Rubric) -> Verdict | None:
    if not verdict.reason.startswith("unreadable"):
        return None
    try:
        parsed = read_text(verdict.reply, rubric.criteria, None)
    except (Unreadable, WrongCase, Refused, CutOff):
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


@dataclass
class _Job:
    """What all parts of a run need."""

    places: Mapping[str, PanelJudge]
    shown: Callable[[Task], JudgeInput]
    store: Store
    owner: Owner
    evaluation: str
    on_done: Callable[[int], None]
    cap: float | None
    final: tuple[Status, ...]
    say: Callable[[str], None]
    retry_policy: RetryPolicy

    def post(self, tasks: Sequence[Task], rhythm: PollPolicy) -> BatchRunner:
        """What hands over and collects batches."""
        return BatchRunner(
            self.places, {task.key: task for task in tasks}, self.shown, self.store, self.owner,
            self.evaluation, self.cap, self.final, self.say, self.on_done, rhythm,
        )  # fmt: skip

    def is_batched(self, task: Task) -> bool:
        """Whether the task's judge has batches."""
        return self.places[task.judge].judge.provided.batches is not None

    def judge(
        self, todo: Sequence[Task], before: JudgingResult, unread: Mapping[str, str] | None = None
    ) -> JudgingResult:
        """Ask for some verdicts now: judges that answer at once first, then the others side by side."""
        if not todo:
            return before
        judges = {name: open_judge(self.places[name]) for name in dict.fromkeys(t.judge for t in todo)}
        instant = {name for name, one in judges.items() if self._is_instant(name, one)}
        at_once = [task for task in todo if task.judge in instant]
        asked = [task for task in todo if task.judge not in instant]
        asyncio.run(self._at_once(at_once, judges))
        result = replace(before, computed=before.computed + len(at_once))
        return asyncio.run(self._ask_all(asked, judges, result, unread or {})) if asked else result

    def _is_instant(self, name: str, judge: Judge) -> bool:
        """What is sent away is claimed and paid for one by one, whatever the judge says of itself."""
        return judge.instant and not self.places[name].judge.provided.remote

    def collected(
        self, post: BatchRunner, tasks: Sequence[Task], before: JudgingResult, *, again: bool
    ) -> JudgingResult:
        """Wait for the batches; ask once more, at once, for what could not be read.

        Args:
            post: what collects them.
            tasks: all planned verdicts.
            before: what was done so far.
            again: hand requests that ended in an error over once more.
        """
        asyncio.run(post.collect())
        failed = [t for t in missing(tasks, self.store, self.final) if self.is_batched(t)]
        if again and failed and not (post.came.stopped or post.came.short):
            post.came.errors = 0
            asyncio.run(post.hand_over(failed))
            asyncio.run(post.collect())
        came = post.came
        result = replace(
            before,
            computed=before.computed + came.computed,
            errors=before.errors + came.errors,
            stopped={**before.stopped, **came.stopped},
            broke=before.broke or came.short,
        )
        unread = [task for task in tasks if task.key in came.unreadable]
        return replace(self, final=FINAL_ON_RETRY).judge(unread, result, came.unreadable)

    async def _at_once(self, todo: Sequence[Task], judges: Mapping[str, Judge]) -> None:
        """Judges that need no network, in chunks."""
        by_key = {task.key: task for task in todo}
        for keys in claimed(
            self.store, "verdicts", list(by_key), self.owner,
            chunk=_CHUNK, seconds=CLAIM_SECONDS, final=self.final,
        ):  # fmt: skip
            tasks = [by_key[key] for key in keys]
            rows = [(t.verdict(await judges[t.judge].ask(self.shown(t))), t.judge) for t in tasks]
            self.store.keep(rows, evaluation=self.evaluation)
            self.on_done(len(rows))

    async def _ask_all(
        self,
        todo: Sequence[Task],
        judges: Mapping[str, Judge],
        before: JudgingResult,
        unread: Mapping[str, str],
    ) -> JudgingResult:
        """Run a worker for every judge; the judges are closed at the end, whatever happens."""
        state = RunState(
            VerdictWriter(self.store, self.evaluation), self.owner, self.cap, self.final, self.shown,
            self.on_done, self.retry_policy, unread,
        )  # fmt: skip
        state.workers = self._workers(todo, judges, state)
        try:
            with self._interruptible(state) as pressed:
                async with asyncio.TaskGroup() as group:
                    for worker in state.workers:
                        group.create_task(worker.run())
        except ExceptionGroup as group_error:
            raise _first(group_error) from group_error
        finally:
            await asyncio.gather(*(judge.close() for judge in judges.values()))
        return replace(
            before,
            computed=before.computed + sum(worker.computed for worker in state.workers),
            errors=before.errors + sum(worker.errors for worker in state.workers),
            stopped={
                **before.stopped,
                **{worker.name: worker.said for worker in state.workers if worker.said},
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
        most = {name: self.places[name].judge.max_concurrency for name in tasks}
        return [
            JudgeWorker(name, judges[name], own, AdaptiveLimiter(most[name]), state)
            for name, own in tasks.items()
        ]

    @contextmanager
    def _interruptible(self, state: RunState) -> Iterator[list[bool]]:
        """The first Ctrl-C finishes what is in flight, because it is paid for; the second does not."""
        pressed: list[bool] = []
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def press() -> None:
            if pressed and task is not None:
                task.cancel()
            pressed.append(True)
            self.say(f"finishing {state.flying} requests in flight; Ctrl-C again stops at once.")
            state.stop()

        try:
            loop.add_signal_handler(signal.SIGINT, press)
        except (NotImplementedError, RuntimeError, ValueError):
            # Not in the main thread: somebody else handles the signal.
            yield pressed
            return
        try:
            yield pressed
        finally:
            loop.remove_signal_handler(signal.SIGINT)


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
