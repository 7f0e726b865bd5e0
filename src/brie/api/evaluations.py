"""Evaluations: asked for by keywords, by a request, or of answers that Python holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from pydantic import TypeAdapter

from brie.api import running
from brie.api.results import Evaluated
from brie.api.screens import default_screen
from brie.api.tables import Table, answer_file, lists_of
from brie.benchmarks.naming import AskedAs
from brie.checks.standing import CAUSES
from brie.ci.gate import Gate, gate
from brie.conventions import MARGIN
from brie.errors import UsageError, unknown
from brie.evaluation.assemble import assemble
from brie.evaluation.budget import Spending
from brie.evaluation.context import context_of
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.manifest import broken_links
from brie.evaluation.request import EvalRequest, prepare
from brie.evaluation.results import Outcome
from brie.evaluation.run import run_evaluation
from brie.progress import Screen
from brie.project import Project
from brie.records import LocalEngine, Positions
from brie.records.analysis import Analysis
from brie.records.studies import CurveDocument
from brie.store import Store
from brie.studies import run_curve
from brie.studies.curve_log import Tracker

Texts = Sequence[str]
"""Answers of one side, or prompts, in one order."""


class Settings(TypedDict, total=False):
    """What else an evaluation may be asked for: the options of `brie eval`, and their defaults."""

    base: str
    panel: str
    samples: int
    positions: Positions
    criteria_orders: int
    controls: int
    seed: int
    thinking: bool
    temperature: float
    max_new_tokens: int
    sampling: Literal["suite", "model"]
    system: Literal["refuse", "fold"]
    paired_noise: bool
    allow_different_templates: bool
    until_decided: bool
    max_prompts: int
    hold_out_sources: Sequence[str]
    device: str
    dtype: str
    engine: LocalEngine
    skip_missing_judges: bool
    allow_code: bool
    tasks: Sequence[str]
    task_documents: int
    tasks_as: AskedAs


def evaluate(
    request: EvalRequest | None = None,
    project: Project | None = None,
    *,
    suite: str | Path | None = None,
    pairs: str | Path | Table | None = None,
    prompt: str | Texts | None = None,
    candidate: str | Texts | None = None,
    baseline: str | Texts | None = None,
    judges: str | Sequence[str] = (),
    budget: float | None = None,
    yes: bool = False,
    screen: Screen | None = None,
    name: str | None = None,
    spending: Spending | None = None,
    **settings: Unpack[Settings],
) -> Evaluated:
    """Evaluate as `brie eval` does: sealed, blind, resumable, with its report.

    Args:
        request: everything in one object, instead of the keywords.
        project: the folder to work in; the current one by default.
        suite: what is asked, where no answers exist.
        pairs: answers that exist: a DataFrame, columns, rows or a file; its columns are the sides.
        prompt: the column of the prompts; or the prompts, where the sides are lists of answers.
        candidate: a model, a column, or a list of answers.
        baseline: what it is compared with; the candidate's base by default.
        judges: ids; without any, those that can be reached.
        budget: US dollars the evaluation may cost in all.
        yes: agreed: prompts and answers may go to the judges; else only free ones here are asked.
        screen: where progress goes; bars in a notebook, else nowhere.
        name: what `brie ls` calls it.
        spending: budget and consent in one object; `settings`: see `Settings`.

    Raises:
        BrieError: a choice is missing or wrong, a model is not what its pin says, or work stopped.
    """
    where = project or Project.find()
    if request is None:
        request = _request(
            _Sides(pairs, prompt, candidate, baseline), settings, where,
            suite=None if suite is None else str(suite),
            judges=(judges,) if isinstance(judges, str) else tuple(judges),
        )  # fmt: skip
    elif (
        settings
        or judges
        or any(part is not None for part in (suite, pairs, prompt, candidate, baseline))
    ):
        raise UsageError("say everything in the request, or everything by keywords.")
    wishes = request
    terms = spending or (Spending(budget, consent=lambda _: None) if yes else Spending(budget))

    def work(shown: Screen) -> Outcome:
        resolved, messages = prepare(wishes, where)
        for line in messages:
            shown.say(line)
        return run_evaluation(resolved, where, shown, command="brie.evaluate", name=name, spending=terms)

    return Evaluated.of(running.run(work, screen or default_screen()), where)


@dataclass(frozen=True)
class _Sides:
    """What is compared, as it was given."""

    pairs: str | Path | Table | None
    prompt: str | Texts | None
    candidate: str | Texts | None
    baseline: str | Texts | None

    def named(self, project: Project) -> dict[str, str | None]:
        """The fields of a request; what Python holds is in a file then.

        Raises:
            UsageError: lists and names are mixed, or lists have unlike many entries.
        """
        pairs, prompt, candidate, baseline = self.pairs, self.prompt, self.candidate, self.baseline
        lists = [isinstance(part, str | None) for part in (prompt, candidate, baseline)].count(False)
        if lists == 3 and pairs is None:
            columns = lists_of(prompt=prompt or (), candidate=candidate or (), baseline=baseline or ())
            pairs, prompt, candidate, baseline = columns, *columns
        elif lists:
            raise UsageError(
                "answers in lists need three of one length: prompt=[…], candidate=[…], baseline=[…]."
            )
        if pairs is not None and not isinstance(pairs, str | Path):
            pairs = answer_file(pairs, project)
        named = {"pairs": pairs, "prompt": prompt, "candidate": candidate, "baseline": baseline}
        return {name: None if part is None else str(part) for name, part in named.items()}


def _request(
    sides: _Sides,
    settings: Settings,
    project: Project,
    *,
    suite: str | None,
    judges: tuple[str, ...],
) -> EvalRequest:
    for name in settings:
        if name not in Settings.__annotations__:
            raise unknown("keyword", name, Settings.__annotations__)
    sources = tuple(settings.get("hold_out_sources", ()))
    named = settings.get("tasks", ())
    tasks = (named,) if isinstance(named, str) else tuple(named)
    given = {
        **settings, "hold_out_sources": sources, "suite": suite, "judges": judges, "tasks": tasks,
    }  # fmt: skip
    return TypeAdapter(EvalRequest).validate_python({**given, **sides.named(project)})


def assert_not_worse(
    evaluation: str | Evaluated,
    project: Project | None = None,
    *,
    margin: float = MARGIN,
    allow: Sequence[str] = (),
) -> Gate:
    """Hold an evaluation against "not worse", as `brie gate` does, in a test suite.

    Args:
        evaluation: what `brie.evaluate` gave back, or an evaluation's name.
        project: where it is.
        margin: how far below an even win rate still is not worse, as a share.
        allow: checks, or `missing`, that are not to keep the verdict from standing.

    Raises:
        AssertionError: it is worse, does not stand, or the data cannot say; with the sentence.
        BrieError: there is no such evaluation or check.
    """
    for cause in allow:
        if cause not in CAUSES:
            raise unknown("check", cause, CAUSES)
    where = project or Project.find()
    if isinstance(evaluation, Evaluated):
        manifest, analysis = evaluation.evaluation.manifest, evaluation.analysis
    else:
        manifest = find_evaluation(evaluation, where).manifest
        analysis = analyse_evaluation(evaluation, where)
    if broken := broken_links(manifest):
        raise AssertionError(f"{manifest.id}: the seal is broken: {'; '.join(broken)}.")
    answer = gate(analysis, "not-worse", margin=margin, allowed=allow)
    if not answer.met:
        word = "not shown to be not worse" if answer.met is None else "not met"
        raise AssertionError(f"{manifest.id}: {word}: {answer.sentence}.")
    return answer


def analyse_evaluation(evaluation: str, project: Project | None = None) -> Analysis:
    """The numbers of an evaluation as the store has them now; nothing is asked or written.

    Raises:
        BrieError: no such evaluation, or the store cannot be read.
    """
    where = project or Project.find()
    manifest = find_evaluation(evaluation, where).manifest
    with Store.open(where.store, read_only=True) as store:
        return assemble(gather(manifest, store), store, context_of(manifest, where))


def curve(
    run: str,
    request: EvalRequest,
    project: Project | None = None,
    *,
    select_by_judges: bool = False,
    report_to: Sequence[Tracker] = (),
    screen: Screen | None = None,
    spending: Spending | None = None,
) -> CurveDocument:
    """The win rate over a run's training steps, as `brie curve` computes and keeps it.

    Args:
        run: a training run's name, short id or folder.
        request: suite, judges and samples; every checkpoint in turn is the candidate.
        project: the folder to work in.
        select_by_judges: one half of the suite chooses the checkpoint, the other half is quoted.
        report_to: `tensorboard`, `wandb`: the win rates are logged beside the run's losses too.
        screen: where progress goes; bars in a notebook, else nowhere.
        spending: budget for all checkpoints together, and consent.

    Returns:
        Its `written()` is the `brie.curve/1` document.

    Raises:
        UsageError: the run has no checkpoints, too few prompts are judged on all of them, or the win
            rates cannot be logged where they should be.
        Stopped: an evaluation is not finished; the same call goes on.
    """
    manner = run_curve.Manner(
        command="brie.curve",
        spending=spending or Spending(),
        select_by_judges=select_by_judges,
        report_to=tuple(report_to),
    )
    where = project or Project.find()
    return running.run(
        lambda shown: run_curve.run_curve(run, request, where, shown, manner), screen or default_screen()
    )
