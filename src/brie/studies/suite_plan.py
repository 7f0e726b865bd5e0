"""A suite's plan as a project would carry it out: its panel, what was measured, what calls took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from brie.catalog import load_defaults, load_judge, load_panel, load_rubric, load_suite
from brie.errors import UsageError
from brie.evaluation.choice import reachable_names
from brie.evaluation.folders import Evaluation, evaluations
from brie.evaluation.soundness import unsound
from brie.judge.quote import CallStats
from brie.project import Project
from brie.records import PanelJudge, Positions, Suite
from brie.records.analysis import Analysis
from brie.records.studies import VoterRates
from brie.store import Store
from brie.studies.left import left_for
from brie.studies.narrowing import narrowing
from brie.studies.planning import Design, Earlier, design, place

SAMPLES = (1, 3, 5)
ORDERS: tuple[Positions, ...] = ("both", "balanced")


def plan_table(
    suite: str,
    project: Project,
    *,
    samples: Sequence[int] = SAMPLES,
    positions: Sequence[Positions] = ORDERS,
    judges: Sequence[str] = (),
    panel: str | None = None,
    candidate: str | None = None,
    rates: VoterRates | None = None,
) -> Design:
    """What a suite can detect, and what judging it would cost; nothing is asked and nothing is sent.

    Args:
        suite: its name or file.
        project: where suites, judges and earlier evaluations are.
        samples: numbers of samples a prompt to compare; one named twice counts once.
        positions: orders to compare.
        judges: ids of the judges to price; without any, the panel.
        panel: its name; the project's by default.
        candidate: a model; the design is of the prompts that are neither in nor near what it was
            trained on.
        rates: what a vote of a person takes and costs.

    Raises:
        UsageError: a suite, judge, panel or model is unknown, judges and a panel are named, or no prompt
            is left for the candidate.
        InputError: one of their files is wrong.
    """
    loaded = load_suite(suite, project)
    panel_judges = judges_to_price(judges, panel, loaded, project)
    left = left_for(candidate, loaded, project) if candidate is not None else None
    table = design(
        left.suite if left else loaded,
        tuple(dict.fromkeys(samples)),
        tuple(dict.fromkeys(positions)),
        earlier=measured(loaded, panel_judges, project),
        seats=panel_judges,
        habits=call_stats(panel_judges, project),
    )
    bought = narrowing(
        loaded, panel_judges, project, rates or VoterRates(), lambda seats: call_stats(seats, project)
    )
    return replace(table, narrowing=bought, left=left)


def judges_to_price(
    judges: Sequence[str], panel: str | None, suite: Suite, project: Project
) -> list[PanelJudge]:
    """The judges named; without any, the panel's; without a panel, those that can be reached, if any.

    Raises:
        UsageError: one is unknown, or judges and a panel are named.
    """
    if judges and panel:
        raise UsageError("name judges with --judge or a panel with --panel, not both.")
    panel = panel or load_defaults(project).panel
    if not judges and panel is None:
        names = reachable_names(project)
    else:
        names = tuple(judges) or load_panel(panel or "", project).judges
    specs = [load_judge(name, project) for name in dict.fromkeys(names)]
    return [place(spec, load_rubric(spec.rubric or suite.rubric, project)) for spec in specs]


def measured(suite: Suite, judges: Sequence[PanelJudge], project: Project) -> dict[Positions, Earlier]:
    """Orders -> the finished evaluation of a suite by these very judges that says most of its variance.

    Variance belongs to who judged: that of other judges, orders or prompts says nothing of these.
    The evaluation with several samples a prompt is taken before one without, the latest of equals.
    """
    planned = {_identity(seat) for seat in judges}
    chosen: dict[Positions, Earlier] = {}
    for evaluation in sorted(evaluations(project), key=lambda e: e.manifest.created):
        plan = evaluation.manifest.plan
        panel = {_identity(seat) for seat in plan.seats if not seat.instrument}
        if plan.suite.digest() != suite.digest() or panel != planned or unsound(evaluation.manifest):
            continue
        earlier = _earlier(evaluation)
        if earlier is None or earlier.variance.judges != len(planned):
            continue
        known = chosen.get(plan.positions)
        if known is None or _repeated(known) <= _repeated(earlier):
            chosen[plan.positions] = earlier
    return chosen


def _earlier(evaluation: Evaluation) -> Earlier | None:
    try:
        analysis = Analysis.read(evaluation.analysis_file.read_bytes())
    except (OSError, ValueError):
        return None
    if analysis.variance is None or analysis.win_rate is None or analysis.interim:
        return None
    return Earlier(evaluation.manifest.id, analysis.win_rate.value, analysis.variance)


def _repeated(earlier: Earlier) -> bool:
    return earlier.variance.samples > 1


def _identity(seat: PanelJudge) -> tuple[str, str]:
    """Who a judge is. Weights on this machine are pinned by an evaluation only: the file's name and
    settings stand for them."""
    if not seat.judge.provided.weights:
        return seat.digest, seat.rubric_digest
    settings = {k: v for k, v in seat.judge.parameters.items() if k != "weights"}
    model = seat.judge.model.partition("@")[0]
    named = seat.judge.model_copy(update={"parameters": settings, "model": model})
    return f"{seat.judge.id} {named.digest(named.newest_format)}", seat.rubric_digest


def call_stats(judges: Sequence[PanelJudge], project: Project) -> dict[str, CallStats]:
    """What earlier calls of each judge were like; empty where there is no store yet."""
    if not project.store.is_file():
        return {}
    with Store.open(project.store, read_only=True) as store:
        return {seat.judge.id: CallStats(*store.habits(seat.judge.id)) for seat in judges}
