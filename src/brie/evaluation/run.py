"""The flow, six calls in order: train, pin, generate, judge, analyse, report.

Training and pinning are verbs of their own (`brie.train`, `brie.pin`); an evaluation starts from
two pinned sides and is a plan whose missing keys are computed. Every stage can be interrupted
and is taken up again by the same call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from brie.errors import UsageError
from brie.evaluation.budget import Spending, agree
from brie.evaluation.context import resolved
from brie.evaluation.folders import Evaluation, differing, evaluation_id, evaluations, open_evaluation
from brie.evaluation.gather import extended, gather, is_decided, nothing_yet, with_votes
from brie.evaluation.generating import answer_all
from brie.evaluation.judging import judge_all, plus, why_stopped, with_stops
from brie.evaluation.manifest import write_manifest
from brie.evaluation.plan import SERVED, ResolvedRequest, make_plan
from brie.evaluation.results import Outcome, kept_analysis, record_analysis, write_report
from brie.evaluation.sides import sources
from brie.evaluation.work import Work
from brie.generate.turns import open_engine
from brie.judge.run import JudgingResult
from brie.pin import Resolved
from brie.progress import Screen
from brie.project import Project
from brie.records import Environment, Plan
from brie.store import Store
from brie.store.owner import Owner

_SURELY_SHORT = 400
"""Characters that fit every model's context, whatever its tokenizer does."""


def run_evaluation(
    asked: ResolvedRequest,
    project: Project,
    screen: Screen,
    *,
    command: str,
    name: str | None = None,
    spending: Spending | None = None,
) -> Outcome:
    """Run an evaluation to its report, or go on with it where it stopped.

    Args:
        asked: what to evaluate.
        project: where everything is kept.
        screen: progress.
        command: how to go on with it.
        name: what `brie ls` calls it.
        spending: the wishes about money; without them only what is free is asked.

    Raises:
        UsageError: the plan cannot be made, or its price was not agreed to; nothing is sealed then.
        StoreError: the store cannot be used.
    """
    plan, reason = planned(asked)
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        work = Work(plan)
        terms = agree(
            work, asked.panel_judges, store, spending or Spending(), project,
            evaluation=evaluation_id(plan), say=screen.say,
        )  # fmt: skip
        evaluation = begin(plan, asked, project, screen, command=command, name=name, reason=reason)
        sides = (asked.candidate, asked.baseline)
        store.settle_dead(owner)
        completions, done, data = 0, JudgingResult(0, 0), nothing_yet(evaluation.manifest)
        with open_engine(sources(sides, project), plan.environment) as engine:
            for block in work.blocks():
                evaluation, made = answer_all(evaluation, work, block, engine, store, owner, screen)
                completions += made
                if plan.stopping is None:
                    engine.close()  # a judge on this machine may need the memory
                now = judge_all(
                    work, store, owner, screen, terms, evaluation=evaluation.manifest.id, prompts=block
                )
                done = plus(done, now)
                evaluation = noted(evaluation, done, work, store)
                if plan.stopping:
                    data = extended(replace(data, manifest=evaluation.manifest), store, block)
                if now.broke or now.interrupted or is_decided(data):
                    break
        data = with_votes(data, store) if plan.stopping else gather(evaluation.manifest, store)
        nothing_new = completions + done.computed == 0
        standing = kept_analysis(evaluation, data) if nothing_new else None
        analysis = standing or record_analysis(evaluation, data, store, project, sides)
        report = project.reports / evaluation.manifest.id / "index.html"
        if standing is None or not report.is_file():
            report = write_report(evaluation, analysis, data, project)
    if completions + done.computed == 0:
        screen.say("nothing was missing: 0 completions and 0 verdicts computed.")
    stopped = why_stopped(done, command)
    return Outcome(evaluation, analysis, report, completions, done.computed, stopped)


