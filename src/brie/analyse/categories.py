"""Do categories differ at all, and what to believe of small ones (docs/statistics.md 10.1)."""

from __future__ import annotations

import numpy as np

from brie.analyse.arrays import AnyInts, Floats, f_upper, group_mean
from brie.records.estimates import Omnibus

_PERMUTED_UP_TO = 5000


def omnibus(
    means: Floats, category: AnyInts, rng: np.random.Generator, *, resamples: int = 9999
) -> Omnibus | str:
    """F over prompt means, category labels permuted over prompts.

    Above 5,000 prompts the F distribution itself, from which the permutation distribution can no
    longer be told. Returns the reason where there is nothing to test.
    """
    size = np.bincount(category) if len(category) else np.zeros(0, np.int64)
    groups, prompts = int((size > 0).sum()), len(means)
    if groups < 2:
        return "one category"
    if prompts <= groups:
        return "no category has two prompts"
    if means.max() - means.min() < 1e-12:
        return "every prompt has the same result"
    codes = (np.cumsum(size > 0) - 1)[category]
    observed = _between(codes, means[None, :], groups)[0]
    f = _f(observed, means, groups)
    if prompts > _PERMUTED_UP_TO:
        p_value = f_upper(f, groups - 1, prompts - groups) if np.isfinite(f) else 0.0
        return Omnibus(f=f, p_value=p_value, categories=groups, prompts=prompts, method="f")
    beyond, block = 0, max(1, 2_000_000 // prompts)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        shuffled = rng.permuted(np.broadcast_to(means, (rows, prompts)), axis=1)
        beyond += int((_between(codes, shuffled, groups) >= observed - 1e-9).sum())
    p_value = (beyond + 1) / (resamples + 1)
    test = Omnibus(f=f, p_value=p_value, categories=groups, prompts=prompts, method="permutation-f")
    return test if beyond else test.model_copy(update={"p_at_most": True})


def pooled_rates(means: Floats, category: AnyInts, size: int) -> Floats:
    """Category rates drawn towards the mean of categories: weight tau2 / (tau2 + s2/G_c).

    tau2 is the method-of-moments variance between categories, s2 the pooled variance within.
    NaN for categories without prompts, and everywhere if the variances cannot be estimated.
    """
    count = np.bincount(category, minlength=size)
    rates = group_mean(category, means, size)
    present = count > 0
    groups, prompts = int(present.sum()), len(means)
    if groups < 2 or prompts <= groups:
        return np.full(size, np.nan)
    within = float(((means - rates[category]) ** 2).sum()) / (prompts - groups)
    n, r = count[present], rates[present]
    grand = float((n * r).sum() / prompts)
    between = float((n * (r - grand) ** 2).sum())
    scale = prompts - float((n**2).sum()) / prompts
    tau2 = max(0.0, (between - (groups - 1) * within) / scale)
    share = np.ones(size)
    if within > 0:
        share = tau2 / (tau2 + within / np.maximum(count, 1))
    centre = float(np.average(r, weights=share[present])) if share[present].sum() > 0 else grand
    return np.where(present, share * rates + (1 - share) * centre, np.nan)


def _between(codes: AnyInts, rows: Floats, groups: int) -> Floats:
    """Sum over categories of (sum of means)^2 / prompts, for each row of shuffled means."""
    member = np.zeros((rows.shape[1], groups))
    member[np.arange(rows.shape[1]), codes] = 1.0
    sums = rows @ member
    return np.asarray((sums**2 / member.sum(axis=0)).sum(axis=1))


def _f(between: float, means: Floats, groups: int) -> float:
    prompts = len(means)
    explained = between - float(means.sum()) ** 2 / prompts
    residual = float((means**2).sum()) - between
    if residual <= 1e-12:
        return float("inf")
    return explained / (groups - 1) / (residual / (prompts - groups))
