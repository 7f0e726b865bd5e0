"""The figures of a check as words with units, instead of the keys of `analysis.json`.

{"flip_rate": 0.14, "flips": {…}}  ->  "verdicts that change when the answers are exchanged"  "14 %"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pydantic import JsonValue

from brie import number_format
from brie.number_format import listed, p_value, percent, plural, points, signed, signed_span, span
from brie.records import Check

_SHOWN = 12
"""Names of a list that are shown; the others are counted."""


def figures(check: Check) -> list[tuple[str, str]]:
    """What each figure of a check is, and its value with its unit; what is not known is left out."""
    rows = []
    taken = {end for key in check.evidence for end in _ends_of(check.id, key)}
    for key, value in check.evidence.items():
        words, unit = words_of(check.id, key) or (key.replace("_", " "), _plainly)
        text = "" if key in taken or value is None else unit(value)
        ends = [check.evidence.get(end) for end in _ends_of(check.id, key)]
        low, high = (_number(end) for end in ends) if ends else (None, None)
        if text and low is not None and high is not None:
            text += f" ({span(low, high) if unit is _share else f'{low:.3g} to {high:.3g}'})"
        rows += [(words, text)] if text else []
    return rows


def words_of(check: str, key: str) -> tuple[str, Unit] | None:
    """Words and unit of a figure; None where nobody has given it any."""
    found = _WORDS.get(f"{check}.{key}") or _WORDS.get(key)
    if found is None and key in {end for part in _INTERVALS.get(check, {}).values() for end in part}:
        return key, _plainly
    return found


def _ends_of(check: str, key: str) -> tuple[str, ...]:
    return _INTERVALS.get(check, {}).get(key, ())


def _number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plainly(value: JsonValue) -> str:
    """Any other figure: numbers rounded, lists joined, tables as "name: value"."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_format.number(value)
    if isinstance(value, list):
        shown = [_plainly(item) for item in value[:_SHOWN]]
        return ", ".join([*shown, *([f"{len(value) - _SHOWN} more"] if len(value) > _SHOWN else [])])
    if isinstance(value, dict):
        return _each(_plainly)(value)
    return "" if value is None else str(value)


def _share(value: JsonValue) -> str:
    share = _number(value)
    return _plainly(value) if share is None else percent(share)


def _half_width(value: JsonValue) -> str:
    share = _number(value)
    return _plainly(value) if share is None else f"± {points(share)} points"


def _points(value: JsonValue) -> str:
    share = _number(value)
    return _plainly(value) if share is None else f"{signed(share)} points"


def _p(value: JsonValue) -> str:
    p = _number(value)
    return _plainly(value) if p is None else p_value(p)


def _of(singular: str, several: str = "") -> Unit:
    """A count with its noun: "24 prompts"."""

    def unit(value: JsonValue) -> str:
        count = _number(value)
        return _plainly(value) if count is None else plural(round(count), singular, several)

    return unit


def _each(unit: Unit) -> Unit:
    """A table of names, each with its value: "reference 14 %, longer 2 %"."""

    def of_all(value: JsonValue) -> str:
        if not isinstance(value, dict):
            return _plainly(value)
        shown = [(str(name), unit(item)) for name, item in list(value.items())[:_SHOWN]]
        more = [f"{len(value) - _SHOWN} more"] if len(value) > _SHOWN else []
        parts = [f"{name.replace('_', ' ')} {text or 'not known'}" for name, text in shown]
        return "; ".join([*parts, *more])

    return of_all


def _rate(value: JsonValue) -> str:
    """A win rate with its interval: "86 % (79–91), 66 prompts"."""
    if not isinstance(value, dict):
        return _share(value)
    rate, low, high = (_number(value.get(key)) for key in ("value", "low", "high"))
    if rate is None:
        return _plainly(value)
    held = f" ({span(low, high)})" if low is not None and high is not None else ""
    size = [_of("prompt")(value["prompts"])] if value.get("prompts") is not None else []
    size += [_of("source")(value["sources"])] if value.get("sources") is not None else []
    p = f"p {p_value(found)}" if (found := _number(value.get("p_value"))) is not None else ""
    return ", ".join(part for part in (f"{percent(rate)}{held}", *size, p) if part)


