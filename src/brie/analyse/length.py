"""Length-controlled win rate: a sensitivity figure beside the raw rate (docs/statistics.md 6).

Length is an effect of the model. If an answer is shorter because it is better, controlling for
length over-corrects; so this figure never replaces the raw rate.
"""

from __future__ import annotations

import numpy as np

from brie.analyse.arrays import AnyInts, Floats, distinct
from brie.analyse.regression import Fit, expit, logistic
from brie.records.estimates import LengthControlled

METHOD = "quasi-binomial-glm-cluster-cr1"
LARGE_CHANGE = 0.10
_SEPARATED = 6.0
_OVERLAP = 0.10


def length_controlled(
    score: Floats, difference: Floats, position: AnyInts, prompt: AnyInts, *, level: float = 0.95
) -> LengthControlled | str:
    """Fit logit E[y] = b0 + b1 tanh(dl / sd(dl)) + b2 position by prompt-clustered quasi-likelihood.

    Args:
        score: one a verdict, in [0, 1].
        difference: candidate's length minus the baseline's.
        position: +1 candidate first, -1 second, 0 not known.
        prompt: cluster codes.

    Returns the reason as a string where there is no such rate.
    """
    reason = _impossible(score, difference, prompt)
    if reason:
        return reason
    scaled = np.tanh(difference / difference.std(ddof=1))
    columns = [np.ones(len(score)), scaled]
    if (position > 0).any() and (position < 0).any():
        columns.append(position / 2)
    design = np.stack(columns, axis=1)
    fit, ridge = _fit(design, score, prompt)
    if fit is None:
        return "the length model has no finite solution on these verdicts"
    return _result(fit, ridge, score, difference, level)


def _impossible(score: Floats, difference: Floats, prompt: AnyInts) -> str:
    if len(score) == 0:
        return "no usable verdicts"
    if distinct(prompt) < 3:
        return "fewer than three prompts"
    if score.min() == score.max():
        return "every verdict is the same"
    if score.max() == 0.5 or score.min() == 0.5:
        return "verdicts of one side and ties only"
    if len(score) < 3 or difference.std(ddof=1) == 0:
        apart = abs(float(difference[0]))
        if apart == 0:
            return "the two sides' answers never differ in length"
        which = "longer" if difference[0] > 0 else "shorter"
        return (
            f"every answer of the candidate is {which} by the same amount ({apart:,g}), so length "
            "cannot be told from the model"
        )
    return ""


def _fit(design: Floats, score: Floats, prompt: AnyInts) -> tuple[Fit | None, bool]:
    fit = None if _has_empty_cell(design, score) else logistic(design, score, prompt)
    if fit is not None and np.abs(fit.coefficients).max() <= _SEPARATED:
        return fit, False
    penalty = np.array([0.0] + [0.5] * (design.shape[1] - 1))
    return logistic(design, score, prompt, penalty), True


def _has_empty_cell(design: Floats, score: Floats) -> bool:
    """Longer or shorter, first or second: a group whose every verdict is a win, or a loss."""
    for column in design[:, 1:].T:
        for group in (column > 0, column < 0):
            if group.any() and (score[group].min() == 1 or score[group].max() == 0):
                return True
    return False


def _result(fit: Fit, ridge: bool, score: Floats, difference: Floats, level: float) -> LengthControlled:
    low, high = fit.interval(0, level)
    slope_low, slope_high = fit.interval(1, level)
    value, raw = expit(float(fit.coefficients[0])), float(score.mean())
    longer, shorter = float((difference > 0).mean()), float((difference < 0).mean())
    return LengthControlled(
        value=value,
        low=expit(low),
        high=expit(high),
        level=level,
        n=fit.clusters,
        raw=raw,
        coefficient=float(fit.coefficients[1]),
        coefficient_low=slope_low,
        coefficient_high=slope_high,
        mean_difference=float(difference.mean()),
        longer=longer,
        shorter=shorter,
        overlap_ok=min(longer, shorter) >= _OVERLAP,
        large_change=abs(value - raw) > LARGE_CHANGE,
        ridge=ridge,
        method=METHOD,
    )
