"""A requirement on an evaluation, for continuous integration: met, not met, or undecided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from brie.analyse.controls import damaged_low
from brie.checks.standing import MISSING, missing_is_small, standing_of, tipping_words
from brie.conventions import MARGIN
from brie.records.analysis import Analysis, WinRate
from brie.records.standing import Reason, Standing

Require = Literal["better", "not-worse"]


@dataclass(frozen=True, slots=True)
class Gate:
    """What a requirement came to."""

    met: bool | None
    """None: the data cannot say."""
    sentence: str
    standing: Standing | None = None
    """After what was allowed; None where there is no verdict."""
    lifted: tuple[Reason, ...] = field(default=())
    """What would have kept it from standing, and was allowed."""

    @property
    def exit_code(self) -> int:
        """0 met, and it stands; 4 refuted or withheld; 5 undecided or conditional."""
        return {True: 0, False: 4, None: 5}[self.met]


def gate(
    analysis: Analysis, require: Require, *, margin: float = MARGIN, allowed: Collection[str] = ()
) -> Gate:
    """Hold an evaluation against a requirement.

    `better` asks for that verdict. `not-worse` is a non-inferiority test: the 90 % interval of the
    win rate and its one-sided 95 % bound must lie above one half less the margin, and touching it is
    not enough; it is refuted where both lie below, and undecided in between. After safe early
    stopping the interval that holds at any time takes their place. `not-worse` is met only by judges
    that recognised damaged answers in this evaluation: one that flips a coin finds no difference
    anywhere. A verdict that is withheld meets nothing, one that is conditional leaves it open.

    Args:
        analysis: the evaluation's numbers.
        require: what is required.
        margin: as a share of comparisons.
        allowed: checks, or `missing`, that are not to keep the verdict from standing.
    """
    if analysis.interim:
        return Gate(None, "verdicts are still missing, so nothing can be required of it yet")
    rate, standing = analysis.win_rate, standing_of(analysis, allowed=allowed)
    if rate is None or standing is None:
        return Gate(None, f"there is no verdict: {analysis.notes.get('verdict', 'nothing was judged')}")
    whole = standing_of(analysis)
    lifted = tuple(r for r in (whole.reasons if whole else ()) if r not in standing.reasons)
    met, sentence = _answer(analysis, rate, standing, require, margin=margin, allowed=allowed)
    if lifted:
        said = "; ".join(f"{reason.cause} ({reason.text})" for reason in lifted)
        sentence += f"; lifted by --allow: {said}"
    return Gate(met, sentence, standing, lifted)


def _answer(
    analysis: Analysis,
    rate: WinRate,
    standing: Standing,
    require: Require,
    *,
    margin: float,
    allowed: Collection[str],
) -> tuple[bool | None, str]:
    reasons = "; ".join(reason.text.rstrip(".") for reason in standing.reasons)
    if standing.state == "withheld":
        word = f"{analysis.verdict!r} does not stand" if analysis.verdict else "the verdict is withheld"
        return False, f"{word}: {reasons}"
    if standing.state == "conditional":
        tipping = tipping_words(analysis).rstrip(".")
        return None, f"{analysis.verdict!r} {reasons}{'; ' + tipping if tipping else ''}"
    if require == "better":
        return _better(analysis)
    return _not_worse(analysis, rate, margin, missing_allowed=MISSING in allowed)


def _better(analysis: Analysis) -> tuple[bool | None, str]:
    sentence = f"the verdict is {analysis.verdict!r}: {analysis.verdict_reason}"
    if analysis.verdict == "better":
        return True, sentence
    return None if analysis.verdict == "undecided" else False, sentence


def _not_worse(
    analysis: Analysis, rate: WinRate, margin: float, *, missing_allowed: bool
) -> tuple[bool | None, str]:
    whole = (rate.low, rate.high) if rate.low is not None and rate.high is not None else None
    ends = rate.interval_90 or whole
    if ends is None:
        return None, f"there are too few prompts for an interval: {rate.prompts}"
    floor, bounds = 0.5 - margin, rate.one_sided or ends
    low, high = min(ends[0], bounds[0]), max(ends[1], bounds[1])
    level = "90 % " if rate.interval_90 else ""
    said = f"the {level}interval of the win rate is {_percent(ends[0])} to {_percent(ends[1])} %"
    if rate.one_sided:
        said += f", its one-sided bounds are {_percent(bounds[0])} and {_percent(bounds[1])} %"
    noted = missing_allowed or missing_is_small(analysis)
    down, up = (0.0, 0.0) if noted else (rate.value - rate.bounds[0], rate.bounds[1] - rate.value)
    if low > floor + 1e-12:
        seen = damaged_low(analysis.controls)
        if seen is None or seen <= 0.5:
            return None, f"{said}, but these judges were not shown able to tell: {_unshown(seen)}"
        if low - down <= floor + 1e-12:
            return (
                None,
                f"{said}, but with the missing verdicts lost it reaches {_percent(floor)} % or less",
            )
        return True, f"not worse: {said}, above {_percent(floor)} %"
    if high + up < floor - 1e-12:
        return False, f"worse: {said}, all of it below {_percent(floor)} %"
    return None, f"{said}, which is not above {_percent(floor)} %; more prompts would tell"


def _unshown(seen: float | None) -> str:
    if seen is None:
        return "no damaged answer was shown to them (`--controls 24`)"
    return f"the interval of damaged answers recognised begins at {_percent(seen)} %"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
