"""A realistic evaluation in memory: two model judges and one rule on forty prompts."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from brie.digest import digest
from brie.records import (
    BaseModelRef,
    Environment,
    JudgeSpec,
    LoraSummary,
    Manifest,
    Message,
    PanelJudge,
    Pin,
    Plan,
    Prompt,
    Provider,
    Rubric,
    Sampling,
    Status,
    Suite,
    Winner,
)
from brie.records.analysis import (
    Analysis,
    ComparisonView,
    JudgedView,
)

JUDGES = ("claude-opus", "gpt-mini", "reference")
CATEGORIES = ("explanations", "letters", "recipes", "summaries")
SOURCES = ("forum", "handbook", "survey", "textbook")
COMMAND = (
    "brie eval --suite in_domain --candidate 3f9a:best --baseline base "
    "--panel two-models-and-a-rule --samples 3 --seed 7"
)
_NUMBERS = json.loads(Path(__file__).with_name("sample_analysis.json").read_text("utf-8"))
EVALUATION = "eval-in_domain-20261121-0615-3f9a"

QUESTIONS = (
    "Explain to a ten-year-old why {} looks the way it does. No formulas.",
    "Write a short letter to a neighbour about {}. Stay friendly.",
    "Give me a recipe for a soup in honour of {}, from three vegetables, with times.",
    "Summarise what most people know about {} in two sentences.",
)
THINGS = (
    "the evening sky",
    "a barking dog",
    "the sea at low tide",
    "an old apple tree",
    "a broken fence",
    "the first snow",
    "a rainbow",
    "the night bus",
    "a red mailbox",
    "the village fair",
)
GOOD = (
    "Sunlight is a mixture of all colours. Air scatters blue light more than red light, so at noon "
    "blue reaches us from every direction.\n\nIn the evening the light has to cross much more air. "
    "By then most of the blue has been scattered away, and what is left is red and orange."
)
PLAIN = (
    "Sunlight is a mixture of all colours. The air scatters blue light, so at noon the sky looks "
    "blue.\n\nIn the evening the sun is low, and the sky is red because of the clouds and the dust, "
    "and also because it is evening and the light is different then."
)


def pin(kind: str, name: str) -> Pin:
    """A pin whose digests are derived from its name."""
    adapter = kind == "adapter"
    return Pin.model_validate(
        {
            "schema": "brie.pin/1",
            "kind": kind,
            "name": name,
            "digest": digest(name),
            "files": {"adapter_model.safetensors" if adapter else "model.safetensors": digest([name])},
            "config": digest({"config": name}),
            "base": BaseModelRef(
                repo="Qwen/Qwen2.5-0.5B-Instruct",
                revision="7ae557604adf67be50417f59c2c2f167def9a775",
                digest=digest("base"),
            ),
            "template_digest": digest("template"),
            "lora": LoraSummary(
                r=16,
                alpha=32,
                dropout=0.05,
                target_modules=("q_proj", "k_proj", "v_proj", "o_proj"),
                parameters=8_798_208,
            )
            if adapter
            else None,
            "run": "train-0.5b-20261120-0915-3f9a" if adapter else None,
            "step": 290 if adapter else None,
            "planned_steps": 300 if adapter else None,
            "epoch": 2.9 if adapter else None,
            "eval_loss": 1.4821 if adapter else None,
        }
    )


def prompts(count: int = 40) -> tuple[Prompt, ...]:
    """Prompts spread over categories and sources."""
    return tuple(
        Prompt(
            id=f"{CATEGORIES[i % 4]}-{i // 4 + 1:02d}",
            messages=(Message(role="user", content=_question(i)),),
            category=CATEGORIES[i % 4],
            source=SOURCES[(i // 4) % 4],
            reference=GOOD if i % 4 == 0 else None,
        )
        for i in range(count)
    )


def _question(i: int) -> str:
    thing = THINGS[i // 4 % len(THINGS)]
    again = f" (Part {i // 40 + 1}.)" if i >= 40 else ""
    return QUESTIONS[i % 4].format(thing) + again


def seat(name: str) -> PanelJudge:
    """A judge with settings as a plan seals them."""
    provider = {"claude-opus": Provider.ANTHROPIC, "gpt-mini": Provider.OPENAI}.get(name, Provider.RULES)
    rule = provider is Provider.RULES
    spec = JudgeSpec(
        id=name,
        provider=provider,
        model="chrf" if rule else name,
        temperature=None if rule else 0.0,
        output="rule" if rule else "tool",
    )
    rubric = (
        None if rule else Rubric(name="general", text="Judge correctness first.", criteria=("clarity",))
    )
    return PanelJudge(judge=spec, rubric=rubric, digest=spec.digest("1"))


def manifest(judges: tuple[str, ...] = JUDGES, count: int = 40) -> Manifest:
    """A sealed plan for `count` prompts."""
    suite = Suite(name="in_domain", version="2", license="CC-BY-4.0", prompts=prompts(count))
    plan = Plan(
        suite=suite,
        candidate=pin("adapter", "tuned").sealed(),
        baseline=pin("base", "base").sealed(),
        environment=Environment(dtype="bfloat16", device="cuda", sampler="1"),
        sampling=Sampling(seed=7),
        samples=3,
        positions="both",
        panel="two-models-and-a-rule",
        seats=tuple(seat(name) for name in judges),
        seed=7,
        order=tuple(prompt.id for prompt in suite.prompts),
        assignments={},
    )
    return Manifest(
        id=EVALUATION,
        created="2026-11-21T06:15:00Z",
        seal=plan.seal(),
        plan=plan,
        names={"candidate": "qwen-0.5b-letters, step 290", "baseline": "Qwen2.5-0.5B-Instruct"},
        locations={"candidate": "3f9a:best", "baseline": "base"},
        command=COMMAND,
        versions={"brie-eval": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "transformers": "5.23.0"},
    )


def rate(value: float, low: float, high: float, n: int, **more: Any) -> dict[str, Any]:
    """A win rate as `analysis.json` keeps it."""
    return {
        "value": value,
        "low": low,
        "high": high,
        "level": 0.95,
        "method": "cluster-bootstrap-plus-one",
        "resamples": 9999,
        "prompts": n,
        "effective_n": float(n),
        "p_value": 0.01,
        "bounds": (value, value),
        **more,
    }


def analysis(**changes: Any) -> Analysis:
    """The evaluation's numbers (`sample_analysis.json`); `changes` replace fields."""
    return Analysis.model_validate({**_NUMBERS, "seal": manifest().seal, **changes})


