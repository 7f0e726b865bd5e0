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
IMAGINED = 0.25
"""Weight of each imagined prompt of the interval."""
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
    padded = _padded_fit(design, score, prompt) or fit
    return _result(fit, padded, ridge, score, difference, level)


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
    return logistic(design, score, prompt, _ridge(design)), True


def _padded_fit(design: Floats, score: Floats, prompt: AnyInts) -> Fit | None:
    """The fit with four imagined prompts, each of a quarter of a prompt's weight.

    Two have answers of equal length, one of them won and one lost; in the third the longer answer
    wins, in the fourth the shorter one. Near a rate of 0 or 1 the verdicts' own fit has too small an
    error.
    """
    reach = float(np.sqrt((design[:, 1] ** 2).mean()))
    imagined = np.zeros((6, design.shape[1]))
    imagined[:, 0], imagined[:, 1] = 1.0, [0.0, 0.0, reach, -reach, reach, -reach]
    rows = len(score) / distinct(prompt) * IMAGINED
    weights = np.concatenate([np.ones(len(score)), rows * np.array([1.0, 1.0, 0.5, 0.5, 0.5, 0.5])])
    last = int(prompt.max())
    given = (
        np.concatenate([design, imagined]),
        np.concatenate([score, [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]]),
        np.concatenate([prompt, last + np.array([1, 2, 3, 3, 4, 4])]),
    )
    fit = logistic(*given, weights=weights)
    if fit is not None and np.abs(fit.coefficients).max() <= _SEPARATED:
        return fit
    return logistic(*given, _ridge(design), weights)


def _ridge(design: Floats) -> Floats:
    """A ridge of 1/2 on everything but the intercept."""
    return np.array([0.0] + [0.5] * (design.shape[1] - 1))


def _has_empty_cell(design: Floats, score: Floats) -> bool:
    """Longer or shorter, first or second: a group whose every verdict is a win, or a loss."""
    for column in design[:, 1:].T:
        for group in (column > 0, column < 0):
            if group.any() and (score[group].min() == 1 or score[group].max() == 0):
                return True
    return False


def _result(
    fit: Fit, padded: Fit, ridge: bool, score: Floats, difference: Floats, level: float
) -> LengthControlled:
    (low, high), (slope_low, slope_high) = (_ends(fit, padded, column, level) for column in (0, 1))
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


def _ends(fit: Fit, padded: Fit, column: int, level: float) -> tuple[float, float]:
    """The outer ends of a coefficient's intervals, without and with the imagined prompts."""
    own, other = fit.interval(column, level), padded.interval(column, level, fit.clusters - 1)
    return min(own[0], other[0]), max(own[1], other[1])
