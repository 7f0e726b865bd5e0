"""The flow, six calls in order: train, pin, generate, judge, analyse, report.

Training and pinning are verbs of their own (`brie.train`, `brie.pin`); an evaluation starts from
two pinned sides and is a plan whose missing keys are computed. Every stage can be interrupted
and is taken up again by the same call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from brie.evaluation.benchmarks import run_tasks
from brie.evaluation.budget import Spending, Terms, agree
from brie.evaluation.code_checks import check_by_code
from brie.evaluation.destinations import agree_to_servers
from brie.evaluation.drift import ask_again, beside, due_before, renewed
from brie.evaluation.drift_notes import with_notes
from brie.evaluation.folders import Evaluation, differing, evaluation_id, evaluations, open_evaluation
from brie.evaluation.gather import extended, is_decided, nothing_yet, without_collection
from brie.evaluation.generating import answer_all, check_prompts, environment_of
from brie.evaluation.given import refuse_longer, texts_of
from brie.evaluation.judging import judge_all, noted, plus, why_stopped
from brie.evaluation.manifest import MANIFEST, read_manifest
from brie.evaluation.plan import ResolvedRequest, make_plan
from brie.evaluation.published import to_publish
from brie.evaluation.results import (
    Outcome,
    kept_analysis,
    record_analysis,
    standing_analysis,
    write_report,
)
from brie.evaluation.settled import refuse_gone_rows, settled
from brie.evaluation.sides import sources
from brie.evaluation.training_data import spent_words
from brie.evaluation.work import Work
from brie.generate.turns import TurnEngine, open_engine
from brie.judge.run import JudgingResult
from brie.pin import Resolved
from brie.progress import Screen
from brie.project import Project
from brie.records import Environment, Plan, Side, Status
from brie.store import Store
from brie.store.owner import Owner


def run_evaluation(
    asked: ResolvedRequest,
    project: Project,
    screen: Screen,
    *,
    command: str,
    name: str | None = None,
    spending: Spending | None = None,
    curve: str = "",
) -> Outcome:
    """Run an evaluation to its report, or go on with it where it stopped.

    Args:
        asked: what to evaluate.
        project: where everything is kept.
        screen: progress.
        command: how to go on with it.
        name: what `brie ls` calls it.
        spending: the wishes about money; without them only what is free is asked.
        curve: the training run whose checkpoints are evaluated together: one look at the suite.

    Raises:
        UsageError: the plan cannot be made, or its price was not agreed to; nothing is sealed then.
        StoreError: the store cannot be used.
    """
    sides, wishes = (asked.candidate, asked.baseline), spending or Spending()
    drafted = planned(asked)
    if spent := spent_in(asked, project):
        screen.say(spent)
    agree_to_servers(sides, project, wishes.consent, screen.say)
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        asked, (plan, reason), terms = _agreed(
            asked, drafted, project, screen, wishes, store, owner, command
        )
        work = Work.shared(plan)
        evaluation = begin(plan, asked, project, screen, command=command, name=name, reason=reason)
        with open_engine(sources(sides, project, plan.suite), plan.environment) as engine:
            scored = run_tasks(plan, lambda: asked.tasks, engine, store, owner, screen)
            came = _in_blocks(evaluation, work, terms, engine, store, owner, screen)
        nothing_new = scored + came.completions + came.judged.computed == 0
        evaluation = with_notes(came.evaluation, store, project)
        stands = nothing_new and evaluation is came.evaluation
        if stands and (outcome := _standing(evaluation, came, store, project, command)):
            screen.say(_NOTHING)
            return outcome
        with settled(evaluation, store) as (evaluation, data):
            checked = bool(plan.suite.code) and check_by_code(evaluation.folder, data, screen.say)
            standing = kept_analysis(evaluation, data) if stands and not checked else None
            analysis = standing or record_analysis(evaluation, data, store, project, sides, curve=curve)
            report = project.reports / evaluation.manifest.id / "index.html"
            if standing is None or not report.is_file():
                report = write_report(evaluation, analysis, data, project)
            published = to_publish(evaluation.manifest, store, analysis.rows_digest)
    if nothing_new:
        screen.say(_NOTHING)
    stopped = why_stopped(came.judged, command)
    return Outcome(
        evaluation, analysis, report, came.completions, came.judged.computed, stopped, published
    )


_NOTHING = "nothing was missing: 0 completions and 0 verdicts computed."


def _standing(
    evaluation: Evaluation, came: _Came, store: Store, project: Project, command: str
) -> Outcome | None:
    """What came of an evaluation whose numbers and report stand already; None where they do not."""
    report = project.reports / evaluation.manifest.id / "index.html"
    plan = evaluation.manifest.plan
    if plan.suite.code or plan.tasks or not report.is_file():
        return None  # what code and tasks say is no verdict
    analysis = standing_analysis(evaluation, store)
    if analysis is None:
        return None
    published = to_publish(evaluation.manifest, store, analysis.rows_digest)
    return Outcome(evaluation, analysis, report, 0, 0, why_stopped(came.judged, command), published)


def spent_in(asked: ResolvedRequest, project: Project) -> str:
    """What a candidate's preference pairs make of an evaluation; "" where nothing is wrong."""
    judges = [seat.judge.model for seat in asked.panel_judges if not seat.instrument]
    return spent_words(asked.suite, asked.candidate, judges, project)


