"""The stages of a sealed evaluation one by one, for machines that do only one of them."""

from __future__ import annotations

from dataclasses import dataclass

from brie.errors import UsageError
from brie.evaluation.answering import answer_all
from brie.evaluation.evidence import resolved
from brie.evaluation.folders import Evaluation
from brie.evaluation.judging import Screen
from brie.evaluation.plan import SERVED, Work
from brie.evaluation.sides import sources
from brie.generate.turns import open_engine
from brie.pipeline import check_prompts
from brie.records import Environment
from brie.resources import Project
from brie.store import Store
from brie.store.owner import Owner


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
