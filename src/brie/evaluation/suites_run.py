"""Several suites evaluated as one plan: all are sealed before any is judged, and read as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from brie.catalog import load_defaults
from brie.errors import UsageError
from brie.evaluation.anchors import all_anchors
from brie.evaluation.budget import Quote, Spending, agree
from brie.evaluation.drift import agree_to_ask, ask_again, due_before, renewed
from brie.evaluation.folders import Evaluation, evaluation_id
from brie.evaluation.gather import gather
from brie.evaluation.generating import make_answers
from brie.evaluation.plan import ResolvedRequest
from brie.evaluation.request import EvalRequest, prepare
from brie.evaluation.results import rebuild
from brie.evaluation.run import begin, known_texts, planned, run_evaluation
from brie.evaluation.settled import stored_analysis
from brie.evaluation.suites import Suites, open_suites, plan_of
from brie.evaluation.suites_numbers import Judged, suites_document
from brie.evaluation.work import Work
from brie.progress import Screen
from brie.project import Project, write_text
from brie.records import Plan
from brie.records.suites import SuitesDocument
from brie.report.suites import write_suites_report
from brie.store import Store
from brie.store.owner import Owner


@dataclass(frozen=True, slots=True)
class SuitesOutcome:
    """What came of several suites."""

    suites: Suites
    document: SuitesDocument
    report: Path
    stopped: str | None = None
    """Why one is not finished, and how to go on."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Several suites, ready to be judged."""

    suites: Suites
    asked: tuple[ResolvedRequest, ...]
    evaluations: tuple[Evaluation, ...]


def seal_suites(
    names: Sequence[str],
    request: EvalRequest,
    project: Project,
    screen: Screen,
    *,
    command: str,
    name: str | None = None,
    spending: Spending | None = None,
) -> Sealed:
    """Seal a plan for each suite, and which belong together; nothing is sampled or judged.

    Args:
        names: suites, the domain first.
        request: everything else that was asked for.
        project: where everything is kept.
        screen: what was decided on the way.
        command: how to go on with it.
        name: what all together are called.
        spending: where they are to be judged: the price of each is agreed to first.

    Raises:
        UsageError, InputError, PinError: one of the plans cannot be made, or a price was not agreed to;
            nothing is sealed then.
    """
    if request.until_decided:
        raise UsageError(
            "--until-decided stops by one suite alone, so the intervals of several would not hold "
            "together; leave it out, or name one suite."
        )
    wishes = [replace(request, suite=names[0])]
    wishes += [replace(request, suite=suite, tasks=()) for suite in names[1:]]
    prepared = [prepare(wish, project) for wish in wishes]
    for line in dict.fromkeys(line for _, lines in prepared for line in lines):
        screen.say(line)
    asked = tuple(resolved for resolved, _ in prepared)
    if spending is not None:
        asked = _as_now(asked, project, screen, spending, command)
    plans = [planned(resolved) for resolved in asked]
    sealed = plan_of([_part(plan) for plan, _ in plans])
    if spending is not None:
        _agree(asked, [plan for plan, _ in plans], project, screen, spending)
    evaluations = tuple(
        begin(plan, resolved, project, screen, command=command, reason=reason)
        for resolved, (plan, reason) in zip(asked, plans, strict=True)
    )
    suites = open_suites(sealed, project, command=command, name=name)
    screen.say(f"sealed together as {suites.manifest.id}.")
    return Sealed(suites, asked, evaluations)


def _as_now(
    asked: Sequence[ResolvedRequest],
    project: Project,
    screen: Screen,
    spending: Spending,
    command: str,
) -> tuple[ResolvedRequest, ...]:
    """What was asked, once judges with old anchors were asked those: before anything is sealed.

    Raises:
        UsageError: nobody agreed.
        Stopped: not all anchors were answered.
    """
    if not all_anchors(project):
        return tuple(asked)
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        every = [
            due
            for resolved in asked
            for due in due_before(
                Work.shared(planned(resolved)[0]), resolved.panel_judges, store, project, spending
            )
        ]
        dues = list({due.document.id: due for due in every}.values())
        if not dues:
            return tuple(asked)
        terms = agree_to_ask(dues, store, owner, project, screen, spending)
        ask_again(dues, terms, store, owner, project, screen, evaluation="", resume=command)
    return tuple(replace(one, panel_judges=renewed(one.panel_judges, project)) for one in asked)