def _agreed(
    asked: ResolvedRequest,
    drafted: tuple[Plan, str],
    project: Project,
    screen: Screen,
    wishes: Spending,
    store: Store,
    owner: Owner,
    command: str,
) -> tuple[ResolvedRequest, tuple[Plan, str], Terms]:
    """What was agreed to, once judges with old anchors were asked those: a changed one as it is now.

    Raises:
        UsageError: nobody agreed.
        Stopped: not all anchors were answered.
    """
    plan = drafted[0]
    work, evaluation = Work.shared(plan), evaluation_id(plan)
    _refuse_gone(plan, project, store)
    dues = due_before(work, asked.panel_judges, store, project, wishes)
    terms = agree(
        work, asked.panel_judges, store, wishes, project, owner, evaluation=evaluation, say=screen.say,
        known=partial(known_texts, work, asked), beside=beside(dues),
    )  # fmt: skip
    if not dues:
        return asked, drafted, terms
    checked = ask_again(
        dues, terms, store, owner, project, screen, evaluation=evaluation, resume=command
    )
    if not checked.changed:
        return asked, drafted, replace(terms, cap=checked.left)
    changed = replace(asked, panel_judges=renewed(asked.panel_judges, project))
    less = replace(wishes, budget=checked.left)
    return _agreed(changed, planned(changed), project, screen, less, store, owner, command)


def _existing(plan: Plan, project: Project) -> int:
    """Verdicts of a plan's headline that are in the store before it is sealed."""
    if not project.store.is_file() or (project.runs / evaluation_id(plan) / MANIFEST).is_file():
        return 0
    judges = {seat.judge.id for seat in plan.seats if not seat.instrument}
    planned_now = Work.shared(plan).planned()
    keys = planned_now.take(planned_now.is_of("main") & planned_now.is_by(judges)).keys
    with Store.open(project.store, read_only=True) as store:
        return len(store.present("verdicts", keys, tuple(Status)))


@without_collection()
def _refuse_gone(plan: Plan, project: Project, store: Store) -> None:
    """Refuse to go on with an evaluation whose finished numbers lost rows, before anything is asked."""
    folder = project.runs / evaluation_id(plan)
    if (folder / MANIFEST).is_file():
        refuse_gone_rows(Evaluation(folder, read_manifest(folder)), store)


def known_texts(work: Work, asked: ResolvedRequest) -> dict[str, str]:
    """Texts by key of the sides that are files of answers."""
    sides: dict[Side, Resolved] = {"candidate": asked.candidate, "baseline": asked.baseline}
    return work.given_texts(
        {
            name: texts_of(side.given, asked.suite)
            for name, side in sides.items()
            if side.given is not None
        }
    )


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of answering and judging."""

    evaluation: Evaluation
    """With what was written into its manifest meanwhile."""
    completions: int
    """Answers that were missing."""
    judged: JudgingResult


def _in_blocks(
    evaluation: Evaluation,
    work: Work,
    terms: Terms,
    engine: TurnEngine,
    store: Store,
    owner: Owner,
    screen: Screen,
) -> _Came:
    """Answer and judge block after block, until all is done, decided or stopped."""
    early = work.plan.stopping is not None
    store.settle_dead(owner)
    completions, done, data = 0, JudgingResult(0, 0), nothing_yet(evaluation.manifest)
    for block in work.blocks():
        evaluation, made = answer_all(evaluation, work, block, engine, store, owner, screen)
        completions += made
        if not early:
            engine.close()  # a judge on this machine may need the memory
        now = judge_all(
            work, store, owner, screen, terms, evaluation=evaluation.manifest.id, prompts=block
        )
        done = plus(done, now)
        evaluation = noted(evaluation, done, work, store)
        if early:
            data = extended(replace(data, manifest=evaluation.manifest), store, block)
        if now.broke or now.interrupted or is_decided(data):
            break
    return _Came(evaluation, completions, done)


@without_collection()
def planned(
    asked: ResolvedRequest, elsewhere: tuple[Environment, str] | None = None
) -> tuple[Plan, str]:
    """The plan of what was asked, with the reason for its device and dtype.

    Args:
        asked: what to evaluate.
        elsewhere: where answers are made, with the reason, if that is not this machine.

    Raises:
        UsageError: the plan cannot be made here; nothing was sealed.
    """
    environment, reason = elsewhere or environment_of(asked)
    plan = make_plan(asked, environment)
    sides = (asked.candidate, asked.baseline)
    check_prompts(plan, sides)
    refuse_longer(sides, asked.suite, [panel_judge.judge for panel_judge in asked.panel_judges])
    return plan, reason


def begin(
    plan: Plan,
    asked: ResolvedRequest,
    project: Project,
    screen: Screen,
    *,
    command: str,
    name: str | None = None,
    reason: str = "",
) -> Evaluation:
    """Seal a plan, or find it sealed, and say so.

    Raises:
        UsageError: what was sealed has been changed.
    """
    plan = plan.model_copy(update={"existed": _existing(plan, project)})
    evaluation, resumed = open_evaluation(plan, asked, project, command, name)
    verb = "going on with" if resumed else "sealed"
    screen.say(f"{verb} {evaluation.manifest.id} on {reason}")
    screen.say(f"resume with the same command: {command}")
    if not resumed:
        with Store.open(project.store) as store:
            screen.say(f"to publish: {to_publish(evaluation.manifest, store)}")
    if not resumed and (differs := _unlike(plan, project)):
        screen.say(differs)
    return evaluation


def _unlike(plan: Plan, project: Project) -> str:
    """What sets a plan apart from the newest evaluation of the same models and suite; "" without one."""
    others = sorted(evaluations(project), key=lambda other: other.manifest.created)
    apart = [
        (other.manifest.id, differing_parts)
        for other in others
        if (differing_parts := differing(plan, other.manifest.plan)) is not None
    ]
    if not apart:
        return ""
    newest, parts = apart[-1]
    earlier = f"; {len(apart) - 1} earlier ones differ too" if len(apart) > 1 else ""
    return f"it is another evaluation than {newest}: {parts} differ{earlier}."
