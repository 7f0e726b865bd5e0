"""What may be said of a verdict, from its numbers and its checks: the one place that decides it.

    standing_of(analysis)                            as the document's checks have it
    standing_of(analysis, allowed={"contamination"})  with one of them lifted

Everything that shows a verdict (terminal, page, card, Markdown, JSON, lists, the gate's exit code)
reads this. Each rule has its reason in docs/checks.md; a check that no rule names annotates only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from brie.blinding import constant_letter
from brie.checks.contamination import MANY
from brie.checks.difference import ALPHA
from brie.checks.judges import taught_words
from brie.checks.position import MOSTLY
from brie.number_format import interval, listed, percent, plural, quoted
from brie.records import Check
from brie.records.analysis import Analysis
from brie.records.standing import Reason, Standing

MISSING = "missing"
"""Cause of missing verdicts, beside the ids of checks."""
SMALL = 0.1
"""Share of the interval's half-width by which missing verdicts may move a rate and only be noted."""
HALF = 0.5
"""Share of comparisons without a usable verdict from which a verdict that hangs on them is withheld."""
_CLAIMS = ("better", "worse", "equivalent")


class _Bearing(NamedTuple):
    """What one finding does to the verdict."""

    withholds: bool
    reason: Reason


def standing_of(analysis: Analysis, *, allowed: Collection[str] = ()) -> Standing | None:
    """Whether the verdict stands, and why not; None where there is no verdict.

    Args:
        analysis: the numbers with their checks.
        allowed: causes to be left out: ids of checks, or `missing`.
    """
    if analysis.interim or analysis.win_rate is None:
        return None
    if analysis.standing is not None and not allowed:
        return analysis.standing
    if analysis.verdict is None:
        return _of_an_earlier_build(analysis)
    checks = {check.id: check for check in analysis.checks}
    bearings = [
        bearing
        for cause, rule in _RULES.items()
        if cause in checks and cause not in allowed
        for bearing in rule(analysis, checks[cause])
        if bearing.withholds or analysis.verdict in _CLAIMS
    ]
    if MISSING not in allowed:
        bearings += _missing(analysis)
    withheld = [bearing.reason for bearing in bearings if bearing.withholds]
    conditions = [bearing.reason for bearing in bearings if not bearing.withholds]
    state = "withheld" if withheld else "conditional" if conditions else "stands"
    return Standing(state=state, reasons=(*withheld, *conditions))


def tipping_words(analysis: Analysis) -> str:
    """How many of the missing verdicts would have to be losses, as a sentence; "" where not sought."""
    missing = analysis.missing
    if missing is None or missing.tipping is None or missing.judged is None:
        return ""
    return (
        f"The verdict holds unless more than {percent(missing.tipping)} of the {missing.verdicts} "
        f"missing ones were {missing.against}; of the judged ones {percent(missing.judged)} were."
    )


def missing_is_small(analysis: Analysis) -> bool:
    """Whether missing verdicts could move the rate by less than a tenth of its interval's half-width."""
    rate = analysis.win_rate
    if rate is None or rate.ends is None:
        return False
    low, high = rate.ends
    moved = max(rate.value - rate.bounds[0], rate.bounds[1] - rate.value)
    return moved < SMALL * (high - low) / 2


def _of_an_earlier_build(analysis: Analysis) -> Standing:
    """Builds that knew no standing took the verdict away, and said why in a note."""
    why = analysis.notes.get("verdict", "its reason is in the report").removeprefix("withheld: ")
    failed = [check.id for check in analysis.checks if check.status == "fail"]
    return Standing(
        state="withheld", reasons=(Reason(cause=failed[0] if failed else "verdict", text=why),)
    )


def _missing(analysis: Analysis) -> Iterator[_Bearing]:
    missing = analysis.missing
    if analysis.verdict_survives_missing is not False or missing_is_small(analysis):
        return
    if missing is None:  # a document made before they were counted
        yield _condition(MISSING, "if the missing verdicts are like the others")
    elif missing.unusable_comparisons > HALF * missing.comparisons:
        yield _withheld(
            MISSING,
            f"{missing.unusable_comparisons:,} of {plural(missing.comparisons, 'comparison')} could not "
            "be judged, and they decide",
        )
    else:
        one = missing.verdicts == 1
        which = "the missing verdict is" if one else f"the {missing.verdicts} missing verdicts are"
        judged = f"{missing.judged_prompts:,} of {plural(missing.prompts, 'prompt')} are judged"
        yield _condition(MISSING, f"if {which} like the others ({judged})")


