"""A requirement on an evaluation, for continuous integration: met, not met, or undecided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from brie.checks.noninferior import not_worse
from brie.checks.standing import MISSING, standing_of, tipping_words
from brie.ci.gate_tasks import within_drop
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
    analysis: Analysis,
    require: Require,
    *,
    margin: float = MARGIN,
    allowed: Collection[str] = (),
    max_task_drop: float | None = None,
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
        max_task_drop: how far a benchmark may fall (`gate_tasks.within_drop`); None: nothing is asked.

    Raises:
        UsageError: a drop is asked about, and there are no tasks.
    """
    answer = _of_rate(analysis, require, margin=margin, allowed=allowed)
    if max_task_drop is None:
        return answer
    met, sentence = within_drop(analysis, max_task_drop)
    worst = False if False in (met, answer.met) else None if None in (met, answer.met) else True
    return replace(answer, met=worst, sentence=f"{answer.sentence}; {sentence}")


def _of_rate(analysis: Analysis, require: Require, *, margin: float, allowed: Collection[str]) -> Gate:
    """What the win rate alone comes to."""
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
    return not_worse(analysis, rate, margin, missing_allowed=MISSING in allowed)


def _better(analysis: Analysis) -> tuple[bool | None, str]:
    sentence = f"the verdict is {analysis.verdict!r}: {analysis.verdict_reason}"
    if analysis.verdict == "better":
        return True, sentence
    return None if analysis.verdict == "undecided" else False, sentence
