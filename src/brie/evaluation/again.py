"""Answers made once more and compared with the stored ones: whether the pinned models wrote them.

Only where the machine promises the same text again: float32 on a CPU. Which answers are made again
nobody can foresee.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from brie.errors import UsageError
from brie.evaluation.context import resolved
from brie.evaluation.folders import Evaluation, versions
from brie.evaluation.generating import refuse_another
from brie.evaluation.sides import sources
from brie.evaluation.work import Work
from brie.generate.turns import open_engine
from brie.pin import ANSWERS
from brie.project import Project
from brie.records import Completion, Environment
from brie.store import Store

MODELS = ("torch", "transformers", "peft", "numpy")
"""Packages another version of which may write another text."""


@dataclass(frozen=True, slots=True)
class MadeAgain:
    """What came of making answers again."""

    same: int
    others: tuple[str, ...]
    """Keys of the answers that came out otherwise."""
    versions: str
    """Packages that are another version now, in words; "" where none is."""


def make_again(evaluation: Evaluation, count: int, project: Project) -> MadeAgain:
    """Make some of an evaluation's answers again; nothing is stored.

    Args:
        evaluation: which.
        count: how many answers, of both sides together.
        project: where its models are.

    Raises:
        PinError: a model here is another than the sealed one.
        UsageError: a model is not here, this is another kind of machine, or none promises equal texts.
    """
    plan = evaluation.manifest.plan
    _refuse_unequal(plan.environment)
    refuse_another(plan.environment)
    work = Work.of(evaluation.manifest)
    made_here = {pin.digest for pin in (plan.candidate, plan.baseline) if pin.kind not in _ELSEWHERE}
    requests = [request for request in work.requests() if request.pin in made_here]
    with Store.open(project.store, read_only=True) as store:
        stored = store.completions(request.key for request in requests)
    here = [request for request in requests if request.key in stored]
    if not here:
        raise UsageError("no answer of this evaluation was made by a model that brie runs itself.")
    drawn = secrets.SystemRandom().sample(here, min(count, len(here)))
    drawn.sort(key=lambda request: request.pin)  # one model after the other
    sides = resolved(evaluation.manifest, project)
    with open_engine(sources(sides, project, plan.suite), plan.environment) as engine:
        made = list(engine.generate(drawn))
    others = tuple(row.key for row in made if not _same(row, stored[row.key]))
    before, now = evaluation.manifest.versions, versions()
    apart = [f"{n} {before[n]}, now {now[n]}" for n in MODELS if n in before and before[n] != now.get(n)]
    return MadeAgain(len(made) - len(others), others, " and ".join(apart))


_ELSEWHERE = ("served", ANSWERS)


def _same(made: Completion, stored: Completion) -> bool:
    return (made.text, made.finish_reason, made.tokens) == (
        stored.text, stored.finish_reason, stored.tokens,
    )  # fmt: skip


def _refuse_unequal(environment: Environment) -> None:
    if (environment.engine, environment.dtype, environment.device) != ("transformers", "float32", "cpu"):
        raise UsageError(
            f"its answers were made by {environment.engine} in {environment.dtype} on "
            f"{environment.device}; only those of float32 on a CPU come out the same to the letter."
        )
    if environment.programs:
        listed = " and ".join(f"{name} {release}" for name, release in environment.programs.items())
        raise UsageError(
            f"its answers were made by {listed} from weights in few bits; only those of float32 on a "
            "CPU come out the same to the letter."
        )
