"""An evaluation in which every check passes, and the knobs that plant one fault at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from brie.analyse import ControlTables, Options, VerdictTable, analyse_verdicts
from brie.checks import Answer, Evidence, Looks, Models, Pair, Training
from brie.digest import digest
from brie.evaluation.plan import panel_judge
from brie.records import (
    BaseModelRef,
    Check,
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

_TEXT = (
    "river stone window early paper morning quietly seven against green letter cold boat turn "
    "salt under field lantern slow bread west corner iron cloud wheel glass road half night"
)
WORDS = _TEXT.split()
Edit = Callable[[str, int, int], str]
"""(text, number of the prompt, sample) -> text."""


def same(text: str, prompt: int, sample: int) -> str:
    """No edit."""
    return text


@dataclass(frozen=True)
class Case:
    """A small evaluation: two judges of two families, both orders, 12 sources of 6 prompts."""

    prompts: int = 72
    samples: int = 3
    sources: int = 12
    seed: int = 1
    rate: float = 0.8
    """Share of prompts the candidate wins."""
    steady: float = 0.95
    """Probability that a sample goes as its prompt does."""
    accuracy: float = 0.96
    """Probability that a judge says of a comparison what is true."""
    first: float = 0.0
    """Share of verdicts that name whatever stands first."""
    letter: Literal["crossed", "side", "place"] = "crossed"
    one_order: bool = False
    invalid: float = 0.0
    """Share of verdicts that cannot be read, of the first judge only."""
    wins_of: Callable[[int], float] | None = None
    """Number of the prompt -> probability that the candidate wins it; instead of `rate`."""
    source_of: Callable[[int], int] | None = None
    """Number of the prompt -> number of its source; instead of equal shares."""
    candidate: Edit = same
    baseline: Edit = same
    truncated: Callable[[str, int], bool] = lambda side, prompt: False
    longer: float = 0.0
    """Characters added to winning answers."""
    same_model: float = 0.5
    """Rate of A/A controls."""
    recognised: float = 0.95
    """Rate of damaged controls."""
    controls: bool = True
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the plan to replace."""
    candidate_pin: Mapping[str, Any] = field(default_factory=dict)
    judges: tuple[JudgeSpec, ...] = (
        JudgeSpec(id="claude", provider=Provider.ANTHROPIC, model="claude-opus"),
        JudgeSpec(id="gpt", provider=Provider.OPENAI, model="gpt-mini"),
    )
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the evidence to replace."""

    def build(self) -> Evidence:
        """Everything the checks look at."""
        rng = np.random.default_rng(self.seed)
        names = [f"p{n:03}" for n in range(self.prompts)]
        truth = self._truth(rng)
        pairs = [self._pair(name, n, k, bool(truth[n, k]), rng) for n, name in enumerate(names)
                 for k in range(self.samples)]  # fmt: skip
        table = self._table(names, truth, pairs, rng)
        plan = self._plan(names)
        options = Options(resamples=999)
        parts = analyse_verdicts(table, options=options, controls=self._controls(rng), seed=self.seed)
        filled: dict[str, Any] = {
            "analysis": _document(plan, parts),
            "table": table,
            "plan": plan,
            "pairs": tuple(pairs),
            "models": Models(own_sampling=plan.sampling),
            "training": training(sources=tuple(sorted(set(table.sources)))),
            "looks": Looks(1),
            "seed": self.seed,
        }
        return Evidence(**{**filled, **self.evidence})

    def _truth(self, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Who is better, by prompt and sample; wins are spread evenly over sources."""
        per_source = self.prompts // self.sources
        place = np.arange(self.prompts) // self.sources
        chance = (place + 0.5) / max(per_source, 1) < self.rate
        prompt = (
            chance if self.wins_of is None
            else np.array([rng.random() < self.wins_of(n) for n in range(self.prompts)])
        )  # fmt: skip
        keeps = rng.random((self.prompts, self.samples)) < self.steady
        return np.asarray(np.where(keeps, prompt[:, None], ~prompt[:, None]))

    def _pair(self, name: str, number: int, sample: int, won: bool, rng: np.random.Generator) -> Pair:
        texts = [" ".join(rng.choice(WORDS, size=int(rng.integers(20, 40)))) + "." for _ in range(2)]
        extra = " more" * int(self.longer / 5)
        texts = [texts[0] + (extra if won else ""), texts[1] + ("" if won else extra)]
        edited = [self.candidate(texts[0], number, sample), self.baseline(texts[1], number, sample)]
        one, two = (
            Answer(text, self.truncated(side, number), measures(text))
            for text, side in zip(edited, ("candidate", "baseline"), strict=True)
        )
        return Pair(name, sample, one, two)

    def _table(
        self,
        names: list[str],
        truth: np.ndarray[Any, np.dtype[np.bool_]],
        pairs: list[Pair],
        rng: np.random.Generator,
    ) -> VerdictTable:
        shape = (self.prompts, self.samples, len(self.judges), 1 if self.one_order else 2)
        prompt, sample, judge, turn = (
            a.ravel() for a in np.meshgrid(*map(np.arange, shape), indexing="ij")
        )
        position = 1 - 2 * turn
        layout = 1 - 2 * ((prompt + sample + judge) % 2)
        label = {"crossed": layout * position, "side": np.full_like(position, -1), "place": position}
        right = rng.random(shape[:3]) < self.accuracy
        score = np.where(right, truth[:, :, None], ~truth[:, :, None])[prompt, sample, judge]
        score = np.where(rng.random(len(prompt)) < self.first, position > 0, score)
        status = np.where((judge == 0) & (rng.random(len(prompt)) < self.invalid), 1, 0)
        difference = {
            p.key: float(len(p.candidate.text or "") - len(p.baseline.text or "")) for p in pairs
        }
        return VerdictTable.build(
            prompts=names,
            judges=[j.id for j in self.judges],
            prompt=prompt, judge=judge, sample=sample, score=score.astype(float), position=position,
            label=label[self.letter], status=status, both_orders=not self.one_order,
            category=[f"c{n % 3}" for n in range(self.prompts)],
            source=[
                f"s{self.source_of(n) if self.source_of else n % self.sources:02}"
                for n in range(self.prompts)
            ],
            length_difference=[
                difference[names[int(g)], int(k)] for g, k in zip(prompt, sample, strict=True)
            ],
        )  # fmt: skip

    def _controls(self, rng: np.random.Generator) -> ControlTables | None:
        if not self.controls:
            return None
        return ControlTables(
            aa=self._control(self.same_model, rng), damaged=self._control(self.recognised, rng)
        )

    def _control(self, rate: float, rng: np.random.Generator) -> VerdictTable:
        """16 prompts, the candidate winning that share of them, judges alike."""
        won = (np.arange(16) + 0.5) / 16 < rate
        prompt, judge, turn = (
            a.ravel()
            for a in np.meshgrid(np.arange(16), np.arange(len(self.judges)), [0, 1], indexing="ij")
        )
        return VerdictTable.build(
            prompts=[f"p{n:03}" for n in range(16)], judges=[j.id for j in self.judges],
            prompt=prompt, judge=judge, score=won[prompt].astype(float), position=1 - 2 * turn,
            label=2 * turn - 1, both_orders=True,
        )  # fmt: skip

    def _plan(self, names: list[str]) -> Plan:
        base = BaseModelRef(repo="me/base", digest=digest("base"))
        pin = Pin(
            kind="base", name="me/base", digest=digest("base"), files={}, config=digest("config"),
            base=base, template_digest=digest("template"),
        )  # fmt: skip
        tuned = {"kind": "adapter", "digest": digest("tuned"), "step": 290, "planned_steps": 300}
        suite = Suite(
            name="made",
            prompts=tuple(
                Prompt(id=n, messages=(Message(role="user", content=f"{n}?"),)) for n in names
            ),
        )
        plan = Plan(
            suite=suite, candidate=pin.model_copy(update={**tuned, **self.candidate_pin}), baseline=pin,
            environment=Environment(dtype="float32", device="cpu", sampler="test"), sampling=Sampling(),
            samples=self.samples, positions="both", panel="test",
            seats=tuple(panel_judge(j, None) for j in self.judges), seed=self.seed, order=tuple(names),
            assignments={}, resamples=999,
        )  # fmt: skip
        return plan.model_copy(update=dict(self.plan))