def planned(asked: ResolvedRequest) -> tuple[Plan, str]:
    """The plan of what was asked, on this machine, with the reason for its device and dtype.

    Raises:
        UsageError: the plan cannot be made here; nothing was sealed.
    """
    environment, reason = environment_of(asked)
    plan = make_plan(asked, environment)
    check_prompts(plan, (asked.candidate, asked.baseline))
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
    evaluation, resumed = open_evaluation(plan, asked, project, command, name)
    verb = "going on with" if resumed else "sealed"
    screen.say(f"{verb} {evaluation.manifest.id} on {reason}; resume with the same command: {command}")
    if not resumed:
        for other in evaluations(project):
            apart = differing(plan, other.manifest.plan)
            if apart is not None:
                screen.say(f"it is another evaluation than {other.manifest.id}: {apart} differ.")
    return evaluation


def noted(evaluation: Evaluation, done: JudgingResult, work: Work, store: Store) -> Evaluation:
    """The evaluation with its stopped and resumed judges written into its manifest."""
    manifest = with_stops(evaluation.manifest, done, work, store)
    if manifest is not evaluation.manifest:
        write_manifest(evaluation.folder, manifest)
    return Evaluation(evaluation.folder, manifest)


def environment_of(asked: ResolvedRequest) -> tuple[Environment, str]:
    """Where answers are made, with the reason: this machine, or servers alone."""
    if asked.candidate.served and asked.baseline.served:
        return SERVED, "servers"
    from brie.generate.environment import detect_environment

    return detect_environment(asked.device, dtype=asked.dtype)


def check_prompts(plan: Plan, sides: Sequence[Resolved]) -> None:
    """Whether both sides can read every prompt: their tokens, and room for an answer.

    Raises:
        PinError: an adapter was trained with another tokenizer than its base's.
        UsageError: a prompt is too long; names it and both lengths.
    """
    from brie.generate.encode import Encoder, check_tokenizer, refuse_too_long

    messages = Work(plan).messages
    characters = max(sum(len(m.content) for m in turns) for turns in messages.values())
    for side in sides:
        if side.adapter is not None:
            check_tokenizer(base=side.base_folder, adapter=side.adapter)
        if characters > _SURELY_SHORT and not side.served:
            refuse_too_long(messages, Encoder.load(side.base_folder, adapter=side.adapter))


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of making an evaluation's answers."""

    evaluation: str
    computed: int
    prompts: int

    def __str__(self) -> str:
        made = f"{self.computed} answers made" if self.computed else "no answer was missing"
        return f"{made}; {self.prompts} prompts are answered. Next: brie judge {self.evaluation}"


def make_answers(evaluation: Evaluation, project: Project, screen: Screen) -> Answered:
    """Sample every answer a sealed evaluation still lacks; no judge is asked.

    Args:
        evaluation: which.
        project: where its models are.
        screen: progress.

    Raises:
        PinError: a model here is another than the sealed one.
        UsageError: a model is not here, or this machine is another kind than the sealed one.
    """
    manifest = evaluation.manifest
    sides = resolved(manifest, project)
    environment = manifest.plan.environment
    _refuse_another(environment)
    check_prompts(manifest.plan, sides)
    work = Work.of(manifest)
    with (
        Store.open(project.store) as store,
        Owner(project.runs / ".owners") as owner,
        open_engine(sources(sides, project), environment) as engine,
    ):
        prompts = list(work.plan.order)
        _, computed = answer_all(evaluation, work, prompts, engine, store, owner, screen)
    return Answered(manifest.id, computed, len(prompts))


def _refuse_another(sealed: Environment) -> None:
    """Answers of two environments are never mixed in one evaluation (invariant I7).

    Raises:
        UsageError: names the field that differs.
    """
    if sealed == SERVED:
        return
    from brie.generate.environment import detect_environment

    here, _ = detect_environment(sealed.device, dtype=sealed.dtype)
    apart = [
        f"{name} is {getattr(here, name)} here and {getattr(sealed, name)} in the plan"
        for name in Environment.model_fields
        if getattr(here, name) != getattr(sealed, name)
    ]
    if apart:
        raise UsageError(f"this machine cannot make answers for that plan: {'; '.join(apart)}.")
