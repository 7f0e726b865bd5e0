"""Whole evaluations made up for `bench.check_alarms`: sound ones, and ones with a planted fault.

Verdicts, answers, plan and what is known of training go through the real analysis, all real checks
and the real standing; only the models are missing. Resamples are few: what they are used for
(agreement, components of variance) only annotates; rates, tests and the standing are exact here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bench.simulate import Floats
from brie.analyse import ControlTables, Options, VerdictTable, analyse_verdicts
from brie.analyse.assemble import AnalysisParts
from brie.checks import Answer, Evidence, Looks, Models, Pair, Training, run_checks, standing_of
from brie.conventions import CONTROLS
from brie.data.near import Match
from brie.digest import digest
from brie.evaluation.plan import panel_judge
from brie.records import (
    BaseModelRef,
    Environment,
    JudgeSpec,
    Message,
    Pin,
    Plan,
    Prompt,
    Provider,
    Sampling,
    Suite,
)
from brie.records.analysis import Analysis, Counts, SideSummary, SuiteSummary

RESAMPLES = 199
_TEXT = (
    "river stone window early paper morning quietly seven against green letter cold boat turn "
    "salt under field lantern slow bread west corner iron cloud wheel glass road half night"
)
_WORDS = _TEXT.split()
_STYLE = "indeed perhaps gently"
JUDGES = (
    JudgeSpec(id="claude", provider=Provider.ANTHROPIC, model="claude-opus"),
    JudgeSpec(id="gpt", provider=Provider.OPENAI, model="gpt-mini"),
    JudgeSpec(id="gemini", provider=Provider.OPENAI_COMPATIBLE, model="gemini-flash",
              base_url="https://models.example/v1"),
)  # fmt: skip
Mask = npt.NDArray[np.bool_]
Lost = Callable[[np.random.Generator, Floats, Mask], Mask]
"""(generator, chance by prompt, who won by prompt and sample) -> comparisons whose verdicts are all
lost."""
Ints = npt.NDArray[np.int64]
Chance = Callable[[np.random.Generator, int], Floats]
"""(generator, prompts) -> probability that a sample of the candidate wins, by prompt."""


@dataclass(frozen=True)
class Evaluation:
    """One kind of evaluation. As it stands it is sound; every field below `rate` can plant a fault."""

    prompts: int = 66
    samples: int = 1
    judges: int = 1
    sources: int = 12
    """Of unequal sizes: the i-th is 1/i as large as the first."""
    both_orders: bool = True
    rate: float = 0.75
    """Mean probability that a sample of the candidate wins."""
    icc: float = 0.3
    """Correlation of two samples of a prompt."""
    chance: Chance | None = None
    """Instead of `rate` and `icc`."""
    source_of: Callable[[int], int] | None = None
    """Number of the prompt -> number of its source; instead of unequal shares."""
    wrong: float = 0.05
    """Share of comparisons a judge sees the wrong way round, in both orders."""
    unsteady: float = 0.08
    """Share of presentations it judges wrong for themselves: flips."""
    first: float = 0.0
    """Share of verdicts that name whatever stands first."""
    letter: float = 0.0
    """Share of verdicts that name whatever is called A."""
    by_length: float = 0.0
    """Share of comparisons in which the longer answer wins."""
    tied_letter: bool = False
    uneven: float = 0.5
    """With one order: share of comparisons with the candidate first."""
    unusable: float = 0.005
    lost: (
        Callable[[np.random.Generator, Floats, npt.NDArray[np.bool_]], npt.NDArray[np.bool_]] | None
    ) = None
    """(generator, chance by prompt, who won by prompt and sample) -> comparisons whose verdicts are all
    lost."""
    recognised: float = 0.98
    """Probability that a judge tells an answer from its damaged copy."""
    prefers_first_seed: float = 0.5
    """Probability that a judge prefers one certain side of two answers by one model."""
    longer: float = 1.3
    """Length of the candidate's answers in the baseline's."""
    style: float = 0.3
    """Share of the candidate's answers that open in a style of its own."""
    cut: Callable[[np.random.Generator, int], tuple[Floats, Floats]] | None = None
    """(generator, prompts) -> probability that a side's answer is cut off; None: 2 % on both sides."""
    addition: str = ""
    """Added to answers of the candidate on `added` of the prompts, the first ones."""
    added: float = 0.0
    near: float = 0.05
    """Share of prompts near to the training data, without having been trained on."""
    exact: float = 0.0
    """Share of prompts that were trained on."""
    nearest_first: bool = False
    """The first prompts are those; else any."""
    evidence: Mapping[str, object] = field(default_factory=dict)
    pin: Mapping[str, object] = field(default_factory=dict)
    """Fields of the candidate's pin to replace."""
    held_out: int = 0
    """Sources from this number on were held out of training; 0: not known."""


def judged(case: Evaluation, seed: int) -> Analysis:
    """The document of one made-up evaluation, its checks and its standing."""
    evidence = made(case, seed)
    document = evidence.analysis.model_copy(update={"checks": run_checks(evidence)})
    return document.model_copy(update={"standing": standing_of(document)})


