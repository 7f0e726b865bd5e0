"""Were these the weights the result is credited to, and are they the run's end?"""

from __future__ import annotations

from brie.checks.evidence import Evidence, Models
from brie.checks.findings import Figure, Finding, conclude, not_run
from brie.lines import command
from brie.number_format import percent
from brie.pin import ANSWERS
from brie.pin.hashing import UNCOVERED
from brie.records import Check, Pin, Plan

ID = "checkpoint"
EARLY = 0.9
"""Share of the planned steps below which a checkpoint is early: one project's step 100 of 290 won
0 to 20 % of what its last step won 77 % of."""


def check(evidence: Evidence) -> Check:
    """Pins hold, no alias, not an early step."""
    plan, models = evidence.plan, evidence.models
    if plan is None:
        return not_run(
            ID, "Imported judgments name no checkpoint, so nothing says which weights answered."
        )
    findings = [
        *_effect(evidence, plan),
        *_early(plan.candidate, evidence),
        *_worse(plan.candidate),
        *_served(plan.candidate, plan.baseline),
    ]
    if models is not None:
        findings += _files(models)
    figures: dict[str, Figure] = {
        "candidate": plan.candidate.digest,
        "baseline": plan.baseline.digest,
        "step": plan.candidate.step,
        "planned_steps": plan.candidate.planned_steps,
        "epoch": plan.candidate.epoch,
        "validation_loss": plan.candidate.eval_loss,
        "base_validation_loss": plan.candidate.base_eval_loss,
        "aliases": list(models.facts) if models else [],
    }
    sides = {"candidate": plan.candidate, "baseline": plan.baseline}
    files = [side for side, pin in sides.items() if pin.kind == ANSWERS]
    if files and not findings:
        which = "both sides are files" if len(files) == 2 else f"the {files[0]} is a file"
        return not_run(
            ID,
            f"Not known: {which} of answers, and nothing says which weights gave them.",
            evidence=figures,
        )
    if not findings and models is None:
        return not_run(ID, "The models' files were not compared with their pins.", evidence=figures)
    older = any(
        pin.version == 1 and pin.kind not in ("served", ANSWERS)
        for pin in (plan.candidate, plan.baseline)
    )
    also = f"; their pins are of version 1 and do not cover {UNCOVERED}" if older else ""
    passed = f"Both models are byte for byte the pinned ones{_where(plan.candidate)}{also}."
    return conclude(ID, findings, figures, passed)


def _effect(evidence: Evidence, plan: Plan) -> list[Finding]:
    """Adapters that leave their base as it is: whatever the verdicts say, nothing was compared."""
    findings = []
    for side, pin in (("candidate", plan.candidate), ("baseline", plan.baseline)):
        if pin.lora is not None and pin.lora.zero:
            why = "every lora_B is zero"
        elif side in evidence.idle:
            why = "with it, prompts have the very same logits as without"
        else:
            continue
        findings.append(
            Finding(
                "fail",
                f"The {side}'s adapter changes nothing ({why}): it is its base by another name.",
                "See what the adapter holds with `brie pin`, and name a checkpoint that was trained.",
            )
        )
    return findings


def _where(pin: Pin) -> str:
    if pin.step is None or not pin.planned_steps:
        return ""
    return f"; the candidate is step {pin.step} of {pin.planned_steps}"


def _files(models: Models) -> list[Finding]:
    restore = "Put the pinned files back, then run `brie verify`."
    return [
        *(
            Finding("fail", f"The files are not the pinned ones: {why}", restore)
            for why in models.differ
        ),
        *(Finding("warn", f"A pin could not be checked here: {why}", restore) for why in models.absent),
        *(Finding("warn", f"{fact[:1].upper()}{fact[1:]}", _PIN) for fact in models.facts),
    ]


_PIN = "Name one checkpoint by its step: `--candidate RUN:STEP`, or `brie pin` the folder you mean."


def _served(*pins: Pin) -> list[Finding]:
    served = [pin for pin in pins if pin.kind == "served"]
    if not served:
        return []
    return [
        Finding(
            "warn",
            f"{served[0].base.repo} answers behind a server and cannot be pinned: its weights may "
            "change without a sign.",
            "Judge a local copy of the model if you can.",
        )
    ]


def _early(pin: Pin, evidence: Evidence) -> list[Finding]:
    if pin.step is None or not pin.planned_steps or pin.step >= EARLY * pin.planned_steps:
        return []
    done = pin.step / pin.planned_steps
    lowest = " (the step with the lowest validation loss)" if _is_best(evidence) else ""
    return [
        Finding(
            "warn",
            f"The candidate is step {pin.step} of {pin.planned_steps} planned{lowest}: so early a "
            f"checkpoint ({percent(done)} of the way) may win or lose what the finished model does not.",
            _last(evidence),
        )
    ]


def _worse(pin: Pin) -> list[Finding]:
    """A run's best step is the best of its own, and may be worse than no training."""
    loss, base = pin.eval_loss, pin.base_eval_loss
    if loss is None or base is None or loss <= base:
        return []
    return [
        Finding(
            "warn",
            f"The candidate's validation loss ({loss:.4f}) is above its base's ({base:.4f}): by that "
            "measure training made it worse.",
            "Train at a lower rate: `brie train --set learning_rate=5e-5`, or judge an earlier step.",
        )
    ]


def _is_best(evidence: Evidence) -> bool:
    return evidence.analysis.candidate.name.endswith(":best")


def _last(evidence: Evidence) -> str:
    run = evidence.analysis.candidate.name.rpartition(":")[0]
    suite = evidence.analysis.suite.name
    last = command("eval", "--suite", suite, "--candidate", f"{run}:last")
    again = f"`{last}`" if run else "another evaluation"
    return f"Judge the last checkpoint too: {again}."
