"""Do the judges do right where the right answer is known?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brie.analyse.controls import SUSPICIOUS
from brie.checks.evidence import Evidence
from brie.checks.findings import Finding, conclude, not_run
from brie.number_format import p_value, percent, plural, quoted
from brie.records import Check

ID = "controls"
_MORE = "Ask for more with `--controls 24`, and score the judges with `brie judges score`."


def check(evidence: Evidence) -> Check:
    """A/A comparisons come out even; a damaged baseline is recognised."""
    controls = evidence.analysis.controls
    same, damaged = controls.get("aa") or {}, controls.get("damaged") or {}
    if not same.get("win_rate") and not damaged.get("win_rate"):
        return not_run(ID, "No comparison with a known answer was judged.", _MORE)
    figures = {
        "a_a": _rates(same, "p_adjusted"),
        "damaged": _rates(damaged, "recognised"),
        "damaged_all": _value(damaged),
        "a_a_all": _value(same),
    }
    found = [*_uneven(same), *_blind(damaged)]
    return conclude(ID, found, figures, _passed(same, damaged))


def _rates(part: Mapping[str, Any], also: str) -> dict[str, Any]:
    return {
        name: {
            "win_rate": entry["win_rate"]["value"],
            "prompts": entry["prompts"],
            also: entry.get(also),
        }
        for name, entry in (part.get("by_judge") or {}).items()
        if entry["win_rate"]
    }


def _value(part: Mapping[str, Any]) -> float | None:
    rate = part.get("win_rate")
    return rate["value"] if rate else None


def _uneven(same: Mapping[str, Any]) -> list[Finding]:
    judges = same.get("by_judge") or {}
    odd = {name: entry["p_adjusted"] for name, entry in judges.items() if entry.get("suspicious")}
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


def _blind(damaged: Mapping[str, Any]) -> list[Finding]:
    rate = damaged.get("win_rate")
    if not rate or damaged.get("recognised"):
        return []
    prompts = rate["prompts"]
    if rate["value"] <= 0.5:
        text = (
            f"The judges preferred the intact answer to its damaged copy in only "
            f"{percent(rate['value'])} of {plural(prompts, 'prompt')}: they do not see what they judge."
        )
        return [Finding("fail", text, _MORE)]
    text = (
        f"The judges preferred the intact answer to its damaged copy in {percent(rate['value'])} of "
        f"{plural(prompts, 'prompt')}, which is not clearly more than one half."
    )
    return [Finding("warn", text, _MORE)]


def _passed(same: Mapping[str, Any], damaged: Mapping[str, Any]) -> str:
    said = []
    if damaged.get("win_rate"):
        said.append(
            f"the damaged baseline was recognised in {percent(damaged['win_rate']['value'])} of "
            f"{plural(damaged['win_rate']['prompts'], 'prompt')}"
        )
    if same.get("win_rate"):
        said.append(f"the baseline against itself came out at {percent(same['win_rate']['value'])}")
    text = " and ".join(said)
    return f"{text[:1].upper()}{text[1:]}."
