"""Judging an evaluation: what it may cost, what is agreed to, and the judges' run itself.

Before anything is asked, the missing verdicts are counted and priced (`agree`): dollars, minutes,
who receives prompts and answers, and what the design can tell at all. After that the cap holds,
whatever happens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import JsonValue

from brie import judge
from brie.blinding import JudgeInput
from brie.evaluation.budget import Terms
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import amend, change
from brie.evaluation.missing import missing_of, verdicts_there
from brie.evaluation.work import Work, answer_keys, input_of
from brie.judge.interface import Task
from brie.judge.retry import RetryPolicy
from brie.judge.run import JudgingResult
from brie.progress import Screen
from brie.records import Amendment, AmendmentKind, Manifest
from brie.store import Store
from brie.store.owner import Owner
from brie.workers import Workers


def judge_all(
    work: Work,
    store: Store,
    owner: Owner,
    screen: Screen,
    terms: Terms,
    *,
    evaluation: str,
    prompts: Sequence[str] | None = None,
    sharing: judge.Sharing | None = None,
) -> JudgingResult:
    """Ask every judge for every verdict that is missing.

    Args:
        work: the evaluation's work.
        store: where verdicts are kept.
        owner: this process.
        screen: progress.
        terms: what was agreed.
        evaluation: id the calls are booked under.
        prompts: the prompts to judge, whose answers are there; None: all.
        sharing: who asks judges that do not answer at once; None: this process.
    """
    planned = work.planned(prompts)
    planned = planned.take(planned.is_by({p.judge.id for p in terms.panel_judges}))
    missing = missing_of(planned, store)
    texts, tasks = dict(missing.texts), planned.without(missing.identical)

    def shown(task: Task) -> JudgeInput:
        if unread := [key for key in answer_keys(task) if key not in texts]:
            texts.update(store.texts(unread))
        return input_of(work, task, texts)

    with screen.bar("judging", len(tasks), "verdicts") as advance:
        context = judge.RunContext(
            panel_judges=terms.panel_judges,
            shown=shown,
            store=store,
            owner=owner,
            evaluation=evaluation,
            on_done=advance,
            say=screen.say,
            cap=terms.cap,
            retry=terms.retry,
            retry_policy=RetryPolicy(patience=terms.patience),
            settled=terms.settled,
            sharing=sharing,
        )
        return judge.run(tasks, context, batch=terms.batch)


@contextmanager
def asked_by(workers: Workers | None, screen: Screen) -> Iterator[judge.Sharing | None]:
    """Who asks judges that do not answer at once; the workers end with the context.

    Args:
        workers: None: this process asks.
        screen: where it is said that one has ended.
    """
    if workers is None:
        yield None
        return
    from brie.judge.shared import SharedJudges

    with SharedJudges(workers, screen.say) as sharing:
        yield sharing


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
    """The manifest with judges that were stopped, or that have finished after a stop, written down.

    Verdicts are counted only where there is something to write: this is called after every block.
    """
    stopped = _stopped(manifest)
    links: list[tuple[AmendmentKind, dict[str, JsonValue]]] = [
        ("stopped", {"judge": name, "said": reason})
        for name, reason in done.stopped.items()
        if name not in stopped
    ]
    links += [
        ("resumed", {"judge": name})
        for name in sorted(stopped - set(done.stopped))
        if _has_finished(name, work, store)
    ]
    before = verdicts_there(work, store) if links else 0
    for kind, detail in links:
        manifest = amend(manifest, kind, detail, verdicts_before=before)
    return manifest


def noted(evaluation: Evaluation, done: JudgingResult, work: Work, store: Store) -> Evaluation:
    """The evaluation with its stopped and resumed judges written into its manifest."""
    amended = with_stops(evaluation.manifest, done, work, store)
    links = amended.amendments[len(evaluation.manifest.amendments) :]
    if not links:
        return evaluation
    manifest = change(evaluation.folder, lambda now: _chained(now, links))
    return Evaluation(evaluation.folder, manifest)


def _chained(manifest: Manifest, links: Sequence[Amendment]) -> Manifest:
    """The manifest as it stands with those of the links that say something new of it."""
    for link in links:
        if (link.judge in _stopped(manifest)) == (link.kind == "resumed"):
            manifest = amend(manifest, link.kind, link.detail, verdicts_before=link.verdicts_before)
    return manifest


def _stopped(manifest: Manifest) -> set[str]:
    """Judges whose last word in the chain is that they were stopped."""
    last = {link.judge: link.kind for link in manifest.amendments if link.kind in ("stopped", "resumed")}
    return {name for name, kind in last.items() if kind == "stopped"}


def _has_finished(name: str, work: Work, store: Store) -> bool:
    """Whether a judge has judged everything; the last prompt is looked at first, as it comes last."""
    order = [prompt for block in work.blocks() for prompt in block]
    return not (_lacks(name, order[-1:], work, store) or _lacks(name, order, work, store))


def _lacks(name: str, prompts: Sequence[str], work: Work, store: Store) -> bool:
    """Whether a judge has something left to say; byte-identical answers are never asked about."""
    planned = work.planned(prompts)
    theirs = planned.take(planned.is_of("main") & planned.is_by({name}))
    return len(missing_of(theirs, store).tasks) > 0


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
        reasons.append(f"{done.errors:,} verdicts ended in errors, and will be asked for again")
    return f"{'; '.join(reasons)}. What was finished is kept. Go on: {resume}" if reasons else None


_BUDGET = re.compile(r"\s--budget[ =]\S+")
