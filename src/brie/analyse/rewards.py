"""What each judge rewards: verdicts regressed on the answers' differences (docs/statistics.md 8.4)."""

from __future__ import annotations

import numpy as np

from brie.analyse.arrays import Bools, Floats, distinct
from brie.analyse.regression import Fit, least_squares
from brie.analyse.table import VerdictTable
from brie.conventions import FEWEST_PROMPTS
from brie.records.estimates import Reward, Rewards

METHOD = "ols-cluster-cr1"


def rewards(table: VerdictTable, judge: int, *, level: float = 0.95) -> Rewards | str:
    """Linear probability of a win on standardised differences, clustered by prompt.

    Text differences (length, lists, headings, …) are fitted together, and so are the judge's own
    criterion scores. Association, not cause. Returns the reason where there is nothing to fit.
    """
    rows = table.usable & ~table.identical & (table.judge == judge)
    if distinct(table.prompt[rows]) < FEWEST_PROMPTS:
        return f"fewer than {FEWEST_PROMPTS} prompts"
    text = dict(table.features)
    if table.length_difference is not None:
        text = {"length": table.length_difference, **text}
    tendencies = Rewards(
        text=_fit_together(table, rows, text, level),
        criteria=_fit_together(table, rows, dict(table.criteria), level),
        prompts=distinct(table.prompt[rows]),
        verdicts=int(rows.sum()),
    )
    if not tendencies.text and not tendencies.criteria:
        return "no differences between the answers were measured, or none varies"
    return tendencies


def _fit_together(
    table: VerdictTable, rows: Bools, columns: dict[str, Floats], level: float
) -> dict[str, Reward]:
    # A criterion of another judge's rubric is not one of this judge's.
    columns = {name: values for name, values in columns.items() if np.isfinite(values[rows]).any()}
    known = rows.copy()
    for values in columns.values():
        known &= np.isfinite(values)
    varied = {name: values[known] for name, values in columns.items() if known.any()}
    varied = {name: values for name, values in varied.items() if np.ptp(values) > 0}
    if not varied:
        return {}
    together = _fit(table, known, list(varied.values()))
    if together is not None:
        return {
            name: _reward(together, 1 + i, values, level, alone=False)
            for i, (name, values) in enumerate(varied.items())
        }
    fits = {name: _fit(table, known, [values]) for name, values in varied.items()}
    return {
        name: _reward(fit, 1, varied[name], level, alone=True)
        for name, fit in fits.items()
        if fit is not None
    }


def _fit(table: VerdictTable, known: Bools, columns: list[Floats]) -> Fit | None:
    standard = [(values - values.mean()) / values.std(ddof=1) for values in columns]
    position = table.position[known]
    if position.min() < position.max():
        standard.append(position / 2)
    design = np.stack([np.ones(len(position)), *standard], axis=1)
    return least_squares(design, table.score[known], table.prompt[known])


def _reward(fit: Fit, index: int, values: Floats, level: float, *, alone: bool) -> Reward:
    low, high = fit.interval(index, level)
    return Reward(
        effect=float(fit.coefficients[index]),
        low=low,
        high=high,
        level=level,
        deviation=float(values.std(ddof=1)),
        alone=alone,
    )
