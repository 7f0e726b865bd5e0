"""An evaluation whose judges are functions: their verdicts are written to a real store as rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from brie.evaluation.manifest import amend, write_manifest
from brie.evaluation.plan import ResolvedRequest, make_plan, panel_judge
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import (
    Environment,
    JudgeSpec,
    Manifest,
    PanelJudge,
    Provider,
    Rubric,
    Sampling,
    Side,
    Status,
    Suite,
    Usage,
    Verdict,
    Winner,
)
from brie.store import Store
from brie.store.owner import Owner
from tests.flow.world import Text, World, rules, suite

CRITERIA = ("depth and insight", "coherence and structure", "engagement")


@dataclass(frozen=True)
class Said:
    """What a planted judge says of a comparison: the winner, and scores of both sides."""

    winner: Winner | None
    """None: its reply could not be read."""
    reason: str = ""
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Criterion -> candidate's and baseline's score."""


Judging = Callable[[Task, str, str, np.random.Generator], Said]
"""(what is asked, candidate's text, baseline's text, generator) -> what is said."""


def model(name: str) -> PanelJudge:
    """A judge that is a model, with a rubric of three criteria."""
    spec = JudgeSpec(id=name, provider=Provider.OPENAI, model=f"{name}-2026")
    return panel_judge(spec, Rubric(name="creative", text=f"Judge as {name}.", criteria=CRITERIA))


def planted(
    world: World,
    text: Text,
    judges: Mapping[str, Judging],
    *,
    prompts: int = 24,
    samples: int = 1,
    seed: int = 0,
    instruments: tuple[str, ...] = (),
    repeats: Mapping[str, int] | None = None,
    made: Suite | None = None,
    leave_out: int = 0,
) -> Manifest:
    """A judged evaluation in `world`'s store, its manifest beside it.

    Args:
        repeats: judge -> how often it was asked again.
        leave_out: the last so many verdicts are not there yet.
    """
    seats = tuple(model(name) for name in judges)
    beside = tuple(s.model_copy(update={"instrument": True}) for s in rules(*instruments))
    asked = ResolvedRequest(
        suite=made or suite(prompts), candidate=world.candidate, baseline=world.baseline,
        panel_judges=(*seats, *beside), panel="planted", sampling=Sampling(), samples=samples,
        positions="both", controls=0, seed=seed, stopping=None,
    )  # fmt: skip
    plan = make_plan(asked, Environment(dtype="float32", device="cpu", sampler="test"))
    named: dict[Side, str] = {"candidate": f"fine-tune {seed}", "baseline": "base"}
    plan = plan.model_copy(update={"names": named})
    manifest = Manifest(
        id=f"eval-{plan.suite.name}-{plan.seal()[7:15]}", created=f"2026-01-0{1 + seed}T00:00:00+00:00",
        seal=plan.seal(), plan=plan, names=named,
        locations={"candidate": "run:10", "baseline": "base"}, command="brie eval", versions={},
    )  # fmt: skip
    for name, count in (repeats or {}).items():
        manifest = amend(manifest, "repeat", {"judge": name, "repeats": count}, verdicts_before=0)
    work = Work.of(manifest)
    rng = np.random.default_rng(seed)
    with Store.open(world.root / "brie.sqlite") as store, Owner(world.root / ".owners"):
        store.add_completions(world.answers(work, text))
        texts = {key: row.text for key, row in store.completions(_keys(work)).items()}
        tasks = work.tasks()
        rows = [
            (_verdict(task, judges, work, texts, rng), task.judge)
            for task in tasks[: len(tasks) - leave_out]
        ]
        store.keep(rows, evaluation=manifest.id)
    write_manifest(world.root / manifest.id, manifest)
    return manifest


def _keys(work: Work) -> list[str]:
    return [request.key for request in work.requests()]


def _verdict(
    task: Task,
    judges: Mapping[str, Judging],
    work: Work,
    texts: Mapping[str, str],
    rng: np.random.Generator,
) -> Verdict:
    shown = task.presentation
    one, two = texts[shown.candidate], texts[shown.baseline]
    said = judges[task.judge](task, one, two, rng) if task.judge in judges else _longer(one, two)
    letters: dict[str, Literal["A", "B", "tie"]] = {
        "candidate": shown.candidate_letter, "baseline": shown.baseline_letter, "tie": "tie",
    }  # fmt: skip
    place = next(s for s in work.panel_judges if s.judge.id == task.judge)
    return Verdict(
        key=task.key,
        judge=place.digest,
        rubric=place.rubric_digest,
        presentation=task.presentation_digest,
        repeat=task.repeat,
        status=Status.OK if said.winner else Status.INVALID,
        letter=letters[said.winner] if said.winner else None,
        reason=said.reason,
        scores={
            name: {shown.candidate_letter: ours, shown.baseline_letter: theirs}
            for name, (ours, theirs) in said.scores.items()
        },
        usage=Usage(),
    )


def _longer(one: str, two: str) -> Said:
    return Said("candidate" if len(one) > len(two) else "baseline")


def leaning(criterion: str, *, noise: float = 0.8, length: float = 0.0, quality: float = 0.4) -> Judging:
    """A judge that decides by one criterion of its own, by length, and by chance.

    Its score on the criterion is hidden quality plus noise of its own; the others are noise.
    """

    def judge(task: Task, one: str, two: str, rng: np.random.Generator) -> Said:
        gap = {name: rng.normal(0, 1) for name in CRITERIA}
        hidden = quality + (len(set(one.split())) - len(set(two.split()))) / 10
        gap[criterion] += hidden
        pull = gap[criterion] + length * (len(one) - len(two)) / 100 + noise * rng.normal()
        winner: Winner = "tie" if abs(pull) < 0.15 else "candidate" if pull > 0 else "baseline"
        scores = {
            name: (min(5.0, max(1.0, round(3 + g / 2))), min(5.0, max(1.0, round(3 - g / 2))))
            for name, g in gap.items()
        }
        return Said(winner, f"The {winner} is stronger in {criterion}: <b>really</b>.", scores)

    return judge
