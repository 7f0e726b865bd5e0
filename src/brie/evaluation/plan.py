"""From what the user asked for to a sealed plan, and from a plan to the work it needs.

An evaluation is a declarative plan; running it means computing the keys that are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brie import versions
from brie.blinding import CriteriaCodes, assign, criteria_codes, deal_criteria
from brie.conventions import CONTROLS
from brie.digest import digest, short
from brie.errors import UsageError
from brie.pin import ANSWERS, Resolved
from brie.records import (
    Controls,
    Environment,
    JudgeSpec,
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

SERVED = Environment(engine="openai-compatible", dtype="served", device="served", sampler="served")
"""Where a served model's answers are made: nothing of it is known."""


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


def panel_judge(
    judge: JudgeSpec,
    rubric: Rubric | None,
    *,
    instrument: bool = False,
    prompt_format: str = versions.PROMPT_FORMAT,
) -> PanelJudge:
    """A judge with its rubric, as a plan seals it."""
    return PanelJudge(
        judge=judge, rubric=rubric, digest=judge.digest(prompt_format), instrument=instrument
    )


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
    drawn = sorted(order, key=lambda name: digest(["control", asked.seed, name]))[: asked.controls]
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
        controls=Controls(prompts=tuple(name for name in order if name in set(drawn))),
        stopping=asked.stopping,
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
    return {
        p.judge.id: assign(prompts, samples, positions, seed=seed, judge=p.digest) for p in panel_judges
    }


def reads_in_turn(panel_judge: PanelJudge) -> bool:
    """Whether a judge reads criteria whose order could matter."""
    return panel_judge.rubric is not None and len(panel_judge.rubric.criteria) > 1


def readable_orders(orders: int, panel_judges: Sequence[PanelJudge]) -> int:
    """In how many orders judges are to read their criteria.

    Raises:
        UsageError: no judge reads several criteria, or some judge so few that orders would be alike.
    """
    if orders < 2:
        return 1
    most = [len(seat.rubric.criteria) for seat in panel_judges if seat.rubric and reads_in_turn(seat)]
    if not most:
        raise UsageError(
            "no judge reads several criteria, so their order cannot be changed. Leave out "
            "--criteria-orders, or name a judge whose rubric lists criteria: brie judges ls"
        )
    if orders > min(most):
        raise UsageError(f"a rubric has {min(most)} criteria, so take --criteria-orders {min(most)}.")
    return orders


def criteria_of(panel_judge: PanelJudge, positions: Positions, orders: int) -> CriteriaCodes:
    """What a digit of a judge's dealt orders stands for.

    Log-probabilities of two presentations are read against each other: they take the same order.
    """
    return criteria_codes(positions, orders, alike=panel_judge.judge.output == "logprobs")


def criteria_dealt(
    prompts: Sequence[tuple[str, str]],
    panel_judges: Sequence[PanelJudge],
    cells: Mapping[str, Mapping[str, str]],
    *,
    positions: Positions,
    seed: int,
    orders: int,
) -> dict[str, dict[str, str]]:
    """Judge id -> prompt id -> one digit a sample (see `blinding.deal_criteria`).

    Args:
        prompts: ids and categories, in the suite's order.
        panel_judges: whose orders are wanted; those that read no criteria have none.
        cells: their assignments.
        positions: two complementary cells a comparison, or one of four.
        seed: the plan's.
        orders: of the criteria; 1: nothing is dealt.
    """
    if orders < 2:
        return {}
    return {
        seat.judge.id: deal_criteria(
            prompts, cells[seat.judge.id], len(criteria_of(seat, positions, orders)), positions,
            seed=seed, judge=seat.digest,
        )
        for seat in panel_judges
        if reads_in_turn(seat)
    }  # fmt: skip


def work_order(prompts: Sequence[tuple[str, str]], seed: int) -> list[str]:
    """Prompt ids in seeded order, every stretch of it spread over the categories alike.

    Args:
        prompts: ids and categories.
        seed: the plan's.
    """
    groups: dict[str, list[str]] = {}
    for name, category in sorted(prompts, key=lambda p: digest(["order", seed, p[0]])):
        groups.setdefault(category, []).append(name)
    spread = [
        ((rank + 0.5) / len(names), digest(["tie", seed, name]), name)
        for names in groups.values()
        for rank, name in enumerate(names)
    ]
    return [name for _, _, name in sorted(spread)]
