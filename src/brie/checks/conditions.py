"""Did both sides answer under the same conditions, and under ones people would use?"""

from __future__ import annotations

from collections.abc import Mapping

from brie.checks.evidence import Evidence
from brie.checks.findings import Figure, Finding, conclude, not_run
from brie.checks.told import figures as told_figures
from brie.checks.told import leaks, meant
from brie.digest import short
from brie.generate.sampling import differences
from brie.generate.started import LLAMA_CPP
from brie.lines import command
from brie.pin import ANSWERS
from brie.pin.adapters import IN_TURN
from brie.records import Check, Pin, Plan

ID = "conditions"


def check(evidence: Evidence) -> Check:
    """Same template, sampling and limits; the model's own settings where they are known.

    What one side alone is told is a difference that was asked for: it is said, and no warning.
    """
    plan = evidence.plan
    if plan is None:
        return not_run(ID, "Imported judgments do not say with which settings the answers were made.")
    made, told = _check(plan, evidence), meant(plan)
    return made.model_copy(update={"summary": f"{made.summary} {told}"}) if told else made


def _check(plan: Plan, evidence: Evidence) -> Check:
    models_own = evidence.models.own_sampling if evidence.models else None
    differing = differences(used=plan.sampling, models_own=models_own) if models_own else {}
    figures: dict[str, Figure] = {
        "same_base": _one_base(plan),
        "same_template": plan.candidate.template_digest == plan.baseline.template_digest,
        "sampling": plan.sampling.model_dump(mode="json", exclude={"seed"}),
        "environment": plan.environment.model_dump(mode="json"),
        "own_sampling": models_own.model_dump(mode="json", exclude={"seed"}) if models_own else None,
        **told_figures(plan),
    }
    files = _files(plan)
    if files:
        return not_run(
            ID,
            f"Not known: {files} answered elsewhere, and nothing says with which template, sampling and "
            "limit.",
            evidence={**figures, "same_template": None, "same_base": None},
        )
    return conclude(
        ID,
        [*_template(plan), *leaks(plan), *_programs(plan), *_settings(differing, evidence)],
        figures,
        _same(plan, known=models_own is not None),
    )


def _files(plan: Plan) -> str:
    """The sides that are files of answers, in words; "" where both are models."""
    pins = {"the candidate": plan.candidate, "the baseline": plan.baseline}
    named = [side for side, pin in pins.items() if pin.kind == ANSWERS]
    return "both sides" if len(named) == 2 else "".join(named)


def _one_base(plan: Plan) -> bool:
    return plan.candidate.base.digest == plan.baseline.base.digest


def _same(plan: Plan, *, known: bool) -> str:
    how = "Both sides answered"
    if _one_base(plan):
        how = "Both sides are one loaded base, adapter on or off,"
    if _one_base(plan) and any(map(_rewrites, (plan.candidate, plan.baseline))):
        how = "Both sides are one base, loaded twice because an adapter rewrites it, and answered"
    addition = ", which are the model's own" if known else ""
    asked = "prompts" if plan.candidate.told or plan.baseline.told else "messages"
    return f"{how} with the same {asked}, template, sampling and limit{addition}."


def _rewrites(pin: Pin) -> bool:
    """Whether loading a pin's adapter changes its base's own weights."""
    lora = pin.lora
    if lora is None:
        return False
    return bool(lora.bias != "none" or lora.also_whole or (lora.start or "").lower() in IN_TURN)


def _template(plan: Plan) -> list[Finding]:
    candidate, baseline = plan.candidate.template_digest, plan.baseline.template_digest
    if candidate == baseline:
        return []
    return [
        Finding(
            "fail",
            f"The sides format conversations differently (templates {short(candidate, 12)} and "
            f"{short(baseline, 12)}), so they did not answer the same prompt.",
            "Compare models that share a chat template.",
        )
    ]


def _programs(plan: Plan) -> list[Finding]:
    """Sides that were answered by programs which draw and round each in its own way."""
    readers = [pin.read_by == LLAMA_CPP for pin in (plan.candidate, plan.baseline)]
    if readers[0] == readers[1]:
        return []
    whose, other = ("candidate", "baseline") if readers[0] else ("baseline", "candidate")
    return [
        Finding(
            "warn",
            f"The {whose} was answered by llama.cpp and the {other} was not: how a program draws and "
            "rounds is in the difference too.",
            "Name both as `llama.cpp:FILE`, or the GGUF file without it, which transformers reads.",
        )
    ]


def _settings(differing: Mapping[str, tuple[float, float]], evidence: Evidence) -> list[Finding]:
    if not differing:
        return []
    said = ", ".join(f"{name} {used:g} (its own: {own:g})" for name, (used, own) in differing.items())
    again = command("eval", "--suite", evidence.analysis.suite.name, "--sampling", "model")
    return [
        Finding(
            "warn",
            f"Both sides were sampled with {said}: the result is for these settings, not for the ones "
            "the model ships with.",
            f"Judge with the model's own settings too: `{again}`.",
        )
    ]
