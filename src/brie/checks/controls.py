"""Do the judges do right where the right answer is known?"""

from __future__ import annotations

from typing import Literal

from brie.analyse.controls import SUSPICIOUS
from brie.checks.evidence import Evidence
from brie.checks.findings import Figure, Finding, conclude, not_run, summary_of
from brie.number_format import interval, p_value, percent, plural, quoted
from brie.records import Check
from brie.records.estimates import ControlNumbers, WinRate

ID = "controls"
_MORE = "Ask for more with `--controls 48`, and score the judges with `brie judges score`."


def check(evidence: Evidence) -> Check:
    """A/A comparisons come out even; a damaged baseline is recognised."""
    same, damaged = evidence.analysis.controls.aa, evidence.analysis.controls.damaged
    if _rate(same) is None and _rate(damaged) is None:
        return not_run(ID, "No comparison with a known answer was judged.", _MORE)
    figures: dict[str, Figure] = {
        "a_a": _rates(same, "p_adjusted"),
        "damaged": _rates(damaged, "recognised"),
        "damaged_all": _value(damaged),
        "a_a_all": _value(same),
        "recognition": summary_of(_rate(damaged)),
        "preferred_a_side": [
            name for name, judge in (same.by_judge if same else {}).items() if judge.suspicious
        ],
    }
    findings = [*_uneven(same), *_blind(damaged)]
    return conclude(ID, findings, figures, _passed(same, damaged))


def _rates(
    part: ControlNumbers | None, also: Literal["p_adjusted", "recognised"]
) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            "win_rate": judge.win_rate.value,
            "prompts": judge.prompts,
            also: judge.p_adjusted if also == "p_adjusted" else judge.recognised,
        }
        for name, judge in (part.by_judge if part else {}).items()
        if judge.win_rate
    }


def _rate(part: ControlNumbers | None) -> WinRate | None:
    return part.win_rate if part else None


def _value(part: ControlNumbers | None) -> float | None:
    rate = _rate(part)
    return rate.value if rate else None


def _uneven(same: ControlNumbers | None) -> list[Finding]:
    judges = same.by_judge if same else {}
    odd = {n: j.p_adjusted for n, j in judges.items() if j.suspicious and j.p_adjusted is not None}
    if not odd:
        return []
    text = (
        f"Shown two answers of the same model, {quoted(list(odd))} preferred one side (p "
        f"{p_value(min(odd.values()))} after Holm, below {p_value(SUSPICIOUS)}): something other than "
        "the model decides."
    )
    return [
        Finding("fail", text, "Look at the judge's verdicts on the controls; leave it out if need be.")
    ]


def _blind(damaged: ControlNumbers | None) -> list[Finding]:
    """The interval of "the damage was recognised" lies below one half, or contains it."""
    rate = _rate(damaged)
    if damaged is None or rate is None or damaged.recognised:
        return []
    low, high = rate.ends or (0.0, 1.0)
    text = (
        f"The judges preferred the intact answer to its damaged copy in {percent(rate.value)} of "
        f"{plural(rate.prompts, 'prompt')} ({interval(low, high)})"
    )
    if high < 0.5:
        return [Finding("fail", f"{text}: they prefer damaged answers.", _MORE)]
    return [Finding("warn", f"{text}: that they can tell is not shown.", _MORE)]


def _passed(same: ControlNumbers | None, damaged: ControlNumbers | None) -> str:
    sentences = []
    recognised, even = _rate(damaged), _rate(same)
    if recognised:
        sentences.append(
            f"the damaged baseline was recognised in {percent(recognised.value)} of "
            f"{plural(recognised.prompts, 'prompt')}"
        )
    if even:
        ends = f", {interval(*even.ends)}" if even.ends else ""
        held = even.ends is not None and even.ends[0] <= 0.5 <= even.ends[1]
        word = "even, as it should be" if held else "near even"
        sentences.append(f"the baseline against itself came out {word} ({percent(even.value)}{ends})")
    text = " and ".join(sentences)
    return f"{text[:1].upper()}{text[1:]}."
