""" "Not worse": is the rate shown to lie above one half less a margin, by judges that can tell?"""

from __future__ import annotations

from brie.analyse.controls import damaged_low
from brie.checks.standing import missing_is_small
from brie.records.analysis import Analysis, WinRate


def not_worse(
    analysis: Analysis,
    rate: WinRate,
    margin: float,
    *,
    missing_allowed: bool,
    level: float = 0.9,
) -> tuple[bool | None, str]:
    """Whether a rate is not worse, with the reason; None where the data cannot say.

    Args:
        analysis: controls and missing verdicts of the evaluation.
        rate: its `interval_90` and `one_sided` decide; where there are none, the whole interval.
        margin: as a share of comparisons.
        missing_allowed: missing verdicts are taken as random.
        level: of `interval_90`, where several claims are made at once.
    """
    whole = (rate.low, rate.high) if rate.low is not None and rate.high is not None else None
    ends = rate.interval_90 or whole
    if ends is None:
        return None, f"there are too few prompts for an interval: {rate.prompts}"
    floor, bounds = 0.5 - margin, rate.one_sided or ends
    low, high = min(ends[0], bounds[0]), max(ends[1], bounds[1])
    shown = f"{100 * level:.3g} % " if rate.interval_90 else ""
    said = f"the {shown}interval of the win rate is {_percent(ends[0])} to {_percent(ends[1])} %"
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
