"""Every checkpoint of a run evaluated against one base, and the curve left where reports find it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from brie.catalog import load_defaults
from brie.errors import Stopped, UsageError
from brie.evaluation.budget import Spending
from brie.evaluation.folders import evaluations
from brie.evaluation.gather import gather
from brie.evaluation.request import EvalRequest, prepare
from brie.evaluation.results import write_report
from brie.evaluation.run import run_evaluation
from brie.evaluation.soundness import unsound
from brie.pin import checkpoints, find_run
from brie.progress import Advance, Screen
from brie.project import Project, write_text
from brie.records import Manifest, Pin
from brie.records.analysis import Analysis
from brie.records.studies import CurveDocument
from brie.report.curve import CURVE
from brie.store import Store
from brie.store.looks import Look
from brie.studies.checkpoints import curve, selected
from brie.studies.curve_log import Tracker, log_curve, refuse_unlogged


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the checkpoints are evaluated."""

    command: str
    """How to go on with it."""
    spending: Spending
    """The wishes about money; the budget is for all checkpoints together."""
    select_by_judges: bool = False
    """Let one half of the suite choose the checkpoint, and quote the other."""
    report_to: tuple[Tracker, ...] = ()
    """Where the win rates are logged besides, beside the figures of the training."""


def run_curve(
    run: str, request: EvalRequest, project: Project, screen: Screen, manner: Manner
) -> CurveDocument:
    """The win rate of every checkpoint of a run (schema `brie.curve/1`), on one baseline's answers.

    What is in the store already is not computed again. The curve is left beside every evaluation of
    these checkpoints on this suite, and their reports show it from then on.

    Args:
        run: its name, short id or folder.
        request: suite, judges and samples; the candidate and the controls do not matter.
        project: where everything is kept.
        screen: progress.
        manner: money, and how the checkpoint is chosen.

    Raises:
        UsageError: the run has no checkpoints, too few prompts are judged on all of them, or the win
            rates cannot be logged where they should be.
        Stopped: one of the evaluations is not finished; the same command goes on.
    """
    training = find_run(run, project)
    refuse_unlogged(manner.report_to, training)
    manifests = evaluate_checkpoints(run, request, project, screen, manner)
    study = selected if manner.select_by_judges else curve
    with Store.open(project.store) as store:
        document = count_look(study(manifests, store, best_step(run, project)), store)
    attach(document, manifests, project)
    suite = next(iter(manifests.values())).plan.suite.name
    for said in log_curve(document, suite, training, manner.report_to):
        screen.say(said)
    return document


def evaluate_checkpoints(
    run: str, request: EvalRequest, project: Project, screen: Screen, manner: Manner
) -> dict[str, Manifest]:
    """Each checkpoint's evaluation, run or gone on with, by its step.

    Raises:
        UsageError: the run has no checkpoints.
        Stopped: one of them is not finished; the same command goes on.
    """
    training = find_run(run, project)
    steps = sorted(checkpoints(training.folder))
    if not steps:
        raise UsageError(f"run {training.name} has no checkpoints to evaluate.")
    budget = manner.spending.budget
    left = load_defaults(project).budget if budget is None else budget
    manifests: dict[str, Manifest] = {}
    screen = Once(screen)
    for number, step in enumerate(steps, 1):
        screen.say(f"checkpoint {number} of {len(steps)}: step {step}")
        checkpoint = replace(request, candidate=f"{training.name}:{step}", controls=0)
        resolved, _ = prepare(checkpoint, project)
        spending = replace(manner.spending, budget=left)
        outcome = run_evaluation(
            resolved, project, screen, command=manner.command, spending=spending, curve=training.name
        )
        if outcome.stopped:
            raise Stopped(outcome.stopped)
        manifests[str(step)] = outcome.evaluation.manifest
        with Store.open(project.store, read_only=True) as store:
            left = max(0.0, left - store.committed(outcome.evaluation.manifest.id))
    return manifests


@dataclass
class Once:
    """A screen that says nothing twice: every checkpoint is gone on with by the same command."""

    screen: Screen
    said: set[str] = field(default_factory=set)

    def say(self, text: str) -> None:
        """One line for people, the first time."""
        if text not in self.said:
            self.said.add(text)
            self.screen.say(text)

    def bar(self, label: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """A progress bar."""
        return self.screen.bar(label, total, unit)


def best_step(run: str, project: Project) -> str | None:
    """The step of the run's `best` pin: the lowest validation loss; None where there is none."""
    path = find_run(run, project).folder / "pins" / "best.json"
    if not path.is_file():
        return None
    step = Pin.model_validate_json(path.read_bytes()).step
    return None if step is None else str(step)


def count_look(document: CurveDocument, store: Store) -> CurveDocument:
    """Count a quoted half as a look at the suite, and say how many there were."""
    chosen = document.selection
    if chosen is None:
        return document
    half = chosen.rows
    looks = store.look(
        Look(suite=chosen.suite, evaluation=chosen.evaluation, rows=half, headline=half, read=half)
    )
    return document.model_copy(update={"selection": chosen.model_copy(update={"looks": looks})})


def attach(document: CurveDocument, manifests: Mapping[str, Manifest], project: Project) -> None:
    """Leave the curve beside every evaluation of these checkpoints on this suite: their reports show
    it from now on."""
    points = {_point(manifest) for manifest in manifests.values()}
    text = json.dumps(document.written(), indent=1) + "\n"
    with Store.open(project.store, read_only=True) as store:
        for evaluation in evaluations(project):
            same = _point(evaluation.manifest) in points and evaluation.analysis_file.is_file()
            if same and not unsound(evaluation.manifest):
                write_text(evaluation.folder / CURVE, text)
                analysis = Analysis.read(evaluation.analysis_file.read_bytes())
                rows = gather(evaluation.manifest, store, texts=False)
                write_report(evaluation, analysis, rows, project)


def _point(manifest: Manifest) -> tuple[str, str, str]:
    plan = manifest.plan
    return plan.candidate.digest, plan.baseline.digest, plan.suite.digest()
