"""A suite's plan as a project would carry it out: its panel, what was measured, what calls took."""

from __future__ import annotations

from collections.abc import Sequence

from brie.catalog import load_defaults, load_judge, load_panel, load_rubric, load_suite
from brie.errors import UsageError
from brie.evaluation.choice import reachable_names
from brie.evaluation.folders import evaluations
from brie.judge.quote import CallStats
from brie.project import Project
from brie.records import PanelJudge, Positions, Suite
from brie.records.analysis import Analysis
from brie.store import Store
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
) -> Design:
    """What a suite can detect, and what judging it would cost; nothing is asked and nothing is sent.

    Args:
        suite: its name or file.
        project: where suites, judges and earlier evaluations are.
        samples: numbers of samples a prompt to compare; one named twice counts once.
        positions: orders to compare.
        judges: ids of the judges to price; without any, the panel.
        panel: its name; the project's by default.

    Raises:
        UsageError: a suite, judge or panel is unknown, or judges and a panel are named.
        InputError: one of their files is wrong.
    """
    loaded = load_suite(suite, project)
    panel_judges = judges_to_price(judges, panel, loaded, project)
    return design(
        loaded,
        tuple(dict.fromkeys(samples)),
        tuple(dict.fromkeys(positions)),
        earlier=measured(loaded, project),
        seats=panel_judges,
        habits=call_stats(panel_judges, project),
    )


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
        names = judges or load_panel(panel or "", project).judges
    specs = [load_judge(name, project) for name in dict.fromkeys(names)]
    return [place(spec, load_rubric(spec.rubric or suite.rubric, project)) for spec in specs]


def measured(suite: Suite, project: Project) -> Earlier | None:
    """The latest finished evaluation of a suite that measured its variance."""
    latest: Earlier | None = None
    for evaluation in sorted(evaluations(project), key=lambda e: e.manifest.created):
        if evaluation.manifest.plan.suite.digest() != suite.digest():
            continue
        try:
            analysis = Analysis.read(evaluation.analysis_file.read_bytes())
        except (OSError, ValueError):
            continue
        variance, rate = analysis.variance, analysis.win_rate
        if variance is not None and rate is not None and not analysis.interim:
            judges = [judge for judge in analysis.by_judge.values() if not judge.instrument]
            latest = Earlier(evaluation.manifest.id, rate.value, max(1, len(judges)), variance)
    return latest


def call_stats(judges: Sequence[PanelJudge], project: Project) -> dict[str, CallStats]:
    """What earlier calls of each judge were like; empty where there is no store yet."""
    if not project.store.is_file():
        return {}
    with Store.open(project.store, read_only=True) as store:
        return {seat.judge.id: CallStats(*store.habits(seat.judge.id)) for seat in judges}