def comparisons(count: int = 40, samples: int = 3, seed: int = 1) -> list[ComparisonView]:
    """Comparisons with verdicts drawn from a seeded generator, of every kind the page shows."""
    rng = random.Random(seed)
    return [comparison(prompt, sample, rng) for prompt in prompts(count) for sample in range(samples)]


def comparison(prompt: Prompt, sample: int, rng: random.Random) -> ComparisonView:
    """One comparison; each judge leans to the candidate and sometimes follows the order."""
    verdicts = tuple(v for judge in JUDGES for v in _verdicts(judge, rng))
    scores = [{"candidate": 1.0, "tie": 0.5, "baseline": 0.0}[v.winner] for v in verdicts if v.winner]
    return ComparisonView(
        prompt_id=prompt.id,
        category=prompt.category,
        source=prompt.source,
        sample=sample,
        messages=prompt.messages,
        reference=prompt.reference,
        candidate_text=GOOD,
        baseline_text=PLAIN,
        candidate_finish="stop",
        baseline_finish="length" if rng.random() < 0.1 else "stop",
        score=sum(scores) / len(scores) if scores else None,
        verdicts=verdicts,
    )


def _verdicts(judge: str, rng: random.Random) -> list[JudgedView]:
    lean: list[Winner] = rng.choices(["candidate", "tie", "baseline"], [0.62, 0.14, 0.24], k=1)
    swapped = rng.random() < 0.15
    other: dict[Winner, Winner] = {"candidate": "baseline", "baseline": "candidate", "tie": "tie"}
    invalid = rng.random() < 0.02
    letter = rng.choice("AB")
    return [
        JudgedView(
            judge=judge,
            order=order,
            candidate_letter=letter if first else "AB"[letter == "A"],
            status=Status.INVALID if invalid and first else Status.OK,
            winner=None if invalid and first else (lean[0] if first or not swapped else other[lean[0]]),
            reason="" if judge == "reference" else _REASONS[lean[0]],
            scores={}
            if judge == "reference"
            else {
                "clarity": {"candidate": 4, "baseline": 3},
                "correctness": {"candidate": 5, "baseline": 2},
            },
        )
        for order, first in (("candidate_first", True), ("baseline_first", False))
    ]


_REASONS = {
    "candidate": "It says why blue goes first and red stays; the other blames the clouds.",
    "baseline": "Shorter, and it names the low sun, which is what a child can see.",
    "tie": "Both scatter the blue and keep the red; neither is clearer.",
}