def made(case: Evaluation, seed: int) -> Evidence:
    """Everything that the checks look at."""
    rng = np.random.default_rng(seed)
    chance = _chance(case, rng)
    won = rng.random((case.prompts, case.samples)) < chance[:, None]
    pairs = _pairs(case, rng)
    plan = _plan(case)
    table = _table(case, won, pairs, plan, rng)
    if case.lost is not None:
        gone = case.lost(rng, chance, won)
        table = replace(table, status=np.where(gone[table.prompt, table.sample], 1, table.status))
    controls = ControlTables(aa=_control(case, case.prefers_first_seed, rng),
                             damaged=_control(case, case.recognised, rng))  # fmt: skip
    parts = analyse_verdicts(table, options=Options(resamples=RESAMPLES), controls=controls, seed=seed)
    filled: dict[str, object] = {
        "plan": plan, "pairs": pairs, "models": Models(own_sampling=plan.sampling), "looks": Looks(1),
        "training": _training(case, plan, rng), "seed": seed,
    }  # fmt: skip
    return Evidence(analysis=_document(plan, parts), table=table, **(filled | dict(case.evidence)))  # type: ignore[arg-type]


def _chance(case: Evaluation, rng: np.random.Generator) -> Floats:
    if case.chance is not None:
        return case.chance(rng, case.prompts)
    if case.icc == 0:
        return np.full(case.prompts, case.rate)
    spread = 1 / case.icc - 1
    return rng.beta(case.rate * spread, (1 - case.rate) * spread, case.prompts)


def _pairs(case: Evaluation, rng: np.random.Generator) -> tuple[Pair, ...]:
    """Answers of 12 to 28 words; the candidate's in part with words and a length of their own."""
    size = (case.prompts, case.samples)
    cut = case.cut(rng, case.prompts) if case.cut else (np.full(case.prompts, 0.02),) * 2
    is_cut = [rng.random(size) < side[:, None] for side in cut]
    length = rng.integers(12, 29, size=(2, *size))
    length[0] = np.rint(length[0] * case.longer)
    styled = rng.random(size) < case.style
    words = rng.integers(len(_WORDS), size=(2, *size, int(length.max())))
    pairs = []
    for number in range(case.prompts):
        for sample in range(case.samples):
            mine, theirs = (
                " ".join(
                    [_WORDS[w] for w in words[side, number, sample, : length[side, number, sample]]]
                )
                for side in (0, 1)
            )
            mine = f"{_STYLE} {mine}" if styled[number, sample] else mine
            mine += case.addition if number < case.added * case.prompts else ""
            pairs.append(Pair(f"p{number:03}", sample, Answer(mine, bool(is_cut[0][number, sample])),
                              Answer(theirs, bool(is_cut[1][number, sample]))))  # fmt: skip
    return tuple(pairs)


def _table(
    case: Evaluation,
    won: npt.NDArray[np.bool_],
    pairs: tuple[Pair, ...],
    plan: Plan,
    rng: np.random.Generator,
) -> VerdictTable:
    shape = (case.prompts, case.samples, case.judges)
    difference = np.array(
        [len(p.candidate.text or "") - len(p.baseline.text or "") for p in pairs], float
    ).reshape(shape[:2])
    seen = np.where(rng.random(shape) < case.wrong, ~won[:, :, None], won[:, :, None])
    seen = np.where(rng.random(shape) < case.by_length, (difference > 0)[:, :, None], seen)
    orders = np.array([1, -1]) if case.both_orders else np.array([1])
    full = (*shape, len(orders))
    position = np.broadcast_to(orders, full).copy()
    if not case.both_orders:
        position[..., 0] = _one_order(case, shape, rng)
    layout = np.where(rng.permutation(np.arange(seen.size) % 2).reshape(shape) > 0, 1, -1)
    label = np.full(full, -1) if case.tied_letter else layout[..., None] * position
    says = seen[..., None] ^ (rng.random(full) < case.unsteady)
    says = np.where(rng.random(full) < case.first, position > 0, says)
    says = np.where(rng.random(full) < case.letter, label > 0, says)
    prompt, sample, judge, _ = (axis.ravel() for axis in np.indices(full))
    return VerdictTable.build(
        prompts=[p.id for p in plan.suite.prompts], judges=[j.id for j in JUDGES[: case.judges]],
        prompt=prompt, judge=judge, sample=sample, score=says.ravel().astype(float),
        position=position.ravel(), label=label.ravel(), both_orders=case.both_orders,
        status=(rng.random(len(prompt)) < case.unusable).astype(int),
        category=[p.category for p in plan.suite.prompts], source=[p.source for p in plan.suite.prompts],
        length_difference=difference[prompt, sample],
    )  # fmt: skip


def _one_order(case: Evaluation, shape: tuple[int, ...], rng: np.random.Generator) -> Ints:
    """Orders in balance over comparisons, as a plan has them, or as uneven as asked."""
    count = int(np.prod(shape))
    first = np.arange(count) < round(case.uneven * count)
    return np.where(rng.permutation(first).reshape(shape), 1, -1)


