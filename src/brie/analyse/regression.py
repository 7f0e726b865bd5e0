"""Least squares and quasi-binomial regression with standard errors clustered by prompt (CR1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brie.analyse.arrays import AnyInts, Floats, group_sum, t_quantile

_ITERATIONS = 100


@dataclass(frozen=True)
class Fit:
    """Coefficients with cluster-robust standard errors; quantiles are t(clusters - 1)."""

    coefficients: Floats
    errors: Floats
    clusters: int
    rows: float

    def interval(self, index: int, level: float, freedom: int | None = None) -> tuple[float, float]:
        """Interval of one coefficient; degrees of freedom are clusters - 1 unless given."""
        quantile = t_quantile((1 + level) / 2, self.clusters - 1 if freedom is None else freedom)
        half = quantile * float(self.errors[index])
        value = float(self.coefficients[index])
        return value - half, value + half


def least_squares(
    design: Floats, y: Floats, clusters: AnyInts, weights: Floats | None = None
) -> Fit | None:
    """OLS; None where the columns are not independent or there are fewer than two clusters.

    Args:
        weights: how many rows each line stands for, where rows of one cluster that share a line of
            the design were put together, `y` being their mean: the fit is that of the single rows.
    """
    codes, count = _compact(clusters)
    counted = np.ones(len(y)) if weights is None else weights
    gram = (design.T * counted) @ design
    if count < 2 or _rank(gram) < design.shape[1]:
        return None
    bread = _inverse(gram)
    beta = bread @ (design.T @ (counted * y))
    rows = float(counted.sum())
    errors = _sandwich(design, counted * (y - design @ beta), codes, count, bread, rows)
    return Fit(beta, errors, count, rows)


def logistic(
    design: Floats,
    y: Floats,
    clusters: AnyInts,
    ridge: Floats | None = None,
    weights: Floats | None = None,
) -> Fit | None:
    """Quasi-binomial GLM with logit link by iteratively reweighted least squares.

    Args:
        y: in [0, 1].
        weights: how many rows each line stands for; None: one.
        ridge: added to the diagonal of the information, one entry a column: an L2 penalty of half
            that much times the squared coefficient.

    None where the columns are not independent, a coefficient diverges, or clusters are too few.
    """
    codes, count = _compact(clusters)
    if count < 2 or _rank(design.T @ design) < design.shape[1]:
        return None
    penalty = np.zeros(design.shape[1]) if ridge is None else ridge
    counted = np.ones(len(y)) if weights is None else weights
    beta = np.zeros(design.shape[1])
    for _ in range(_ITERATIONS):
        mean = _expit(design @ beta)
        information = (design.T * (counted * mean * (1 - mean))) @ design + np.diag(penalty)
        score = design.T @ (counted * (y - mean)) - penalty * beta
        if _rank(information) < len(beta):
            return None
        step = np.linalg.solve(information, score)
        beta = beta + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-11:
            break
    else:
        return None
    mean = _expit(design @ beta)
    information = (design.T * (counted * mean * (1 - mean))) @ design + np.diag(penalty)
    if np.abs(beta).max() > 25 or _rank(information) < len(beta):
        return None
    rows = float(counted.sum())
    errors = _sandwich(design, counted * (y - mean), codes, count, _inverse(information), rows)
    return Fit(beta, errors, count, rows)


def expit(x: float) -> float:
    """Inverse of the logit."""
    return float(_expit(np.array([x]))[0])


def _expit(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def _compact(clusters: AnyInts) -> tuple[AnyInts, int]:
    """Cluster codes 0..count-1 without gaps."""
    seen = np.bincount(clusters) > 0
    return (np.cumsum(seen) - 1)[clusters], int(seen.sum())


def _rank(gram: Floats) -> int:
    """Rank of a Gram matrix, its columns scaled to unit length first."""
    scale = np.sqrt(np.diag(gram))
    if not np.all(np.isfinite(gram)) or np.any(scale == 0):
        return 0
    return int(np.linalg.matrix_rank(gram / np.outer(scale, scale), tol=1e-10, hermitian=True))


def _sandwich(
    design: Floats, residual: Floats, codes: AnyInts, count: int, bread: Floats, rows: float
) -> Floats:
    """CR1: G/(G-1) (n-1)/(n-p) times the clustered sandwich, as statsmodels has it.

    Args:
        residual: summed over the rows that a line of the design stands for.
        rows: how many there are.
    """
    columns = design.shape[1]
    scores = np.stack([group_sum(codes, design[:, j] * residual, count) for j in range(columns)], axis=1)
    freedom = max(rows - columns, 1)
    factor = count / (count - 1) * (rows - 1) / freedom
    covariance = bread @ (scores.T @ scores) @ bread * factor
    return np.asarray(np.sqrt(np.clip(np.diag(covariance), 0.0, None)))


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)
