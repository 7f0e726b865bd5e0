"""Answers that are made on another machine: the plan is sealed here, and judged here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from brie.cli import remote, screen
from brie.lines import command as command_line
from brie.project import Project

if TYPE_CHECKING:
    from brie.evaluation.folders import Evaluation
    from brie.evaluation.plan import ResolvedRequest


def seal_and_send(
    asked: ResolvedRequest, wishes: remote.Wishes, project: Project, *, name: str | None
) -> None:
    """Plan for the machine there, ask, seal here, and have the answers made there.

    Raises:
        UsageError: a side cannot be sent, the machine cannot do it, or nobody agreed.
    """
    from brie.evaluation.folders import evaluation_id
    from brie.evaluation.run import begin, planned
    from brie.remote.answering import answering_errand, environment_of, with_plan
    from brie.remote.preflight import look

    sides = (asked.candidate, asked.baseline)
    launcher = remote.opened(wishes)
    preflight = look(answering_errand(sides, "a new plan", project), launcher, timeout=wishes.timeout)
    elsewhere = environment_of(
        preflight.offer, launcher.target.on, device=asked.device, dtype=asked.dtype
    )
    plan, reason = planned(asked, elsewhere)
    planned_as = evaluation_id(plan)
    errand = answering_errand(sides, planned_as, project)
    preflight = replace(preflight, errand=errand)
    if not remote.agreed(preflight, wishes, launcher):
        return
    # The command as typed would plan for this machine again: what goes on is judging.
    judging = command_line("judge", planned_as)
    evaluation = begin(
        plan, asked, project, screen.Terminal(), command=judging, name=name, reason=reason
    )
    sent = replace(preflight, errand=with_plan(errand, evaluation, project))
    remote.send(sent, wishes, project, launcher)


def send(evaluation: Evaluation, wishes: remote.Wishes, project: Project) -> None:
    """Have a sealed evaluation's missing answers made elsewhere.

    Raises:
        UsageError: a side cannot be sent, the machine is another kind than the sealed one, or nobody
            agreed.
    """
    from brie.evaluation.context import resolved
    from brie.remote.answering import answering_errand, refuse_another, refuse_tasks, with_plan
    from brie.remote.preflight import look

    manifest = evaluation.manifest
    refuse_tasks(manifest.plan)
    launcher = remote.opened(wishes)
    errand = answering_errand(resolved(manifest, project), manifest.id, project)
    preflight = look(errand, launcher, timeout=wishes.timeout)
    refuse_another(manifest.plan.environment, preflight.offer, launcher.target.on)
    if remote.agreed(preflight, wishes, launcher):
        sent = replace(preflight, errand=with_plan(errand, evaluation, project))
        remote.send(sent, wishes, project, launcher)
