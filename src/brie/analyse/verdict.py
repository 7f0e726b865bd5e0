"""Better, worse, equivalent or undecided, and the sentence that says why (docs/statistics.md 1.5)."""

from __future__ import annotations

from dataclasses import dataclass

from brie.conventions import FEWEST_PROMPTS, MARGIN
from brie.number_format import p_equals, percent
from brie.records.analysis import VerdictWord, WinRate
from brie.records.estimates import Ends


@dataclass(frozen=True)
class Ability:
    """Evidence that the judges can tell answers apart: what `equivalent` needs besides its interval."""

    damaged_low: float | None = None
    """Lower end of the interval of "the damaged baseline was recognised"; None: controls not run."""
    flip_rate: float | None = None
    """Share of comparisons whose winner changes when the sides are exchanged; None: not identified."""
    tie_share: float | None = None
    """Share of ties among verdicts on different answers; None: there is none."""
    differing: float | None = None
    """Share of comparisons whose answers differ; None: not known."""

    def missing(self, margin: float) -> str | None:
        """Why the judges are not shown able to tell; None if they are.

        Where so few answers differ that no verdicts on them could lead out of the margin, it does not
        matter how those verdicts came about.
        """
        if self.damaged_low is None:
            return "the controls were not run"
        if self.damaged_low <= 0.5:
            return "the judges did not recognise a damaged baseline"
        if self.differing is not None and self.differing / 2 <= margin:
            return None
        if self.flip_rate is None:
            return "how often verdicts flip with the order is not known"
        if self.flip_rate >= 0.5:
            return f"{percent(self.flip_rate)} of the verdicts change when the sides are exchanged"
        if self.tie_share is None or self.tie_share >= 0.5:
            return "half of the verdicts or more are ties"
        return None


@dataclass(frozen=True)
class Decision:
    """A verdict and which of its conditions held, in one sentence."""

    word: VerdictWord
    reason: str


def decide(rate: WinRate, ability: Ability, *, margin: float = MARGIN, alpha: float = 0.05) -> Decision:
    """The verdict on a win rate.

    `better` and `worse` need both: sign-flip p below `alpha`, and an interval on one side of one
    half. The sign-flip alone tests exchangeability, not "the mean is one half"; the interval alone
    is not the randomisation test. `equivalent` needs the 90 % interval and both one-sided bounds inside
    the margin, and judges shown able to tell.
    """
    if rate.low is None or rate.high is None:
        return Decision(
            "undecided",
            f"too few prompts for an interval: {rate.prompts} of the {FEWEST_PROMPTS} needed",
        )
    significant, side = rate.p_value < alpha, _side(rate.low, rate.high)
    p = f"p {p_equals(rate.p_value)}"
    level = f"{100 * rate.level:g} % interval"
    if significant and side:
        return Decision(side, f"the sign-flip test ({p}) and the {level} agree{_by_less(rate, margin)}")
    if within(rate, margin):
        lack = ability.missing(margin)
        if lack is None:
            return Decision("equivalent", f"the 90 % interval lies within {_points(margin)} of 50 %")
        doubt = "it may only show judges that cannot tell"
        if ability.differing == 0:
            doubt = "nothing shows that they would see a difference"
        return Decision(
            "undecided",
            f"the 90 % interval lies within {_points(margin)} of 50 %, but {lack}, so {doubt}",
        )
    if significant:
        return Decision("undecided", f"the sign-flip test rejects ({p}), but the {level} contains 50 %")
    if side:
        return Decision(
            "undecided", f"the {level} excludes 50 %, but the sign-flip test does not reject ({p})"
        )
    return Decision(
        "undecided", f"the {level} contains 50 % and the sign-flip test does not reject ({p})"
    )


def decide_sequential(rate: WinRate, decided: bool, stopped_at: int | None) -> Decision:
    """The verdict of an evaluation sealed with early stopping: the e-process alone decides."""
    if not decided or rate.low is None or rate.high is None:
        return Decision(
            "undecided", f"safe early stopping reached no decision in {rate.prompts} prompts"
        )
    word: VerdictWord = "better" if rate.low > 0.5 else "worse"
    return Decision(word, f"stopped early: safe early stopping decided after {stopped_at} prompts")


def decide_anchored(
    low: float, high: float, interval_90: Ends, *, p_value: float, level: float = 0.95
) -> Decision:
    """The verdict of people's votes: the t interval alone, which is the t test turned round.

    `equivalent` needs people shown able to tell, and they are shown no pairs whose answer is known.

    Args:
        low: end of the interval.
        high: its other end.
        interval_90: the 90 % interval.
        p_value: two-sided, for a rate of one half.
        level: of the interval.
    """
    side, decided = _side(low, high), "people's votes decide"
    interval, p = f"{100 * level:g} % interval", f"p {p_equals(p_value)}"
    if side:
        less = f", by less than {_points(MARGIN)}" if inside(interval_90, MARGIN) else ""
        return Decision(side, f"{decided}: the {interval} excludes 50 % ({p}){less}")
    if inside(interval_90, MARGIN):
        doubt = "nothing shows that these people would see a difference"
        return Decision(
            "undecided",
            f"{decided}: the 90 % interval lies within {_points(MARGIN)} of 50 %, but {doubt}",
        )
    return Decision("undecided", f"{decided}: the {interval} contains 50 % ({p})")


def _side(low: float, high: float) -> VerdictWord | None:
    # A drawn end that should be one half may miss it by rounding.
    if low > 0.5 + 1e-9:
        return "better"
    return "worse" if high < 0.5 - 1e-9 else None


def within(rate: WinRate, margin: float) -> bool:
    """Whether the rate is shown to lie within the margin: 90 % interval and both one-sided bounds.

    A record of an earlier build has no bounds: the interval alone decides then.
    """
    return inside(rate.interval_90, margin) and inside(rate.one_sided or rate.interval_90, margin)


def inside(ends: Ends | None, margin: float) -> bool:
    """Whether both ends lie within the margin around one half; an end on the margin does not."""
    return ends is not None and ends[0] > 0.5 - margin + 1e-12 and ends[1] < 0.5 + margin - 1e-12


def _by_less(rate: WinRate, margin: float) -> str:
    if within(rate, margin):
        return f", by less than {_points(margin)}"
    return ""


def _points(margin: float) -> str:
    return f"{100 * margin:g} points"