def measures(text: str) -> dict[str, float]:
    """As generation takes them."""
    from brie.generate.measures import measures as taken

    return taken(text)


def training(**changes: Any) -> Training:
    """What a run says it was trained on."""
    filled: dict[str, Any] = {
        "run": "train-made", "file": "made.jsonl", "file_digest": digest("file"), "rows": 500,
        "nearest": {}, "validation_rows": 50,
    }  # fmt: skip
    return Training(**{**filled, **changes})


def clean(**changes: Any) -> Evidence:
    """The evaluation in which every check passes, with some knobs turned."""
    return replace(Case(), **changes).build()


def found(check: Callable[[Evidence], Check], **changes: Any) -> Check:
    """One check on the clean evaluation with some knobs turned."""
    return check(clean(**changes))


def figures(check: Check) -> dict[str, Any]:
    """A check's evidence, to look into."""
    return dict(check.evidence)


def _document(plan: Plan, parts: Any) -> Analysis:
    counts = {k: parts.counts[k] for k in Counts.model_fields if k in parts.counts}
    return Analysis(
        id="eval-made-00000000",
        created="2026-01-01",
        seal=plan.seal(),
        rows_digest=digest("rows"),
        interim=False,
        suite=SuiteSummary(
            name="made", version="1", digest=plan.suite.digest(), prompts=len(plan.order)
        ),
        candidate=SideSummary(
            name="run:best", digest=plan.candidate.digest, base=str(plan.candidate.base)
        ),
        baseline=SideSummary(name="me/base", digest=plan.baseline.digest, base=str(plan.baseline.base)),
        counts=Counts(**counts, not_needed=0),
        verdict=parts.verdict,
        verdict_reason=parts.verdict_reason,
        verdict_survives_missing=parts.verdict_survives_missing,
        by_judge=parts.by_judge,
        notes=parts.notes,
        **parts.said(),
    )
