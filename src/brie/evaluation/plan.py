"""From what the user asked for to a sealed plan, and from a plan to the work it needs.

An evaluation is a declarative plan; running it means computing the keys that are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brie.blinding import Blocks
from brie.conventions import CONTROLS
from brie.digest import named_lots, short
from brie.errors import UsageError
from brie.evaluation.criteria import criteria_dealt
from brie.pin import ANSWERS, Resolved
from brie.records import (
    Controls,
    Environment,
    JudgeSpec,
    LocalEngine,
    Manifest,
    PanelJudge,
    Plan,
    Positions,
    Rubric,
    Sampling,
    Stopping,
    Suite,
)
from brie.report.clean import without_paths

if TYPE_CHECKING:
    from brie.benchmarks.loading import Loaded

SERVED = Environment(engine="openai-compatible", dtype="served", device="served", sampler="served")
"""Where a served model's answers are made: nothing of it is known."""


LLAMA = Environment(engine="llama.cpp", dtype="the file's", device="llama.cpp's", sampler="llama.cpp's")
"""Where answers of a server that brie starts are made; with the program's version beside it."""


FILES = Environment(engine="answers", dtype="not known", device="not known", sampler="not known")
"""Where the answers of a file were made: nothing is claimed."""


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """What an evaluation is to be, with every name resolved."""

    suite: Suite
    candidate: Resolved
    baseline: Resolved
    panel_judges: tuple[PanelJudge, ...]
    panel: str
    sampling: Sampling
    samples: int = 3
    positions: Positions = "both"
    criteria_orders: int = 1
    """In how many orders judges read their rubric's criteria."""
    controls: int = CONTROLS
    seed: int = 0
    left_out: tuple[str, ...] = ()
    stopping: Stopping | None = None
    allow_different_templates: bool = False
    held_out_sources: tuple[str, ...] = ()
    device: str | None = None
    """Where answers are made; None: the fastest that is there."""
    dtype: str | None = None
    """None: what suits the device."""
    engine: LocalEngine = "transformers"
    """What answers for models in folders."""
    tasks: tuple[Loaded, ...] = ()
    """Benchmarks that both sides do beside it."""
    task_names: tuple[str, ...] = ()
    """These as they were named."""


def panel_judge(
    judge: JudgeSpec,
    rubric: Rubric | None,
    *,
    instrument: bool = False,
    prompt_format: str | None = None,
) -> PanelJudge:
    """A judge with its rubric, as a plan seals it."""
    written = prompt_format or judge.newest_format
    return PanelJudge(judge=judge, rubric=rubric, digest=judge.digest(written), instrument=instrument)


def make_plan(asked: ResolvedRequest, environment: Environment) -> Plan:
    """The plan of an evaluation: a pure function of what was asked.

    Raises:
        UsageError: the two sides format conversations differently.
    """
    candidate, baseline = asked.candidate.pin, asked.baseline.pin
    of_files = ANSWERS in (candidate.kind, baseline.kind)
    unlike = candidate.template_digest != baseline.template_digest and not of_files
    if unlike and not asked.allow_different_templates:
        raise UsageError(
            "the two sides use different chat templates "
            f"({short(candidate.template_digest, 12)} and {short(baseline.template_digest, 12)}): "
            "they would not answer the same prompt. Where that is meant: --allow-different-templates"
        )
    samples = 1 if asked.sampling.temperature == 0 else asked.samples
    blocks = [(p.id, p.category) for p in asked.suite.prompts]
    order = work_order(blocks, asked.seed)
    dealt = assignments(
        blocks, asked.panel_judges, samples=samples, positions=asked.positions, seed=asked.seed
    )
    lots_of = dict(zip(order, named_lots(["control", asked.seed], order), strict=True))
    drawn = set(sorted(order, key=lots_of.__getitem__)[: asked.controls])
    return Plan(
        suite=asked.suite,
        candidate=candidate.sealed(),
        baseline=baseline.sealed(),
        environment=environment,
        sampling=asked.sampling.model_copy(update={"seed": asked.seed}),
        samples=samples,
        positions=asked.positions,
        panel=asked.panel,
        seats=tuple(p.sealed() for p in asked.panel_judges),
        left_out=asked.left_out,
        held_out_sources=asked.held_out_sources,
        seed=asked.seed,
        order=tuple(order),
        assignments=dealt,
        criteria_orders=asked.criteria_orders,
        criteria=criteria_dealt(
            blocks, asked.panel_judges, dealt, positions=asked.positions, seed=asked.seed,
            orders=asked.criteria_orders,
        ),
        controls=Controls(prompts=tuple(name for name in order if name in drawn)),
        stopping=asked.stopping,
        tasks=tuple(task.spec for task in asked.tasks),
        names={"candidate": without_paths(asked.candidate.name),
               "baseline": without_paths(asked.baseline.name)},
    )  # fmt: skip


def added_judges(manifest: Manifest) -> tuple[PanelJudge, ...]:
    """Judges that joined an evaluation after its seal, as its amendments name them."""
    links = [link for link in manifest.amendments if link.kind == "judge"]
    return tuple(PanelJudge.model_validate(link.detail["seat"]) for link in links)


def assignments(
    prompts: Sequence[tuple[str, str]],
    panel_judges: Sequence[PanelJudge],
    *,
    samples: int,
    positions: Positions,
    seed: int,
) -> dict[str, dict[str, str]]:
    """Judge id -> prompt id -> one digit a sample (see `blinding.assign`).

    Args:
        prompts: ids and categories, in the suite's order.
        panel_judges: whose codes are wanted.
        samples: samples a prompt.
        positions: two complementary cells a comparison, or one of four.
        seed: the plan's.
    """
    blocks = Blocks.of(prompts, positions)
    return {p.judge.id: blocks.codes(samples, seed=seed, judge=p.digest) for p in panel_judges}


def work_order(prompts: Sequence[tuple[str, str]], seed: int) -> list[str]:
    """Prompt ids in seeded order, every stretch of it spread over the categories alike.

    Args:
        prompts: ids and categories.
        seed: the plan's.
    """
    groups: dict[str, list[str]] = {}
    ids = [name for name, _ in prompts]
    drawn = named_lots(["order", seed], ids)
    for at in sorted(range(len(ids)), key=drawn.__getitem__):
        groups.setdefault(prompts[at][1], []).append(ids[at])
    ties = dict(zip(ids, named_lots(["tie", seed], ids), strict=True))
    spread = [
        ((rank + 0.5) / len(names), ties[name], name)
        for names in groups.values()
        for rank, name in enumerate(names)
    ]
    return [name for _, _, name in sorted(spread)]
