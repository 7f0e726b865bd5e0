"""An evaluation without a model: real plan, store, judges and analysis over given texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from brie import versions
from brie.evaluation.assemble import assemble
from brie.evaluation.budget import Terms
from brie.evaluation.controls import damage
from brie.evaluation.gather import gather, is_decided
from brie.evaluation.judging import judge_all
from brie.evaluation.plan import ResolvedRequest, make_plan, panel_judge
from brie.evaluation.work import Work
from brie.pin import Resolved, pin_base, pin_checkpoint
from brie.progress import Advance
from brie.records import (
    Completion,
    Environment,
    JudgeSpec,
    Manifest,
    Message,
    PanelJudge,
    Positions,
    Prompt,
    Provider,
    Sampling,
    Side,
    Stopping,
    Suite,
)
from brie.records.analysis import Analysis
from brie.store import Store
from brie.store.owner import Owner
from tests.pin.folders import make_adapter, make_base

Text = Callable[[Side, int, int], str]
"""Side, number of the prompt, sample -> answer."""


class Quiet:
    """A screen nobody looks at."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        """Keep what was said."""
        self.said.append(text)

    @contextmanager
    def bar(self, label: str, total: int, unit: str) -> Iterator[Advance]:
        """A bar that shows nothing."""
        yield lambda done, note="": None


def rules(*names: str, prompt_format: str = versions.PROMPT_FORMAT) -> tuple[PanelJudge, ...]:
    """Rule judges as seats, in a format of the judge's prompt."""
    specs = [JudgeSpec(id=n, provider=Provider.RULES, model=n) for n in names]
    return tuple(panel_judge(spec, None, prompt_format=prompt_format) for spec in specs)


def suite(prompts: int, categories: int = 2, sources: int = 4) -> Suite:
    """A suite of numbered prompts with references."""
    return Suite(
        name="made",
        prompts=tuple(
            Prompt(
                id=f"p{n:03}",
                messages=(Message(role="user", content=f"Question {n}?"),),
                category=f"c{n % categories}",
                source=f"s{n % sources}",
                reference=f"The reference answer number {n} says what is so.",
            )
            for n in range(prompts)
        ),
    )


@dataclass(frozen=True)
class World:
    """A project folder with two pinned sides."""

    root: Path
    candidate: Resolved
    baseline: Resolved

    @classmethod
    def make(cls, root: Path) -> World:
        """Two sides that differ in their weights."""
        base_folder = make_base(root / "base")
        adapter = make_adapter(root / "adapter")
        base = pin_base(base_folder, repo="me/base")
        pin = pin_checkpoint(adapter, base=base, name="run:10", step=10)
        return cls(
            root,
            Resolved(pin, "run:10", "run:10", base_folder, base, adapter),
            Resolved(base, "me/base", "base", base_folder, base, None),
        )

    def swapped(self) -> World:
        """The same models with their roles exchanged."""
        return World(self.root, self.baseline, self.candidate)

    def asked(
        self,
        *,
        panel_judges: tuple[PanelJudge, ...] | None = None,
        prompts: int = 24,
        samples: int = 1,
        positions: Positions = "both",
        controls: int = 0,
        seed: int = 0,
        made: Suite | None = None,
        stopping: Stopping | None = None,
        criteria_orders: int = 1,
    ) -> ResolvedRequest:
        """What an evaluation of these sides is to be."""
        return ResolvedRequest(
            suite=made or suite(prompts),
            candidate=self.candidate,
            baseline=self.baseline,
            panel_judges=panel_judges or rules("reference"),
            panel="test",
            sampling=Sampling(),
            samples=samples,
            positions=positions,
            controls=controls,
            seed=seed,
            stopping=stopping,
            criteria_orders=criteria_orders,
        )

    def evaluate(
        self,
        text: Text,
        *,
        panel_judges: tuple[PanelJudge, ...] | None = None,
        prompts: int = 24,
        samples: int = 1,
        positions: Positions = "both",
        controls: int = 0,
        seed: int = 0,
        made: Suite | None = None,
        stopping: Stopping | None = None,
        criteria_orders: int = 1,
    ) -> tuple[Analysis, Manifest]:
        """Judge and analyse the given texts; nothing but the sampling is left out."""
        asked = self.asked(
            panel_judges=panel_judges, prompts=prompts, samples=samples, positions=positions,
            controls=controls, seed=seed, made=made, stopping=stopping,
            criteria_orders=criteria_orders,
        )  # fmt: skip
        manifest = sealed(asked)
        plan = manifest.plan
        with Store.open(self.root / "brie.sqlite") as store, Owner(self.root / ".owners") as owner:
            work = Work(plan)
            store.add_completions(self.answers(work, text))
            for block in work.blocks():
                judge_all(
                    work, store, owner, Quiet(), Terms(asked.panel_judges, None),
                    evaluation=manifest.id, prompts=block,
                )  # fmt: skip
                if plan.stopping and is_decided(gather(manifest, store)):
                    break
            return assemble(gather(manifest, store), store), manifest

    def answers(self, work: Work, text: Text) -> list[Completion]:
        """Every answer a plan needs, with the given texts."""
        return list(self._answers(work, text))

    def _answers(self, work: Work, text: Text) -> Iterator[Completion]:
        made: dict[str, Completion] = {}
        number = {p.id: n for n, p in enumerate(sorted(work.plan.suite.prompts, key=lambda p: p.id))}
        digests = {r.key: r for r in work.requests()}
        for name, place in number.items():
            for side in ("candidate", "baseline"):
                for sample in (*range(work.plan.samples), work.plan.controls.first_sample):
                    key = work.key(side, name, sample)
                    if key in digests:
                        made[key] = answer(key, digests[key].pin, text(side, place, sample), sample)
        for key, source in work.damages().items():
            made[key] = damage(made[source], work.plan.controls.damage)
        yield from made.values()


def sealed(asked: ResolvedRequest) -> Manifest:
    """The manifest of a plan that is sealed now."""
    plan = make_plan(asked, Environment(dtype="float32", device="cpu", sampler="test"))
    return Manifest(
        id=f"eval-made-{plan.seal()[7:15]}",
        created="2026-01-01",
        seal=plan.seal(),
        plan=plan,
        names=plan.names,
        locations={"candidate": "run:10", "baseline": "base"},
        command="brie eval",
        versions={},
    )


def answer(key: str, pin: str, text: str, sample: int) -> Completion:
    """A completion with a given text."""
    return Completion(
        key=key,
        pin=pin,
        prompt=pin,
        sample=sample,
        text=text,
        finish_reason="stop",
        tokens=max(1, len(text.split())),
        seconds=0.0,
    )
