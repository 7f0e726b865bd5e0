"""Rule judges: deterministic, no model, always labelled rule-based.

Each rule gives both answers a number; the higher one wins. They are the offline default of the
demo and the tests, and instruments: what would a judge say that only looks at length?
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

from brie.blinding import JudgeInput
from brie.errors import unknown
from brie.judge.interface import Reply
from brie.judge.machine_checks import CannotCompile, TooSlow, passes
from brie.judge.prompt import Correction
from brie.records import JudgeSpec, Rubric, Status

CHRF_MARGIN = 0.5
"""chrF points (0-100) below which two answers are equally near to the reference."""

Rule = Callable[[JudgeInput], tuple[float, float, str]]
"""Scores of the first and the second answer, and the reason in words."""


class CannotJudge(Exception):
    """The rule does not apply to this prompt."""


def reference(shown: JudgeInput) -> tuple[float, float, str]:
    """chrF (Popović 2015, as sacrebleu computes it) of each answer against the reference."""
    if not shown.reference:
        raise CannotJudge("the prompt has no reference")
    first, second = chrf(shown.first, shown.reference), chrf(shown.second, shown.reference)
    if abs(first - second) < CHRF_MARGIN:
        return 0.0, 0.0, f"both are equally near to the reference (chrF {first:.1f} and {second:.1f})"
    near, far = max(first, second), min(first, second)
    return first, second, f"nearer to the reference (chrF {near:.1f} against {far:.1f})"


def longer(shown: JudgeInput) -> tuple[float, float, str]:
    """Characters of each answer."""
    first, second = len(shown.first), len(shown.second)
    return first, second, f"longer ({max(first, second)} characters against {min(first, second)})"


def first(shown: JudgeInput) -> tuple[float, float, str]:
    """Prefers whatever is shown first."""
    return 1.0, 0.0, "shown first"


def distinct(shown: JudgeInput) -> tuple[float, float, str]:
    """Share of word pairs that are not repeated; an empty answer scores 0."""
    first, second = distinct_bigrams(shown.first), distinct_bigrams(shown.second)
    return (
        first,
        second,
        f"less repetition ({max(first, second):.0%} of word pairs distinct, {min(first, second):.0%})",
    )


def checked(kind: str | None) -> Rule:
    """A rule for prompts that carry a machine check of that kind; None: of any kind."""

    def rule(shown: JudgeInput) -> tuple[float, float, str]:
        if shown.check is None or kind not in (None, shown.check.kind):
            raise CannotJudge(f"the prompt has no {kind or 'machine'} check")
        if shown.check.kind == "python":
            raise CannotJudge("the prompt's check is Python code, which no judge runs")
        try:
            first_passes, second_passes = (passes(shown.check, a) for a in (shown.first, shown.second))
        except (TooSlow, CannotCompile) as error:
            raise CannotJudge(str(error)) from error
        words = {True: "passes", False: "fails"}
        return (
            float(first_passes),
            float(second_passes),
            f"the first answer {words[first_passes]} the check, the second {words[second_passes]}",
        )

    return rule


RULES: dict[str, Rule] = {
    "reference": reference,
    "longer": longer,
    "first": first,
    "distinct": distinct,
    "check": checked(None),
    "exact": checked("exact"),
    "numeric": checked("numeric"),
    "regex": checked("regex"),
}


def rule_margin(name: str, texts: tuple[str, str], reference: str | None) -> float | None:
    """By how much a rule holds one of two texts better, as a share of the larger value, 0 to 1.

    None where there is no such rule, it does not apply, or it only knows yes and no.
    """
    if name == "reference":
        values = tuple(chrf(text, reference) for text in texts) if reference else None
    else:
        value = {"longer": len, "distinct": distinct_bigrams}.get(name)
        values = tuple(float(value(text)) for text in texts) if value else None
    return None if values is None else abs(values[0] - values[1]) / max(*values, 1e-9)


class RuleJudge:
    """A judge that applies one rule."""

    instant = True
    free = True

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    async def ask(self, shown: JudgeInput, correction: Correction | None = None) -> Reply:
        """Apply the rule; a prompt it does not apply to is `invalid`, not a tie."""
        return self.given(shown)

    def given(self, shown: JudgeInput) -> Reply:
        """What the rule gives, now and always."""
        try:
            left, right, reason = self._rule(shown)
        except CannotJudge as cause:
            return Reply(Status.INVALID, reason=str(cause), text=str(cause))
        which = shown.letter("first" if left > right else "second" if right > left else "tie")
        return Reply(
            Status.OK,
            letter=which,
            reason=reason if left != right else _even(reason, left),
        )

    def worst(self, shown: JudgeInput) -> float:
        """Nothing."""
        return 0.0

    async def close(self) -> None:
        """Nothing to free."""


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> RuleJudge:
    """The rule named by the judge's `model`.

    Raises:
        UsageError: no such rule.
    """
    if spec.model not in RULES:
        raise unknown("rule", spec.model, RULES)
    return RuleJudge(RULES[spec.model])


def chrf(text: str, target: str) -> float:
    """chrF2 of a text against a reference, 0 to 100."""
    return float(_metric().sentence_score(text, [target]).score)


@cache
def _metric() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF()


def distinct_bigrams(text: str) -> float:
    """Distinct word pairs over all word pairs; 1 for one word, 0 for none."""
    words = text.casefold().split()
    if len(words) < 2:
        return float(len(words))
    pairs = list(itertools.pairwise(words))
    return len(set(pairs)) / len(pairs)


def _even(reason: str, score: float) -> str:
    return reason if reason.startswith("both") else f"no difference ({score:g} each)"
