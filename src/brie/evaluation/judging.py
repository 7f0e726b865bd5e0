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
    asked = {panel_judge.judge.id for panel_judge in terms.panel_judges}
    tasks = [t for t in work.tasks(prompts) if t.judge in asked and not is_identical(t, texts)]
    store.settle_dead(owner)
    with screen.bar("judging", len(tasks), "verdicts") as advance:
        context = judge.RunContext(
            panel_judges=terms.panel_judges,
            shown=lambda task: input_of(work, task, texts),
            store=store,
            owner=owner,
            evaluation=evaluation,
            on_done=advance,
            say=screen.say,
            cap=terms.cap,
            retry=terms.retry,
        )
        return judge.run(tasks, context, batch=terms.batch)


def plus(first: JudgingResult, second: JudgingResult) -> JudgingResult:
    """Two runs of the judges as one."""
    return JudgingResult(
        first.computed + second.computed,
        first.reused + second.reused,
        first.errors + second.errors,
        {**first.stopped, **second.stopped},
        first.broke or second.broke,
        first.interrupted or second.interrupted,
    )


def with_stops(manifest: Manifest, done: JudgingResult, work: Work, store: Store) -> Manifest:
    """The manifest with judges that were stopped, or that have finished after a stop, written down."""
    last = {
        link.detail["judge"]: link.kind
        for link in manifest.amendments
        if link.kind in ("stopped", "resumed")
    }
    stopped = {name for name, kind in last.items() if kind == "stopped"}
    if not (done.stopped or stopped):
        return manifest
    before = len(store.statuses(task.key for task in work.tasks()))
    for name, reason in done.stopped.items():
        if name not in stopped:
            manifest = amend(manifest, "stopped", {"judge": name, "said": reason}, before)
    for name in sorted(stopped - set(done.stopped)):
        if not judge.missing([t for t in work.tasks() if t.judge == name and t.kind == "main"], store):
            manifest = amend(manifest, "resumed", {"judge": name}, before)
    return manifest


def why_stopped(done: JudgingResult, resume: str) -> str | None:
    """Why an evaluation is not finished, and how to go on; None where it is."""
    reasons = [f"judge {name} was stopped: {reason}" for name, reason in done.stopped.items()]
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