def _control(case: Evaluation, rate: float, rng: np.random.Generator) -> VerdictTable:
    """Comparisons with a known answer: as many prompts as are asked by default, both orders."""
    number = min(CONTROLS, case.prompts)
    shape = (number, case.judges, 2)
    seen = rng.random(shape[:2]) < rate
    says = seen[..., None] ^ (rng.random(shape) < case.unsteady)
    prompt, judge, turn = (axis.ravel() for axis in np.indices(shape))
    return VerdictTable.build(
        prompts=[f"p{n:03}" for n in range(number)], judges=[j.id for j in JUDGES[: case.judges]],
        prompt=prompt, judge=judge, score=says.ravel().astype(float), position=1 - 2 * turn,
        label=(1 - 2 * turn) * np.where((prompt + judge) % 2, 1, -1), both_orders=True,
    )  # fmt: skip


def _training(case: Evaluation, plan: Plan, rng: np.random.Generator) -> Training:
    names = [p.id for p in plan.suite.prompts]
    if not case.nearest_first:
        names = [names[n] for n in rng.permutation(len(names))]
    exact = round(case.exact * len(names))
    nearest = {name: Match(name, "line 1", 1.0, "exact") for name in names[:exact]}
    for name in names[exact : exact + round(case.near * len(names))]:
        nearest[name] = Match(name, "line 1", 0.6, "near")
    seen = sorted({p.source for p in plan.suite.prompts if int(p.source[1:]) < case.held_out})
    return Training(run="train-made", file="made.jsonl", file_digest=digest("file"), rows=500,
                    nearest=nearest, validation_rows=50, sources=tuple(seen))  # fmt: skip


@lru_cache(maxsize=64)
def _shares(prompts: int, sources: int) -> tuple[int, ...]:
    """Source of each prompt, sizes falling as 1/i, at least one prompt each."""
    weights = 1 / np.arange(1, sources + 1)
    ends = np.cumsum(weights) / weights.sum()
    code = np.searchsorted(ends, (np.arange(prompts) + 0.5) / prompts)
    code[: min(sources, prompts)] = np.arange(min(sources, prompts))
    return tuple(np.random.default_rng(7).permutation(code).tolist())


_PLANS: dict[object, Plan] = {}


def _plan(case: Evaluation) -> Plan:
    key = (case.prompts, case.samples, case.judges, case.sources, case.both_orders, case.source_of,
           tuple(case.pin.items()))  # fmt: skip
    if key not in _PLANS:
        _PLANS[key] = _new_plan(case)
    return _PLANS[key]


def _new_plan(case: Evaluation) -> Plan:
    shares = _shares(case.prompts, case.sources)
    base = BaseModelRef(repo="me/base", digest=digest("base"))
    pin = Pin(kind="base", name="me/base", digest=digest("base"), files={}, config=digest("config"),
              base=base, template_digest=digest("template"))  # fmt: skip
    tuned = {"kind": "adapter", "digest": digest("tuned"), "step": 290, "planned_steps": 300}
    prompts = tuple(
        Prompt(id=f"p{n:03}", messages=(Message(role="user", content=f"{n}?"),),
               category=f"c{n % 5 // 2}",
               source=f"s{case.source_of(n) if case.source_of else shares[n]:02}")
        for n in range(case.prompts)
    )  # fmt: skip
    suite = Suite(name="made", prompts=prompts)
    return Plan(
        suite=suite, candidate=pin.model_copy(update={**tuned, **case.pin}), baseline=pin,
        environment=Environment(dtype="float32", device="cpu", sampler="1"), sampling=Sampling(),
        samples=case.samples, positions="both" if case.both_orders else "balanced", panel="made",
        seats=tuple(panel_judge(j, None) for j in JUDGES[: case.judges]), seed=0,
        order=tuple(p.id for p in prompts), assignments={}, resamples=RESAMPLES,
    )  # fmt: skip


def _document(plan: Plan, parts: AnalysisParts) -> Analysis:
    sides = {
        side: SideSummary(name=name, digest=pin.digest, base=str(pin.base))
        for side, name, pin in (
            ("candidate", "run:290", plan.candidate), ("baseline", "me/base", plan.baseline),
        )
    }  # fmt: skip
    counts = {name: parts.counts[name] for name in Counts.model_fields if name in parts.counts}
    return Analysis(
        id="eval-made-00000000", created="2026-01-01", seal=digest("seal"), rows_digest=digest("rows"),
        interim=False, counts=Counts(**counts, not_needed=0),
        suite=SuiteSummary(
            name="made", version="1", digest=digest("suite"), prompts=len(plan.order)
        ),
        **sides, verdict=parts.verdict, verdict_reason=parts.verdict_reason,
        verdict_survives_missing=parts.verdict_survives_missing, by_judge=parts.by_judge,
        notes=parts.notes, **parts.said(),
    )  # fmt: skip