def _agree(
    asked: Sequence[ResolvedRequest],
    plans: Sequence[Plan],
    project: Project,
    screen: Screen,
    spending: Spending,
) -> None:
    """Have the price of every suite agreed to; judges are asked nothing yet.

    Raises:
        UsageError: see `budget.agree`.
    """
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        for resolved, plan in zip(asked, plans, strict=True):
            work = Work.shared(plan)
            agree(
                work, resolved.panel_judges, store, replace(spending, probe=False), project, owner,
                evaluation=evaluation_id(plan), say=screen.say,
                known=partial(known_texts, work, resolved),
            )  # fmt: skip


def _agreed(quoted: Quote) -> None:
    """Consent to what was agreed to before anything was sealed."""


def _part(plan: Plan) -> tuple[str, str, str, str]:
    return plan.suite.name, plan.suite.version, evaluation_id(plan), plan.identity()


def answer_suites(sealed: Sealed, project: Project, screen: Screen) -> list[str]:
    """Make the answers of every suite; no judge is asked. Returns what came of each, in words."""
    return [str(make_answers(evaluation, project, screen)) for evaluation in sealed.evaluations]


def run_suites(
    sealed: Sealed, project: Project, screen: Screen, *, command: str, spending: Spending
) -> SuitesOutcome:
    """Judge every suite, or go on where that stopped, and write the table.

    Args:
        sealed: the suites.
        project: where everything is kept.
        screen: progress.
        command: how to go on.
        spending: wishes about money; the budget is for all suites together.

    Raises:
        UsageError: a price was not agreed to; what was judged before stands.
        StoreError: the store cannot be used.
    """
    left = load_defaults(project).budget if spending.budget is None else spending.budget
    stopped: str | None = None
    for part, asked in zip(sealed.suites.manifest.plan.parts, sealed.asked, strict=True):
        screen.say(f"suite {part.suite}:")
        outcome = run_evaluation(
            asked, project, screen, command=command,
            spending=replace(spending, budget=left, consent=_agreed, drift="off"),
        )  # fmt: skip
        stopped = stopped or outcome.stopped
        if stopped:
            break
        with Store.open(project.store, read_only=True) as store:
            left = max(0.0, left - store.committed(part.evaluation))
    return replace(write_numbers(sealed.suites, project), stopped=stopped)


def write_numbers(suites: Suites, project: Project) -> SuitesOutcome:
    """Compute the table from what the store holds and write it with its report; nothing is asked.

    Evaluations without numbers of record get them; the others keep theirs.
    """
    for evaluation in suites.evaluations(project):
        if stored_analysis(evaluation) is None:
            rebuild(evaluation, project)
    return _written(suites, project)


def rebuild_suites(suites: Suites, project: Project) -> SuitesOutcome:
    """Analyse every suite anew, write their reports and the table's."""
    for evaluation in suites.evaluations(project):
        rebuild(evaluation, project)
    return _written(suites, project)


def _written(suites: Suites, project: Project) -> SuitesOutcome:
    document = numbers_of(suites, project)
    text = document.model_dump_json(indent=1) + "\n"
    write_text(suites.numbers_file, text)
    report = write_suites_report(document, suites.manifest, project.reports / suites.manifest.id)
    return SuitesOutcome(suites, document, report)


def numbers_of(suites: Suites, project: Project) -> SuitesDocument:
    """The table from the numbers of record of every suite and the store's rows.

    Raises:
        InputError: an evaluation is not here.
        UsageError: one has no numbers yet.
    """
    judged = []
    with Store.open(project.store, read_only=True) as store:
        for part, evaluation in zip(
            suites.manifest.plan.parts, suites.evaluations(project), strict=True
        ):
            analysis = stored_analysis(evaluation)
            if analysis is None:
                raise UsageError(f"{part.evaluation} has no numbers yet: brie analyse {part.evaluation}")
            judged.append(Judged(part.suite, analysis, gather(evaluation.manifest, store)))
    return suites_document(suites, judged)