def _checkpoint(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    if check.status == "fail":
        yield _withheld(check.id, "the files are not the pinned ones")


def _conditions(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    if check.status == "fail":
        yield _withheld(check.id, "the two sides were not asked with the same chat template")


def _blinding(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    figures = check.evidence
    tied = []
    if figures.get("letter_is_side"):
        letter = constant_letter(candidate_is_a=bool(figures.get("candidate_is_a")))
        tied.append((f"the candidate always carried the letter {letter}", f"the letter {letter}"))
    if figures.get("order_is_side"):
        where = "first" if figures.get("candidate_first") else "second"
        tied.append((f"the candidate was always shown {where}", f"the {where} place"))
    for fact, what in tied:
        if analysis.audit is None:
            yield _withheld(check.id, fact)
        else:
            yield _condition(check.id, f"if the judges have no liking for {what} ({fact})")
    if check.status == "fail" and not tied:
        named = percent(_number(figures, "self_named_pairs") or 0.0)
        yield _withheld(check.id, f"in {named} of the pairs an answer names its model")


def _controls(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    seen = _table(check.evidence, "recognition")
    value, low, high = (_number(seen, key) for key in ("value", "low", "high"))
    if value is not None and low is not None and high is not None and low <= 0.5:
        ends = f"intact answers preferred in {percent(value)}, {interval(low, high)}"
        if high < 0.5:
            yield _withheld(check.id, f"the judges preferred damaged answers ({ends})")
        else:
            yield _condition(check.id, f"if the judges can tell, which is not shown ({ends})")
    odd = check.evidence.get("preferred_a_side")
    if isinstance(odd, list) and odd:
        names = quoted([str(name) for name in odd])
        yield _condition(
            check.id, f"if {names} judges the answers (of two by one model it preferred one side's)"
        )


def _contamination(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    figures = check.evidence
    prompts = int(_number(figures, "prompts") or 0)
    if spent := int(_number(figures, "spent") or 0):
        which = f"all {prompts:,}" if spent == prompts else f"{spent:,} of {prompts:,}"
        yield _withheld(check.id, f"{which} prompts are in or near the preference pairs it learned from")
        return
    exact, contained = (_number(figures, way) or 0 for way in ("exact", "contained"))
    certain = int(exact + contained)
    if certain > MANY * prompts:
        which = f"all {prompts:,}" if certain == prompts else f"{certain:,} of {prompts:,}"
        yield _withheld(check.id, f"{which} prompts were trained on")
    elif certain and _table(figures, "without").get("holds") is False:
        which = plural(certain, "prompt")
        yield _condition(
            check.id, f"with the {which} that {'was' if certain == 1 else 'were'} trained on"
        )
    elif _table(figures, "without_near").get("changes"):
        near = plural(certain + int(_number(figures, "near") or 0), "prompt")
        yield _condition(check.id, f"with the {near} in or near the training data")


def _judges(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    teachers, judges = (check.evidence.get(key) for key in ("taught_by", "taught_and_judged"))
    if check.evidence.get("taught_alone") and isinstance(teachers, list) and isinstance(judges, list):
        by = listed([str(name) for name in teachers])
        yield _withheld(check.id, taught_words(by, [str(name) for name in judges]))


def _truncation(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    if _table(check.evidence, "without").get("changes"):
        number = plural(int(_number(check.evidence, "affected") or 0), "comparison")
        yield _condition(check.id, f"with the {number} of a cut, empty, repetitive or leaking answer")


def _injection(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    if _table(check.evidence, "without").get("changes"):
        number = plural(int(_number(check.evidence, "affected") or 0), "comparison")
        yield _condition(check.id, f"with the {number} of an answer that speaks to the judge")


def _length(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    """At equal length the verdict is another one, and the effect of length has an interval off 0."""
    keys = ("value", "low", "high", "coefficient_low", "coefficient_high")
    value, low, high, slope_low, slope_high = (_number(check.evidence, key) for key in keys)
    if value is None or low is None or high is None or slope_low is None or slope_high is None:
        return
    other = (analysis.verdict == "better" and low <= 0.5) or (
        analysis.verdict == "worse" and high >= 0.5
    )
    if other and not slope_low <= 0 <= slope_high:
        equal = f"{percent(value)}, {interval(low, high)}"
        yield _condition(check.id, f"if length is part of it (at equal length it is {equal})")


def _position(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    flips = _number(check.evidence, "flip_rate")
    if flips is not None and flips >= MOSTLY:
        yield _condition(
            check.id,
            f"if judges can be believed that change {percent(flips)} of their verdicts with the order",
        )


def _sources(analysis: Analysis, check: Check) -> Iterator[_Bearing]:
    mean = _table(check.evidence, "mean_of_sources")
    value, low, high, p = (_number(mean, key) for key in ("value", "low", "high", "p_value"))
    if value is None or low is None or high is None or p is None:
        pass
    elif p < ALPHA and low <= 0.5 <= high and analysis.verdict in ("better", "worse"):
        number = int(_number(mean, "sources") or 0)
        ends = f"the mean of {number} source means is {percent(value)}, {interval(low, high)}"
        yield _condition(check.id, f"for prompts from these sources ({ends})")
    gap = check.evidence.get("gap_interval")
    clear = isinstance(gap, list) and isinstance(gap[0], int | float) and gap[0] > 0
    if clear and check.evidence.get("holds_unseen") is False:
        yield _condition(check.id, "for the sources that were trained on")


_RULES: dict[str, Callable[[Analysis, Check], Iterator[_Bearing]]] = {
    "checkpoint": _checkpoint,
    "conditions": _conditions,
    "blinding": _blinding,
    "judges": _judges,
    "controls": _controls,
    "contamination": _contamination,
    "truncation": _truncation,
    "injection": _injection,
    "length": _length,
    "position": _position,
    "sources": _sources,
}
CAUSES = (*_RULES, MISSING)
"""Everything that can keep a verdict from standing, and that `brie gate --allow` can lift."""


def _withheld(cause: str, text: str) -> _Bearing:
    return _Bearing(True, Reason(cause=cause, text=text))


def _condition(cause: str, text: str) -> _Bearing:
    return _Bearing(False, Reason(cause=cause, text=f"only {text}"))


def _table(figures: Mapping[str, JsonValue], key: str) -> dict[str, JsonValue]:
    value = figures.get(key)
    return value if isinstance(value, dict) else {}


def _number(figures: Mapping[str, JsonValue], key: str) -> float | None:
    value = figures.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