def _without(value: JsonValue) -> str:
    """The verdict without what a check flags: whether it holds, on how much, and by which test."""
    if not isinstance(value, dict):
        return _plainly(value)
    difference, p = _number(value.get("difference")), _number(value.get("p_value"))
    parts = [
        "holds" if value.get("holds") else "does not hold",
        f"{_of('prompt')(value.get('prompts_left'))} left",
        f"{signed(difference)} points" if difference is not None else "",
        f"p {p_value(p)}" if p is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _effect(value: JsonValue) -> str:
    if not isinstance(value, dict):
        return _plainly(value)
    effect, low, high = (_number(value.get(key)) for key in ("effect", "low", "high"))
    if effect is None:
        return "not known"
    held = f" ({signed_span(low, high)})" if low is not None and high is not None else ""
    return f"{signed(effect)} points{held}"


def _drift(value: JsonValue) -> str:
    if not isinstance(value, dict):
        return _plainly(value)
    return f"{_plainly(value.get('changed'))} of {_plainly(value.get('asked'))}"


def _flips(value: JsonValue) -> str:
    if not isinstance(value, dict):
        return _plainly(value)
    p = _number(value.get("p_value"))
    parts = (
        f"{_of('comparison')(value.get('compared'))}",
        f"{_plainly(value.get('first'))} turned to the first answer",
        f"{_plainly(value.get('second'))} to the second",
        f"p {p_value(p)}" if p is not None else "",
    )
    return ", ".join(part for part in parts if part)


def _control(value: JsonValue) -> str:
    """One judge on pairs with a known answer."""
    if not isinstance(value, dict):
        return _plainly(value)
    p, seen = _number(value.get("p_adjusted")), value.get("recognised")
    parts = (
        _share(value.get("win_rate")),
        f"of {_of('prompt')(value.get('prompts'))}",
        f"(adjusted p {p_value(p)})" if p is not None else "",
        ("(recognised)" if seen else "(not recognised)") if seen is not None else "",
    )
    return " ".join(part for part in parts if part)


def _apart(value: JsonValue) -> str:
    """A group against the other prompts."""
    if not isinstance(value, dict):
        return _plainly(value)
    p = _number(value.get("p_value"))
    tested = f", p {p_value(p)} after Holm" if p is not None else ""
    return f"{_rate(value.get('win_rate'))}, the others {_rate(value.get('others'))}{tested}"


def _words(value: JsonValue) -> str:
    """Surface text that tells the sides apart; or why that is not known."""
    if not isinstance(value, dict):
        return _plainly(value)
    told = _rate({**value, "value": value.get("accuracy"), "prompts": None})
    return (
        f"{told} of {_of('pair')(value.get('pairs'))}; length alone {_share(value.get('length_alone'))}"
    )


def _closest(value: JsonValue) -> str:
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    return listed([
        f"{row.get('prompt')} in row {row.get('row')} ({row.get('way')}, "
        f"{_share(row.get('similarity'))} alike)"
        for row in rows[:_SHOWN]
    ])  # fmt: skip


def _ends(value: JsonValue) -> str:
    ends = [_number(end) for end in value] if isinstance(value, list) else []
    low, high = ends if len(ends) == 2 else (None, None)
    return "" if low is None or high is None else f"{span(low, high)} %"


def _gap(value: JsonValue) -> str:
    ends = [_number(end) for end in value] if isinstance(value, list) else []
    low, high = ends if len(ends) == 2 else (None, None)
    return "" if low is None or high is None else f"{signed_span(low, high)} points"


Unit: TypeAlias = Callable[[JsonValue], str]
_INTERVALS: dict[str, dict[str, tuple[str, str]]] = {
    "length": {"value": ("low", "high"), "coefficient": ("coefficient_low", "coefficient_high")},
    "sampling": {"share": ("low", "high")},
}
"""Check -> figure -> the keys of the ends of its interval."""
_WORDS: dict[str, tuple[str, Unit]] = {
    "checkpoint.candidate": ("digest of the candidate", _plainly),
    "checkpoint.baseline": ("digest of the baseline", _plainly),
    "step": ("training step of the candidate", _plainly),
    "planned_steps": ("steps planned", _plainly),
    "epoch": ("passes over the training data", _plainly),
    "validation_loss": ("validation loss of the candidate", _plainly),
    "base_validation_loss": ("validation loss of its base", _plainly),
    "aliases": ("other names of the same weights", _plainly),
    "same_base": ("both sides have one base", _plainly),
    "same_template": ("both sides have one chat template", _plainly),
    "conditions.sampling": ("sampling", _plainly),
    "environment": ("made with", _plainly),
    "own_sampling": ("the model's own settings", _plainly),
    "cut off": ("answers cut off at the token limit", _each(_share)),
    "ending without a full stop": ("answers ending without a full stop", _each(_share)),
    "empty": ("empty answers", _each(_share)),
    "repetitive": ("answers that repeat themselves", _each(_share)),
    "leaking special tokens": ("answers with special tokens", _each(_share)),
    "comparisons": ("looked at", _of("comparison")),
    "affected": ("affected", _of("comparison")),
    "p_sides_differ": ("p that the sides do not differ", _p),
    "win_rate_without": ("win rate without those", _rate),
    "without": ("verdict without those", _without),
    "blinding.verdicts": ("looked at", _of("verdict")),
    "candidate_first": ("candidate shown first", _share),
    "candidate_is_a": ("candidate called A", _share),
    "letter_is_side": ("a letter always is the same side", _plainly),
    "order_is_side": ("a place always is the same side", _plainly),
    "letter_is_place": ("a letter always stands in the same place", _plainly),
    "self_named": ("answers that name their model", _each(_of("answer"))),
    "self_named_pairs": ("pairs with such an answer", _share),
    "self_named_prompts": ("prompts of those", _plainly),
    "bag_of_words": ("surface text tells the sides apart", _words),
    "position.position": ("worth of standing first", _effect),
    "position.label": ("worth of being called A", _effect),
    "position.layout": ("worth of being first and called A", _effect),
    "criteria_order": ("worth of one order of the criteria against another", _each(_effect)),
    "flip_rate": ("verdicts that change when the answers are exchanged", _share),
    "flips": ("which way they change", _flips),
    "flip_rate_by_judge": ("verdicts that change, by judge", _each(_share)),
    "raw": ("win rate as judged", _share),
    "length.value": ("win rate at equal length", _share),
    "coefficient": ("effect of length, in log odds", _plainly),
    "mean_difference": ("the candidate is longer by, in words or tokens", _plainly),
    "longer": ("verdicts on a longer answer of the candidate", _share),
    "shorter": ("verdicts on a shorter answer of the candidate", _share),
    "overlap_ok": ("lengths of both sides overlap enough to compare", _plainly),
    "longer_wins": ("decided comparisons that the longer answer wins", _share),
    "longer_judge": ("win rate by a rule that takes the longer answer", _share),
    "prompts": ("prompts", _of("prompt")),
    "effective_n": ("as many independent verdicts would give this interval", _of("verdict")),
    "smallest_detectable": ("least win rate that so many prompts find", _share),
    "power": ("in so many of such evaluations", _share),
    "samples": ("answers of each side to a prompt", _of("answer")),
    "greedy": ("the most likely answer, without chance", _plainly),
    "share": ("part of the variance that drawing answers adds", _share),
    "half_width_with_twice_the_samples": ("interval with twice the answers", _half_width),
    "next_best": ("what narrows it most for its price", _plainly),
    "judges.judges": ("who judged", _plainly),
    "families": ("families of models", _each(_plainly)),
    "alpha": ("agreement, Krippendorff's alpha", _plainly),
    "unanimous": ("comparisons on which all said the same", _share),
    "unusable": ("verdicts that could not be used", _share),
    "contradictions": ("winners against the judge's own scores", _each(_of("verdict"))),
    "stopped": ("judges that stopped answering", _each(_plainly)),
    "left_out": ("judges left out", _plainly),
    "taught_by": ("judges whose verdicts the candidate learned from", _plainly),
    "taught_and_judged": ("judges that taught and judged", _plainly),
    "taught_alone": ("nobody else judged", _plainly),
    "drift": ("stored verdicts that changed when asked again", _each(_drift)),
    "a_a": ("the baseline against itself (50 % is even)", _each(_control)),
    "a_a_all": ("the baseline against itself, all judges", _share),
    "damaged": ("intact answers preferred to damaged ones", _each(_control)),
    "damaged_all": ("intact answers preferred, all judges", _share),
    "recognition": ("damage recognised", _rate),
    "preferred_a_side": ("judges that preferred a side of one model", _plainly),
    "file": ("training file", _plainly),
    "contamination.rows": ("its rows", _of("row")),
    "exact": ("prompts found word for word", _of("prompt")),
    "contained": ("prompts found inside a longer row", _of("prompt")),
    "near": ("prompts near a row", _of("prompt")),
    "references_found": ("reference answers found", _of("answer")),
    "closest": ("closest", _closest),
    "win_rate_near": ("win rate on prompts near the training data", _rate),
    "win_rate_far": ("win rate on prompts far from it", _rate),
    "validation_rows_shared": ("validation rows that the training rows ask", _of("row")),
    "trained_on": ("prompts trained on", _of("prompt")),
    "pairs_files": ("preference pairs it learned from", _plainly),
    "spent": ("prompts in or near those pairs", _of("prompt")),
    "spent_ways": ("how they were found", _each(_of("prompt"))),
    "spent_closest": ("closest of them", _closest),
    "without_near": ("verdict without prompts near it", _without),
    "sources.sources": ("sources", _of("source")),
    "new_sources": ("win rate on prompts of new sources", _ends),
    "sources.without": ("what is left without a group that carries it", _each(_rate)),
    "differ": ("groups that differ", _each(_apart)),
    "mean_of_sources": ("mean of source means", _rate),
    "seen": ("sources seen in training", _rate),
    "unseen": ("sources not seen", _rate),
    "gap": ("seen minus unseen", _points),
    "gap_interval": ("interval of that", _gap),
    "unseen_sources": ("not seen", _plainly),
    "unseen_by": ("how that is known", _plainly),
    "holds_unseen": ("the verdict holds for unseen sources", _plainly),
    "look": ("analysed so often, this time included", _of("time")),
    "on_other_versions_of_the_suite": ("of these on other versions of the suite", _of("time")),
    "p_value": ("p", _p),
    "p_times_looks": ("p times the number of looks", _p),
    "injection.candidate": ("such answers of the candidate", _of("answer")),
    "injection.baseline": ("such answers of the baseline", _of("answer")),
    "injection.prompts": ("their prompts", _plainly),
    "kinds": ("what they do", _each(_of("time"))),
}
