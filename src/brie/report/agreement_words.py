"""The agreement report's sentences: how far judges agree, and what each of them rewards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brie.analyse.pairs import CONSTANT
from brie.number_format import counted, listed, number, percent, plural, span
from brie.report.clean import one_line
from brie.report.facts import estimate

KAPPA, ALPHA = "Cohen's kappa", "Krippendorff's alpha"
REASONS = {
    "every verdict is the same, so agreement beyond chance is 0/0": (
        "not defined: every verdict is the same, so there is no agreement beyond chance to measure"
    ),
    CONSTANT: f"not defined: {CONSTANT}",
}
_UNITS = {
    "length": ("an answer {} longer", "token", "tokens"),
    "lists": ("{} more", "list item", "list items"),
    "headings": ("{} more", "heading", "headings"),
    "questions": ("{} more", "question mark", "question marks"),
}
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Tendency:
    """How a judge's verdicts move with one difference between the two answers."""

    judge: str
    difference: str
    own: bool
    """One of the judge's own criterion scores; otherwise countable in the text."""
    step: str
    """What one standard deviation of the difference is."""
    deviation: float
    """The same as a number, in the difference's own unit."""
    effect: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero, and not by rounding alone."""
        return self.low > _ROUNDING or self.high < -_ROUNDING


def lead(found: Mapping[str, Any]) -> str:
    """How often the judges said the same, in one sentence."""
    agreement = found["agreement"]
    if len(agreement["pairs"]) == 1:
        return _pair_lead(agreement["pairs"][0], _unit(found))
    panel = agreement["panel"]
    if panel is None:
        return "The judges of the headline share no comparison, so only the pairs below can be compared."
    same = estimate(panel["percent"])
    in_panel = sum(who["role"] == "panel" for who in found["who"].values())
    who = f"The {counted(in_panel if in_panel > 1 else len(found['judges']))} judges"
    many = _many(panel["n"], _unit(found))
    said = f"{who} gave the same verdict on every one of {many}"
    if panel["unanimous"] < 1:
        said = (
            f"{who} were unanimous on {percent(panel['unanimous'])} of {_many(panel['n'], _unit(found))}"
        )
        said += f", and any two of them agreed on {percent(same[0])}" if same else ""
    return f"{said}."


def beyond(found: Mapping[str, Any]) -> str:
    """Whether that is more than chance: kappa for one pair, the panel's alpha for more."""
    agreement = found["agreement"]
    pairs, panel = agreement["pairs"], agreement["panel"]
    if len(pairs) == 1:
        return "" if pairs[0]["percent"] is None else _beyond(KAPPA, estimate(pairs[0]["kappa"]))
    return "" if panel is None else _beyond(ALPHA, estimate(panel["alpha"]))


def panel_sentences(found: Mapping[str, Any]) -> list[str]:
    """What the panel as a whole is worth, and what that does not mean."""
    panel = found["agreement"]["panel"] or {}
    gain, said = estimate(panel.get("precision_gain")), []
    if gain:
        size = sum(who["role"] == "panel" for who in found["who"].values())
        size = size if size > 1 else len(found["judges"])
        ends = f" ({gain[1]:.1f} to {gain[2]:.1f})" if gain[1] is not None else ""
        said.append(
            f"Averaging the {counted(size)} judges narrows the interval of the win rate as "
            f"{gain[0]:.1f} independent ones would{ends}. That is precision, not validity."
        )
    said.append(
        "How many independent judges the panel is worth cannot be known without human labels: an error "
        "that all judges share looks like the truth."
    )
    return said


def tendencies(found: Mapping[str, Any]) -> tuple[Tendency, ...]:
    """Every judge's tendencies: its own criteria first, then the text; the strongest first in each."""
    return tuple(
        tendency
        for name in found["judges"]
        for kind in ("criteria", "text")
        for tendency in sorted(_of(found, name, kind), key=lambda t: -abs(t.effect))
    )


def reward_sentences(found: Mapping[str, Any]) -> list[str]:
    """One sentence a judge for its criteria and one for the text: only what its intervals show."""
    said = []
    for name in found["judges"]:
        judge = quoted(name)
        criteria, text = (_sorted(_of(found, name, kind)) for kind in ("criteria", "text"))
        reason = found["notes"].get(f"by_judge.{name}.rewards")
        if not criteria and not text:
            said.append(f"{judge}: nothing can be said ({reason or 'nothing was measured'}).")
            continue
        said += [*_criteria(judge, criteria), *_text(judge, text)]
    return said


