"""What workers would do of an evaluation's missing answers or verdicts, before any of it is done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from brie.catalog import load_judge
from brie.evaluation.budget import Spending, agree
from brie.evaluation.dry_run import reading, unseen
from brie.evaluation.extend import More, answered, more_links, reachable, with_links
from brie.evaluation.folders import Evaluation
from brie.evaluation.missing import missing_of
from brie.evaluation.soundness import refuse_unsound
from brie.evaluation.work import Work
from brie.generate.engine import Request
from brie.generate.shared import blocks
from brie.judge.run_context import FINAL, FINAL_ON_RETRY
from brie.number_format import plural
from brie.pin import ANSWERS
from brie.project import Project
from brie.records import Manifest, PanelJudge
from brie.store import Store
from brie.workers import Workers

_ALONE = "none: this process does it"


@dataclass(frozen=True, slots=True)
class Shares:
    """What would be done, and by whom."""

    rows: dict[str, str]
    """Label -> text."""
    quote: tuple[str, ...] = ()
    """What it would cost, and who would receive prompts and answers."""


def answer_shares(evaluation: Evaluation, project: Project, workers: Workers | None) -> Shares:
    """What workers would make of an evaluation's missing answers; nothing is loaded or made.

    Args:
        evaluation: which.
        project: whose store says what is there.
        workers: who would make it; None: this process.

    Raises:
        SealBroken: the plan is not the one that was sealed.
    """
    manifest = evaluation.manifest
    refuse_unsound(manifest)
    requests = {request.key: request for request in Work.of(manifest).requests()}
    with reading(project) as (store, _):
        there = store.present("completions", requests)
    missing = sorted((r for r in requests.values() if r.key not in there), key=lambda r: r.pin)
    rows = {
        "answers": f"{plural(len(requests), 'answer')}, {len(there):,} of them there already",
        "workers": _ALONE if workers is None else workers.told,
    }
    if workers is not None and missing:
        rows["shares"] = _blocks(missing, manifest, workers)
    return Shares(rows)


def _blocks(missing: list[Request], manifest: Manifest, workers: Workers) -> str:
    """How the missing answers would be handed out, in words."""
    plan = manifest.plan
    elsewhere = {p.digest for p in (plan.candidate, plan.baseline) if p.kind in ("served", ANSWERS)}
    local = [request for request in missing if request.pin not in elsewhere]
    sizes = [len(block) for block in blocks(local, workers.count, plan.environment)]
    here = len(missing) - len(local)
    beside = f"; {here:,} come from servers or files, by way of this process" if here else ""
    if not sizes:
        return f"none{beside}"
    span = f"{max(sizes):,} to {min(sizes):,}" if max(sizes) > min(sizes) else f"{max(sizes):,}"
    made = f"{plural(len(sizes), 'block')} of {span} answers"
    return f"{made}, each to the worker that is free next{beside}"


def judges_here(evaluation: Evaluation, more: More, project: Project) -> bool:
    """Whether a judge of an evaluation, or one to be added, is a model on this machine.

    Raises:
        UsageError: there is no such judge.
    """
    sealed = [panel_judge.judge for panel_judge in Work.of(evaluation.manifest).panel_judges]
    specs = [*sealed, *(load_judge(name, project) for name in more.judges)]
    return any(spec.provided.kind == "model" and not spec.provided.remote for spec in specs)


def verdict_shares(
    evaluation: Evaluation, more: More, project: Project, spending: Spending, workers: Workers | None
) -> Shares:
    """What workers would ask of an evaluation's missing verdicts; nothing is asked or written.

    Args:
        evaluation: which.
        more: judges and repeats that would be added.
        project: where its judges' files are.
        spending: the wishes about money; nobody is asked to agree.
        workers: who would ask; None: this process.

    Raises:
        SealBroken: the plan is not the one that was sealed.
        UsageError: its answers are not there, a judge's file has changed, or a price is not known.
    """
    refuse_unsound(evaluation.manifest)
    said: list[str] = []
    with reading(project) as (store, owner):
        links = more_links(evaluation.manifest, more, spending, project, store)
        manifest = with_links(evaluation.manifest, links, 0)
        work = Work.of(manifest)
        prompts = answered(work, store)
        panel = reachable(manifest, project)
        agree(
            work, panel, store, replace(spending, consent=unseen, probe=False), project, owner,
            evaluation=manifest.id, say=said.append,
        )  # fmt: skip
        missing = _missing(work, prompts, store, spending)
    rows = {p.judge.id: _asked(p, missing[p.judge.id]) for p in panel}
    return Shares({**rows, "workers": _ALONE if workers is None else workers.told}, tuple(said))


def _missing(work: Work, prompts: list[str], store: Store, spending: Spending) -> Counter[str]:
    """How many verdicts of each judge would be asked for."""
    final = FINAL_ON_RETRY if spending.retry else FINAL
    return missing_of(work.planned(prompts), store, final).tasks.counts()


def _asked(panel_judge: PanelJudge, missing: int) -> str:
    """How many verdicts of a judge are missing, and how they would be asked for."""
    verdicts = plural(missing, "verdict") + " missing"
    spec = panel_judge.judge
    if spec.provided.kind != "model" or not missing:
        return f"{verdicts}{', worked out by this process' if missing else ''}"
    return f"{verdicts}, {spec.max_concurrency} in flight at most, over all workers together"
