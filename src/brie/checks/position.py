"""Do the judges answer to the text, or to where it stands and what it is called?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from brie.analyse.arrays import t_quantile
from brie.checks.evidence import Evidence
from brie.checks.findings import Figure, Finding, conclude, not_run
from brie.checks.margins import by_numbers, evenly, margin_figures, raw_words, recognised, uneven
from brie.number_format import difference, listed, percent, quoted, span
from brie.records import Check
from brie.records.estimates import Effect
from brie.records.judges import MarginNumbers

ID = "position"
FLIPS = 0.25
"""Share of verdicts that change with the order from which they are called unsteady: capable judges
are reported between 10 and 20 %, and at 25 % an eighth of all first verdicts were wrong way round."""
MOSTLY = 0.5
"""At this share the order decides as much as the texts do."""
_EFFECTS = {
    "position": ("place", "the answer shown first"),
    "label": ("letter", "the answer called A"),
    "layout": ("layout", "a first answer that is called A"),
}
_ORDERS = {
    "own": "in the rubric's own order",
    "reversed": "from the last to the first",
    "rotated": "with the second half first",
}
_ZERO = 1e-9


@dataclass(frozen=True)
class Widened:
    """An effect with an interval that holds together with those of the others."""

    effect: float
    low: float | None
    high: float | None


Effects = dict[str, Widened]


def check(evidence: Evidence) -> Check:
    """The effects of presentation, and verdicts that flip with the order.

    The intervals hold together (Bonferroni), as any one of them raises the warning.
    """
    analysis, numeric = evidence.analysis, by_numbers(evidence)
    if numeric and len(numeric) == len(evidence.table.judges):
        return _by_margins(numeric, evidence)
    effects = _effects(evidence)
    flips = analysis.position.flip_rate if analysis.position else None
    figures: dict[str, Figure] = {
        **{name: asdict(effects[name]) if name in effects else None for name in _EFFECTS},
        **({} if analysis.criteria_order is None else {"criteria_order": _read(effects)}),
        "flip_rate": flips,
        "flips": analysis.position.flips if analysis.position else None,
        "flip_rate_by_judge": {
            name: judge.position.flip_rate if judge.position else None
            for name, judge in analysis.by_judge.items()
        },
        **margin_figures(numeric),
    }
    if not effects and flips is None:
        return not_run(ID, _untold(evidence))
    findings = [
        *_liked(effects, evidence),
        *_ordered(effects),
        *_flips(flips, evidence),
        *uneven(numeric),
    ]
    passed = " ".join([_passed(effects, flips), *raw_words(numeric)])
    return conclude(ID, findings, figures, passed)


def _by_margins(numeric: Mapping[str, MarginNumbers], evidence: Evidence) -> Check:
    """Judges that give numbers: exchanging the answers turns a margin round, so no verdict flips."""
    effects = _effects(evidence)
    figures: dict[str, Figure] = {
        **{name: asdict(effects[name]) if name in effects else None for name in _EFFECTS},
        **({} if evidence.analysis.criteria_order is None else {"criteria_order": _read(effects)}),
        **margin_figures(numeric),
    }
    passed = " ".join([*raw_words(numeric), *evenly(numeric), *recognised(numeric)])
    return conclude(ID, [*uneven(numeric), *_ordered(effects)], figures, passed)


def _untold(evidence: Evidence) -> str:
    """Why no effect has a number: the design, or verdicts that are too few."""
    analysis = evidence.analysis
    entries = (analysis.position, analysis.label, analysis.layout)
    if any(entry is not None and entry.identified for entry in entries):
        return "Too few verdicts could be used to tell an effect of place or letter."
    reasons = dict.fromkeys(analysis.notes[n] for n in _EFFECTS if n in analysis.notes)
    why = "; ".join(reasons) or "order and letter did not vary by themselves"
    shown = evidence.table.usable & ~evidence.table.identical
    return f"This design cannot tell: {why}." if shown.any() else f"Nothing to tell from: {why}."


def _effects(evidence: Evidence) -> Effects:
    """The effects that are identified, with intervals that hold together."""
    analysis = evidence.analysis
    entries: dict[str, Effect | None] = {
        "position": analysis.position, "label": analysis.label, "layout": analysis.layout,
    }  # fmt: skip
    if analysis.criteria_order is not None:
        entries |= analysis.criteria_order.effects
    known = {n: (e, e.effect) for n, e in entries.items() if e is not None and e.effect is not None}
    return {name: _widened(entry, value, len(known)) for name, (entry, value) in known.items()}


def _widened(entry: Effect, value: float, together: int) -> Widened:
    """An effect with the interval of level 1 - alpha/m, from its own of level 1 - alpha."""
    low, high, freedom = entry.low, entry.high, entry.n - 1
    if low is None or high is None or freedom < 1:
        return Widened(value, low, high)
    alpha = 1 - entry.level
    wider = t_quantile(1 - alpha / (2 * together), freedom) / t_quantile(1 - alpha / 2, freedom)
    middle, half = (low + high) / 2, (high - low) / 2 * wider
    return Widened(value, middle - half, middle + half)


def _liked(effects: Effects, evidence: Evidence) -> list[Finding]:
    findings = []
    for name in _EFFECTS:
        entry = effects.get(name)
        far_from_0 = _shown(entry)
        if entry is None or far_from_0 is None or (name != "position" and _only_rules(evidence)):
            continue
        low, high = far_from_0
        gains = "gains" if entry.effect > 0 else "loses"
        near, far = sorted((abs(low), abs(high)))
        ends = span(near, far, " to ")
        text = (
            f"With these judges {_EFFECTS[name][1]} {gains} {difference(entry.effect)} ({ends})"
            f"{'; both orders cancel it in the rate' if evidence.table.both_orders else ''}."
        )
        findings.append(Finding("warn", text, "Look at the judges one by one: `brie judges score`."))
    return findings


def _shown(entry: Widened | None) -> tuple[float, float] | None:
    """The interval of an effect that is not 0; None where none is shown."""
    if entry is None or entry.low is None or entry.high is None:
        return None
    return None if entry.low <= _ZERO and entry.high >= -_ZERO else (entry.low, entry.high)


def _read(effects: Effects) -> dict[str, Figure]:
    """Effects of the order of the criteria, by the two orders."""
    return {name: asdict(entry) for name, entry in effects.items() if name not in _EFFECTS}


def _ordered(effects: Effects) -> list[Finding]:
    """Orders of the criteria under which the win rate differs."""
    findings = []
    for name, entry in effects.items():
        ends = _shown(entry)
        if name in _EFFECTS or ends is None:
            continue
        one, two = (_ORDERS[order] for order in name.split("-"))
        more = "higher" if entry.effect > 0 else "lower"
        near, far = sorted(abs(end) for end in ends)
        text = (
            f"The rate is {difference(entry.effect)} ({span(near, far, ' to ')}) {more} where judges "
            f"read the criteria {one} than {two}; dealt evenly, the orders weigh alike in it."
        )
        remedy = "What is read first weighs more: say in the rubric how the criteria weigh."
        findings.append(Finding("warn", text, remedy))
    return findings


def _only_rules(evidence: Evidence) -> bool:
    """Rules read no letters: what looks like a liking for one is chance."""
    seats = [s for s in evidence.plan.seats if not s.instrument] if evidence.plan else []
    return bool(seats) and all(s.judge.provided.kind == "rule" for s in seats)


def _flips(rate: float | None, evidence: Evidence) -> list[Finding]:
    if rate is None or rate <= FLIPS:
        return []
    judges = evidence.analysis.by_judge
    worst = [
        name
        for name, judge in judges.items()
        if judge.margins is None and judge.position and (judge.position.flip_rate or 0) > FLIPS
    ]
    read = " and the criteria read in another order" if evidence.analysis.criteria_order else ""
    who = f" (above all {quoted(worst)})" if worst and len(judges) > 1 else ""
    return [
        Finding(
            "fail" if rate >= MOSTLY else "warn",
            f"{percent(rate)} of the verdicts change when the two answers are exchanged{read}{who}.",
            "Take a judge that reads: compare some with `brie judges score`.",
        )
    ]


def _passed(effects: Effects, flips: float | None) -> str:
    read = ["order of the criteria"] if effects.keys() - _EFFECTS.keys() else []
    names = listed([*(_EFFECTS[name][0] for name in effects if name in _EFFECTS), *read], "or")
    seen = f"no effect of {names} is shown" if names else "place and letter cannot be told apart here"
    if flips is None:
        return f"{seen[:1].upper()}{seen[1:]}; each pair was shown once, so flips cannot be counted."
    return f"{percent(flips)} of the verdicts change when the answers are exchanged, and {seen}."
