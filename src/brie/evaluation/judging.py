"""Judging an evaluation: what it may cost, what is agreed to, and the judges' run itself.

Before anything is asked, the missing verdicts are counted and priced (`agree`): dollars, minutes,
who receives prompts and answers, and what the design can tell at all. After that the cap holds,
whatever happens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from brie import judge
from brie.evaluation.budget import Terms
from brie.evaluation.manifest import amend
from brie.evaluation.work import Work, completion_texts, input_of, is_identical
from brie.judge.run import JudgingResult
from brie.progress import Screen
from brie.records import Manifest
from brie.store import Store
from brie.store.owner import Owner

# --- running ---------------------------------------------------------------------------


def judge_all(
    work: Work,
    prompts: Sequence[str] | None,
    store: Store,
    owner: Owner,
    screen: Screen,
    evaluation: str,
    terms: Terms,
) -> JudgingResult:
    """Ask every judge for every verdict that is missing.

    Args:
        work: the evaluation's work.
        prompts: the prompts to judge, whose answers are there; None: all.
        store: where verdicts are kept.
        owner: this process.
        screen: progress.
        evaluation: id the calls are booked under.
        terms: what was agreed.
    """
    texts = completion_texts(work, prompts, store)
    asked = {place.judge.id for place in terms.seats}
    tasks = [t for t in work.tasks(prompts) if t.judge in asked and not is_identical(t, texts)]
    store.settle_dead(owner)
    with screen.bar("judging", len(tasks), "verdicts") as advance:
        return judge.run(
            tasks,
            terms.seats,
            lambda task: input_of(work, task, texts),
            store,
            owner,
            evaluation=evaluation,
            on_done=advance,
            cap=terms.cap,
            retry=terms.retry,
            batch=terms.batch,
            say=screen.say,
        )


def plus(one: JudgingResult, two: JudgingResult) -> JudgingResult:
    """Two runs of the judges as one."""
    return JudgingResult(
        one.computed + two.computed,
        one.reused + two.reused,
        one.errors + two.errors,
        {**one.stopped, **two.stopped},
        one.broke or two.broke,
        one.interrupted or two.interrupted,
    )


def with_stops(manifest: Manifest, done: JudgingResult, work: Work, store: Store) -> Manifest:
    """The manifest with judges that were stopped, or that have finished after a stop, written down."""
    last = {link.judge: link.kind for link in manifest.amendments if link.kind in ("stopped", "resumed")}
    stopped = {name for name, kind in last.items() if kind == "stopped"}
    if not (done.stopped or stopped):
        return manifest
    before = len(store.statuses(task.key for task in work.tasks()))
    for name, said in done.stopped.items():
        if name not in stopped:
            manifest = amend(manifest, "stopped", {"judge": name, "said": said}, before)
    for name in sorted(stopped - set(done.stopped)):
        if not judge.missing([t for t in work.tasks() if t.judge == name and t.kind == "main"], store):
            manifest = amend(manifest, "resumed", {"judge": name}, before)
    return manifest


def why_stopped(done: JudgingResult, resume: str) -> str | None:
    """Why an evaluation is not finished, and how to go on; None where it is."""
    reasons = [f"judge {name} was stopped: {said}" for name, said in done.stopped.items()]
    if done.broke:
        reasons.append("the budget is reached; raise it with --budget")
        # The same cap again would stop at the same place.
        resume = f"{_BUDGET.sub('', resume)} --budget USD"
    if done.interrupted:
        reasons.append("interrupted")
    if done.errors:
        reasons.append(f"{done.errors} verdicts ended in errors, and will be asked for again")
    return f"{'; '.join(reasons)}. What was finished is kept. Go on: {resume}" if reasons else None


_BUDGET = re.compile(r"\s--budget[ =]\S+")
