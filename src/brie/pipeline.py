"""The flow, six calls in order: train, pin, generate, judge, analyse, report.

Training and pinning are verbs of their own (`brie.train`, `brie.pin`); an evaluation starts from
two pinned sides and is a plan whose missing keys are computed. Every stage can be interrupted
and is taken up again by the same call.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brie import __version__, versions
from brie.errors import UsageError
from brie.evaluation.answering import answer_all
from brie.evaluation.assemble import assemble
from brie.evaluation.evidence import around
from brie.evaluation.facts import comparison_views, gather, is_decided
from brie.evaluation.folders import Evaluation, differing, evaluation_id, evaluations, open_evaluation
from brie.evaluation.judging import Screen, Spending, agree, judge_all, plus, why_stopped, with_stops
from brie.evaluation.plan import SERVED, Asked, Work, make_plan
from brie.evaluation.sides import sources
from brie.evaluation.trained import record
from brie.generate.turns import open_engine
from brie.judge.run import Judged
from brie.pin import Resolved
from brie.records import Environment, Plan
from brie.resources import Project, write_text
from brie.results import Analysis
from brie.seal import write_manifest
from brie.store import Store
from brie.store.owner import Owner

_SURELY_SHORT = 400
"""Characters that fit every model's context, whatever its tokenizer does."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of running an evaluation."""

    evaluation: Evaluation
    analysis: Analysis
    report: Path
    completions: int
    """Completions computed now; the rest was in the store."""
    verdicts: int
    stopped: str | None = None
    """Why it is not finished, and how to go on."""


def evaluate(
    asked: Asked,
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
            work, asked.seats, store, spending or Spending(), project, evaluation_id(plan), screen.say
        )
        evaluation = begin(plan, asked, project, screen, command=command, name=name, reason=reason)
        sides = (asked.candidate, asked.baseline)
        completions, done = 0, Judged(0, 0)
        with open_engine(sources(sides, project), plan.environment) as engine:
            for block in work.blocks():
                evaluation, made = answer_all(evaluation, work, block, engine, store, owner, screen)
                completions += made
                if plan.stopping is None:
                    engine.close()  # a judge on this machine may need the memory
                now = judge_all(work, block, store, owner, screen, evaluation.manifest.id, terms)
                done = plus(done, now)
                evaluation = noted(evaluation, done, work, store)
                if now.broke or now.interrupted:
                    break
                if plan.stopping and is_decided(gather(evaluation.manifest, store)):
                    break
        nothing_new = completions + done.computed == 0
        kept = kept_analysis(evaluation, store) if nothing_new else None
        analysis = kept or analyse(evaluation, store, project, sides)
        report = project.reports / evaluation.manifest.id / "index.html"
        if kept is None or not report.is_file():
            report = write_report(evaluation, analysis, store, project)
    if completions + done.computed == 0:
        screen.say("nothing was missing: 0 completions and 0 verdicts computed.")
    stopped = why_stopped(done, command)
    return Outcome(evaluation, analysis, report, completions, done.computed, stopped)


def planned(asked: Asked) -> tuple[Plan, str]:
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
    asked: Asked,
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


def noted(evaluation: Evaluation, done: Judged, work: Work, store: Store) -> Evaluation:
    """The evaluation with its stopped and resumed judges written into its manifest."""
    manifest = with_stops(evaluation.manifest, done, work, store)
    if manifest is not evaluation.manifest:
        write_manifest(evaluation.folder, manifest)
    return Evaluation(evaluation.folder, manifest)


def environment_of(asked: Asked) -> tuple[Environment, str]:
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


def kept_analysis(evaluation: Evaluation, store: Store) -> Analysis | None:
    """The numbers as they stand, where this brie made them from exactly these rows."""
    try:
        kept = Analysis.read(evaluation.analysis_file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    rows = gather(evaluation.manifest, store).digest()
    same = kept.rows_digest == rows and kept.version == versions.build(__version__)
    return kept if same and not kept.interim else None


def analyse(
    evaluation: Evaluation, store: Store, project: Project, sides: Sequence[Resolved] = ()
) -> Analysis:
    """Compute and keep an evaluation's numbers.

    Args:
        evaluation: which.
        store: its completions and verdicts.
        project: where its models and training data are.
        sides: both sides, where they were resolved just now.
    """
    known = around(evaluation.manifest, project, sides)
    if known.compared is not None:
        record(evaluation.folder, known.compared.trained)
    analysis = assemble(evaluation.manifest, store, known)
    write_text(evaluation.analysis_file, to_json(analysis))
    if analysis.rows_digest:
        store.look(
            suite=evaluation.manifest.plan.suite.digest(),
            evaluation=evaluation.manifest.id,
            rows=analysis.rows_digest,
        )
    return analysis


def to_json(analysis: Analysis) -> str:
    """The `analysis.json` document."""
    said = analysis.model_dump(mode="json", exclude_unset=True)
    return json.dumps({"schema": analysis.schema_, **said}, indent=2, ensure_ascii=False) + "\n"


def write_report(evaluation: Evaluation, analysis: Analysis, store: Store, project: Project) -> Path:
    """Write the HTML and Markdown report; returns the HTML file."""
    from brie.report.build import build_report
    from brie.report.curve import read_curve

    folder = project.reports / evaluation.manifest.id
    folder.mkdir(parents=True, exist_ok=True)
    views = comparison_views(evaluation.manifest, store)
    write_text(folder / "analysis.json", to_json(analysis))
    return build_report(analysis, evaluation.manifest, views, folder, read_curve(evaluation.folder))


def rebuild(evaluation: Evaluation, project: Project) -> Outcome:
    """Analyse what the store holds and write the report again; nothing is asked.

    Raises:
        StoreError: the store cannot be used.
    """
    with Store.open(project.store) as store:
        analysis = analyse(evaluation, store, project)
        return Outcome(evaluation, analysis, write_report(evaluation, analysis, store, project), 0, 0)


def write_audit(analysis: Analysis, project: Project) -> Path:
    """Write the report of an audit; returns the HTML file."""
    from brie.report.build import build_report

    folder = project.reports / analysis.id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}.") from error
    write_text(folder / "analysis.json", to_json(analysis))
    return build_report(analysis, None, (), folder)