def _criteria(judge: str, found: Sequence[Tendency]) -> Iterator[str]:
    clear = [t for t in found if t.clear and t.effect > 0]
    if not found:
        return
    if not clear:
        yield f"None of its own scores clearly goes with the verdicts of {judge}."
        return
    apart = len(clear) == 1 or clear[0].low > clear[1].effect
    first, rest = (clear[:1], clear[1:]) if apart else (clear[:2], clear[2:])
    said = f"{judge} prefers {listed([t.difference for t in first])}: {_worth(first)}"
    others = listed([f"{t.difference} {_points(t)}" for t in rest])
    yield f"{said}; then come {others}." if rest else f"{said}."


def _worth(found: Sequence[Tendency]) -> str:
    leads = [f"a lead of {t.deviation:.1f}" for t in found]
    worth = [_points(t) for t in found]
    verb = "is worth" if len(found) == 1 else "are worth"
    return f"{listed(leads)} there in its own scores {verb} {listed(worth)}"


def _text(judge: str, found: Sequence[Tendency]) -> Iterator[str]:
    clear = [t for t in found if t.clear]
    for t in clear:
        verb = "rewards" if t.effect > 0 else "marks down"
        yield (
            f"{judge} {verb} {_plain(t.difference)}: {t.step} "
            f"{'gains' if t.effect > 0 else 'loses'} {_points(t)}."
        )
    unclear = [_plain(t.difference) for t in found if not t.clear]
    if unclear:
        word = "No" if not clear else "No other"
        yield f"{word} clear effect on {judge}: {listed(unclear)}."


def _points(t: Tendency) -> str:
    ends = (t.low, t.high) if t.effect > 0 else (-t.high, -t.low)
    return f"{100 * abs(t.effect):.0f} points ({100 * ends[0]:.0f} to {100 * ends[1]:.0f})"


def _plain(difference: str) -> str:
    return {"questions": "questions", "distinct words": "varied words"}.get(difference, difference)


def _of(found: Mapping[str, Any], judge: str, kind: str) -> list[Tendency]:
    rewards = (found["by_judge"].get(judge) or {}).get("rewards") or {}
    return [
        Tendency(
            judge=one_line(judge, 60),
            difference=one_line(str(what), 40),
            own=kind == "criteria",
            step=_step(str(what), entry["deviation"], own=kind == "criteria"),
            deviation=entry["deviation"],
            effect=entry["effect"],
            low=entry["low"],
            high=entry["high"],
        )
        for what, entry in (rewards.get(kind) or {}).items()
    ]


def _sorted(found: Sequence[Tendency]) -> list[Tendency]:
    return sorted(found, key=lambda t: -abs(t.effect))


def _step(what: str, deviation: float, *, own: bool) -> str:
    if own:
        return f"a lead of {deviation:.1f} in its own score"
    if what == "distinct words":
        return f"a share of distinct words {100 * deviation:.0f} points larger"
    form, one, many = _UNITS.get(what, ("{} more", what, what))
    amount = f"{deviation:.0f}" if deviation >= 10 else number(round(deviation, 1))
    return form.format(f"{amount} {one if amount == '1' else many}")


def _pair_lead(pair: Mapping[str, Any], unit: str) -> str:
    one, two = (quoted(name) for name in pair["judges"])
    same = estimate(pair["percent"])
    if same is None:
        return f"{one} and {two} share {_many(pair['n'], unit)}: too few to say how far they agree."
    ends = f" ({span(same[1], same[2], ' to ')})" if same[1] is not None and same[2] is not None else ""
    said = (
        f"{one} and {two} gave the same verdict on {percent(same[0])}{ends} of {_many(pair['n'], unit)}"
    )
    return f"{said}."


def _beyond(name: str, found: tuple[float, float | None, float | None] | None) -> str:
    """What a chance-corrected coefficient says, in words."""
    if found is None:
        return f"Whether that is more than chance cannot be said: {name} is not defined here."
    value, low, high = found
    if low is None or high is None:
        return f"Corrected for chance that is {two_digits(value)} ({name}; 0 is chance, 1 is perfect)."
    ends = f"{name} {two_digits(value)}, {two_digits(low)} to {two_digits(high)}"
    if low > 0:
        return (
            f"That is more than their base rates alone would give ({ends}; 0 is chance, 1 is perfect)."
        )
    if high < 0:
        return f"That is less than their base rates alone would give ({ends}; 0 is chance)."
    return f"That cannot be told from what their base rates alone would give ({ends}; 0 is chance)."


def quoted(name: str) -> str:
    """A judge's name between backticks, which each writer turns into its own kind of emphasis."""
    return "`" + one_line(name, 60).replace("`", "'") + "`"


def two_digits(value: float) -> str:
    """A coefficient with two digits and a true minus; never "-0.00"."""
    text = f"{abs(value):.2f}"
    return f"\u2212{text}" if value < 0 and float(text) > 0 else text


def _many(count: int, unit: str) -> str:
    return plural(count, unit.removesuffix("s"))


def _unit(found: Mapping[str, Any]) -> str:
    return "shown pairs" if found["agreement"]["unit"] == "row" else "comparisons"
