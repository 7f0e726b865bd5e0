"""How much of the uncertainty is the dice of sampling, and what would more samples buy?"""

from __future__ import annotations

from brie.checks.evidence import Evidence
from brie.checks.findings import Figure, Finding, conclude, not_run
from brie.number_format import difference, interval, percent
from brie.pin import ANSWERS
from brie.records import Check
from brie.records.estimates import VarianceComponents

ID = "sampling"
LARGE = 0.5
"""Share of the rate's variance that comes from which answers were drawn; above half of it, doubling
the samples narrows the interval by more than an eighth."""


def check(evidence: Evidence) -> Check:
    """One sample, or a sample component that dominates."""
    plan, variance = evidence.plan, evidence.analysis.variance
    samples = plan.samples if plan else (variance.samples if variance else None)
    greedy = plan is not None and plan.sampling.temperature == 0
    if samples is None:
        return not_run(ID, "Too few prompts have every sample to say what sampling adds.")
    figures: dict[str, Figure] = {"samples": samples, "greedy": greedy}
    if greedy:
        passed = "Decoding is greedy: one answer a prompt is all there is, for this setting."
        return conclude(ID, [], figures, passed)
    if samples == 1:
        return conclude(ID, [_single(evidence)], figures, "")
    part = _share(variance) if variance else None
    if variance is None or part is None:
        why = evidence.analysis.notes.get("variance", "not every prompt has all samples")
        return not_run(
            ID, f"What sampling adds to the uncertainty is not known: {why}.", evidence=figures
        )
    share = variance.sample_share  # absent in documents of earlier builds
    low, high = (share.low, share.high) if share else (None, None)
    more = next((p.half_width for p in variance.purchases if p.what == "samples"), None)
    figures |= {
        "share": part, "low": low, "high": high, "half_width_with_twice_the_samples": more,
        "next_best": variance.next_best,
    }  # fmt: skip
    ends = f" ({interval(low, high)})" if low is not None and high is not None else ""
    text = f"{percent(part)}{ends} of the win rate's variance is the draw of {samples} answers"
    buys = (
        f"; twice as many would bring the interval to ± {difference(more)}" if more is not None else ""
    )
    if part > LARGE:
        if _of_files(evidence):
            return conclude(ID, [Finding("warn", f"{text}{buys}.")], figures, "")
        again = f"`brie eval` the same with `--samples {2 * samples}`: what is there is used again."
        return conclude(ID, [Finding("warn", f"{text}{buys}.", again)], figures, "")
    return conclude(ID, [], figures, f"{text}{buys}.")


def _single(evidence: Evidence) -> Finding:
    if _of_files(evidence):
        return Finding(
            "warn",
            "One answer a prompt: how much of the result is the dice of sampling cannot be told.",
            "Put several answers to each prompt into the file, a row each.",
        )
    return Finding(
        "warn",
        "One answer a prompt: how much of the result is the dice of sampling cannot be told.",
        "Draw more: `brie eval` the same with `--samples 3`; what is there is used again.",
    )


def _of_files(evidence: Evidence) -> bool:
    plan = evidence.plan
    return plan is not None and ANSWERS in (plan.candidate.kind, plan.baseline.kind)


def _share(variance: VarianceComponents) -> float | None:
    """Share of the variance of a prompt mean that is sampling."""
    if variance.sample is None or variance.prompt is None:
        return None
    judges = max(variance.judges, 1)
    drawn = variance.sample / variance.samples
    noise = (variance.noise or 0.0) / (variance.samples * judges)
    total = variance.prompt + drawn + (variance.prompt_judge or 0.0) / judges + noise
    return drawn / total if total > 0 else 0.0
