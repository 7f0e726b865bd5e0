"""Are answers cut off, empty, looping or leaking markers, and does the result hang on those?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from brie.analyse.arrays import Bools, Floats, generator, group_mean
from brie.analyse.signflip import sign_flip
from brie.checks import repeated
from brie.checks.difference import without as tested
from brie.checks.evidence import Answer, Evidence, Pair
from brie.checks.findings import Finding, conclude, not_run, summary_of
from brie.number_format import p_value, percent, plural, rated
from brie.pin import ANSWERS
from brie.records import Check

ID = "truncation"
MANY = 0.05
"""Share of a side's answers from which it matters: the rate can move by 2.5 points and more."""
DIFFERS = 0.01
"""Sign-flip p, by prompt, below which the sides differ: strict, as it is looked at every time."""
REPETITIVE = 0.3
"""Share of repeated 4-grams from which an answer loops: of 805 published answers of a small model
.1 % lie above, of a strong one's (tables, lists) 1.2 %; loops lie above .5."""

FLAWS: dict[str, Callable[[Answer], bool]] = {
    "cut off": lambda answer: answer.truncated,
    "empty": lambda answer: answer.text is not None and (not answer.text or answer.text.isspace()),
    "repetitive": lambda answer: answer.measures.get("repetition", 0.0) > REPETITIVE,
    "leaking special tokens": lambda answer: answer.measures.get("special_tokens", 0.0) > 0,
}


def check(evidence: Evidence) -> Check:
    """Shares by side, and the win rate without the affected comparisons."""
    pairs, plan = evidence.pairs, evidence.plan
    if not pairs:
        return not_run(ID, "The answers are not at hand, so nothing says whether they are whole.")
    ours, theirs = [p.candidate for p in pairs], [p.baseline for p in pairs]
    of_flaw = {flaw: (_having(has, ours), _having(has, theirs)) for flaw, has in FLAWS.items()}
    rates = {
        flaw: {"candidate": float(mine.mean()), "baseline": float(others.mean())}
        for flaw, (mine, others) in of_flaw.items()
    }
    candidate, baseline = np.logical_or.reduce(list(of_flaw.values()))
    affected = [pairs[at].key for at in np.flatnonzero(candidate | baseline).tolist()]
    p_differ = _p_differ(evidence, candidate.astype(np.float64) - baseline)
    whole = ~evidence.of_pairs(affected)
    without = evidence.rate("truncation", whole) if affected else None
    removed = tested(evidence, whole, without) if affected else None
    figures = {
        **rates,
        "comparisons": len(pairs),
        "affected": len(affected),
        "p_sides_differ": p_differ,
        "win_rate_without": summary_of(without),
        "without": removed,
    }
    accuracy = evidence.analysis.accuracy
    labels = accuracy.labels if accuracy else ()
    findings = [*_findings(rates, p_differ), *repeated.findings(pairs, labels=labels)]
    if removed is not None and removed.changes:
        findings.append(_lost(len(affected), rated(without)))
    elif findings and affected:
        findings[0] = findings[0]._replace(
            text=f"{findings[0].text} Without those pairs: {rated(without)}."
        )
    passed = _clean(rates, len(affected), len(pairs))
    if plan is not None and ANSWERS in (plan.candidate.kind, plan.baseline.kind):
        passed += " Of a file's answers it is not known which a limit cut, unless the file says so."
    return conclude(ID, findings, figures, passed)


def _having(flaw: Callable[[Answer], bool], answers: Sequence[Answer]) -> Bools:
    return np.array([flaw(answer) for answer in answers], np.bool_)


def _findings(rates: Mapping[str, Mapping[str, float]], p_differ: float) -> list[Finding]:
    findings = []
    for flaw, by_side in rates.items():
        if max(by_side.values()) > MANY:
            text = f"{_shares(by_side, flaw)}."
            findings.append(Finding("warn", text, _REMEDIES.get(flaw)))
    if not findings and p_differ < DIFFERS:
        worst = max(rates, key=lambda flaw: abs(rates[flaw]["candidate"] - rates[flaw]["baseline"]))
        text = f"{_shares(rates[worst], worst)}: the sides differ (p {p_value(p_differ)})."
        findings.append(Finding("warn", text, _REMEDIES.get(worst)))
    return findings


_REMEDIES = {
    "cut off": "Raise the limit, `--max-new-tokens`, until few answers reach it.",
    "empty": "Read some: `brie view`; a side that says nothing loses for another reason than quality.",
    "repetitive": "Train less or at a lower rate, or judge with a `repetition_penalty` in the suite.",
    "leaking special tokens": "Check the candidate's chat template: `brie pin MODEL` names it.",
}


def _shares(by_side: Mapping[str, float], flaw: str) -> str:
    ours, theirs = percent(by_side["candidate"]), percent(by_side["baseline"])
    verb = "leak special tokens" if flaw == "leaking special tokens" else f"are {flaw}"
    return f"{ours} of the candidate's answers and {theirs} of the baseline's {verb}"


def _lost(affected: int, without: str) -> Finding:
    return Finding(
        "fail",
        f"The result hangs on {plural(affected, 'comparison')} with a cut, empty, repetitive or leaking "
        f"answer: without them it is {without}.",
        "Make the answers whole first: `--max-new-tokens`, and the chat template used in training.",
    )


def _clean(rates: Mapping[str, Mapping[str, float]], affected: int, pairs: int) -> str:
    if not affected:
        return "No answer is cut off, empty, repetitive or leaking special tokens."
    return (
        f"{affected:,} of {plural(pairs, 'comparison')} have a flawed answer; no difference between "
        "the sides is shown."
    )


def _p_differ(evidence: Evidence, difference: Floats) -> float:
    """Sign-flip p of "flaws are as frequent on both sides", prompts as units.

    Args:
        evidence: with the pairs.
        difference: one entry a pair: 1 where the candidate's answer alone has a flaw, -1 the baseline's.
    """
    pairs: tuple[Pair, ...] = evidence.pairs
    names = {prompt: number for number, prompt in enumerate(dict.fromkeys(p.prompt for p in pairs))}
    by_prompt = group_mean(np.array([names[p.prompt] for p in pairs]), difference, len(names))
    return sign_flip(by_prompt, generator(evidence.seed, "checks.truncation.differ")).p_value
