"""Finished evaluations in which people's votes have measured the judges."""

from __future__ import annotations

from collections.abc import Iterator

from brie.evaluation.folders import Evaluation, evaluations
from brie.evaluation.plan import added_judges
from brie.evaluation.soundness import unsound
from brie.evaluation.votes import asked_of_people
from brie.project import Project
from brie.records.analysis import Analysis
from brie.records.people import HumanAnchored, MeasuredJudge


def with_votes(project: Project) -> Iterator[tuple[Evaluation, Analysis, HumanAnchored]]:
    """Evaluations whose drawn prompts all have a vote, their numbers, and what the votes said; oldest
    first."""
    for evaluation in sorted(evaluations(project), key=lambda e: e.manifest.created):
        if not asked_of_people(evaluation.manifest) or unsound(evaluation.manifest):
            continue
        try:
            analysis = Analysis.read(evaluation.analysis_file.read_bytes())
        except (OSError, ValueError):
            continue
        people = analysis.human_anchored
        if people is not None and people.measured is not None:
            yield evaluation, analysis, people


def of_judge(digest: str, project: Project) -> dict[str, MeasuredJudge]:
    """Evaluation -> what people's votes said there of a judge with this digest.

    Args:
        digest: the judge's: model, settings and prompt format, whatever its rubric was.
        project: where the evaluations are.
    """
    measured = {}
    for evaluation, _, people in with_votes(project):
        manifest = evaluation.manifest
        seats = (*manifest.plan.seats, *added_judges(manifest))
        name = next((seat.judge.id for seat in seats if seat.digest == digest), None)
        judge = people.measured.by_judge.get(name) if people.measured and name else None
        if judge is not None:
            measured[manifest.id] = judge
    return measured
