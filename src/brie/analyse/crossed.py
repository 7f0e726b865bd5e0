"""Training runs crossed with prompts: a recipe's rate, another run's, and the settings of a sweep.

Every run answers the same prompts, so a mean over both varies with the prompts that were asked and with
the seeds that were trained (docs/statistics.md 10.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, hypot, log2, sqrt

import numpy as np

from brie.analyse.arrays import Floats, generator, t_quantile
from brie.conventions import FEWEST_PROMPTS
from brie.records.sweeps import Doubling, RecipeRate, SettingRate, SettingsTable

CROSSED = "runs-crossed-with-prompts"
MAX_T = "max-t-over-runs-and-prompts"
FEWEST_RUNS = 5
"""Of one recipe, for an interval: below, the range of its runs is all there is to say."""
LEVEL = 0.95
DRAWS = 20_000


@dataclass(frozen=True)
class Spread:
    """What the rates of some runs on the same prompts vary by."""

    by_prompts: float
    """Variance of the mean over prompts and runs, from prompts; two imagined prompts are among them."""
    between: float
    """Variance of the runs' rates, that of their verdicts included."""
    within: float
    """The part of `between` that verdicts alone make."""
    runs: int
    prompts: int

    @property
    def of_seeds(self) -> float:
        """Variance between runs that is theirs."""
        return max(self.between - self.within, 0.0)


def spread(rates: Floats) -> Spread:
    """The variance components of a table of rates.

    Args:
        rates: (runs, prompts) in [0, 1], two of either or more.

    `within` is the mean square of what is left when runs and prompts are taken out, over the prompts.
    """
    runs, prompts = rates.shape
    by_run, by_prompt = rates.mean(axis=1), rates.mean(axis=0)
    left = rates - by_run[:, None] - by_prompt[None, :] + rates.mean()
    within = float((left**2).sum()) / ((runs - 1) * (prompts - 1)) / prompts
    full = np.concatenate([by_prompt, [0.0, 1.0]])
    by_prompts = float(full.var(ddof=1)) / len(full)
    return Spread(by_prompts, float(by_run.var(ddof=1)), within, runs, prompts)


def recipe_rate(rates: Floats, level: float = LEVEL) -> RecipeRate:
    """The mean of a recipe's runs, and where another run of it would lie.

    Args:
        rates: (runs, prompts), prompt means of every run on the same prompts.
        level: of both intervals.

    From `FEWEST_RUNS` runs and `FEWEST_PROMPTS` prompts on there are intervals, around the mean with one
    imagined prompt won and one lost. The mean's variance is that of prompts plus that of seeds over
    their number, verdicts' part taken off where it is in both; another run's has the runs' whole
    variance once more. Each is t with Satterthwaite's degrees of freedom (1946). Near 0 and 1 the rates
    of runs are skewed: for the mean, their variance has one degree of freedom fewer than usual, and the
    reach of seeds is the logit scale's where that is farther.
    """
    runs, prompts = rates.shape
    by_run = rates.mean(axis=1)
    parts = spread(rates) if runs > 1 and prompts > 1 else None
    mean: tuple[float | None, float | None] = (None, None)
    another = mean
    if parts is not None and runs >= FEWEST_RUNS and prompts >= FEWEST_PROMPTS:
        centre = (float(rates.mean()) * prompts + 1) / (prompts + 2)
        from_prompts, whole = parts.by_prompts, parts.between * (1 + 1 / runs)
        wider = parts.between * (runs - 1) / (runs - 2)
        mean = _around(
            centre, by_prompts=from_prompts, by_seeds=max(wider - parts.within, 0) / runs, level=level,
            freedom=_freedom(from_prompts, prompts + 1, wider / runs, runs - 2),
        )  # fmt: skip
        another = _around(
            centre, by_prompts=from_prompts, by_seeds=whole, level=level,
            freedom=_freedom(from_prompts, prompts + 1, whole, runs - 1),
        )  # fmt: skip
    return RecipeRate(
        value=float(rates.mean()), low=mean[0], high=mean[1], new_low=another[0], new_high=another[1],
        least=float(by_run.min()), most=float(by_run.max()), level=level, method=CROSSED, runs=runs,
        prompts=prompts, seed_deviation=None if parts is None else sqrt(parts.of_seeds),
    )  # fmt: skip


def _around(
    centre: float, *, by_prompts: float, by_seeds: float, freedom: float, level: float
) -> tuple[float, float]:
    """Ends of an interval within [0, 1].

    Args:
        centre: where it lies around.
        by_prompts: variance from prompts.
        by_seeds: variance from seeds; each end takes the farther of its plain reach and the logit's.
        freedom: of t.
        level: of the interval.
    """
    t = t_quantile((1 + level) / 2, freedom)
    half = t * sqrt(by_seeds)
    shrunk, odds = exp(-min(half / (centre * (1 - centre)), 700.0)), centre / (1 - centre)
    below = max(half, centre - odds * shrunk / (1 + odds * shrunk))
    above = max(half, odds / (odds + shrunk) - centre)
    of_prompts = t * sqrt(by_prompts)
    return max(centre - hypot(of_prompts, below), 0.0), min(centre + hypot(of_prompts, above), 1.0)


def _freedom(first: float, of_first: float, second: float, of_second: float) -> float:
    """Satterthwaite 1946: of a sum of two variances.

    They are those of the sum with nothing taken off: they neither jump nor vanish where the variance of
    seeds is estimated as none.
    """
    return (first + second) ** 2 / (first**2 / of_first + second**2 / of_second)


@dataclass(frozen=True)
class _Means:
    """Means of settings, as normal as their numbers make them."""

    value: Floats
    covariance: Floats
    freedom: float
    seed_deviation: float | None


def settings_table(
    rates: Mapping[str, Floats],
    shares: Mapping[str, tuple[str, float]] | None = None,
    *,
    level: float = LEVEL,
    seed: int = 0,
    draws: int = DRAWS,
) -> SettingsTable:
    """Every setting's rate, and those that cannot be told from the best.

    Args:
        rates: setting -> (runs, prompts), as many runs for each, on the same prompts.
        shares: setting -> what else it is, and its share of the data, where shares were tried.
        level: at which all intervals of settings hold together, and all differences do.
        seed: of the draws.
        draws: of the joint distribution of all means.

    A setting is out where the simultaneous interval of a difference says that another is better:
    max-T over every pair (Hothorn, Bretz and Westfall 2008), from the means' joint distribution over
    prompts and seeds. With one run each, differences are those of checkpoints, over prompts alone.
    """
    names = list(rates)
    runs, prompts = next(iter(rates.values())).shape
    means = _means(list(rates.values()))
    order = np.argsort(-np.array([float(rates[name].mean()) for name in names]), kind="stable")
    alone, paired = _critical(means, level, seed, draws) if means else (0.0, 0.0)
    rows = [_row(names, rates, means, int(at), int(order[0]), alone, paired) for at in order]
    return SettingsTable(
        settings=tuple(_with_best(rows, names, means, paired)),
        level=level, method=MAX_T, prompts=prompts, runs=runs,
        freedom=means.freedom if means else None,
        seed_deviation=means.seed_deviation if means else None,
        doubling=_doubling(means, [shares[name] for name in names], level) if means and shares else None,
    )  # fmt: skip


def _means(tables: Sequence[Floats]) -> _Means | None:
    """The settings' means with their covariance; None where there is too little for any.

    Prompts: the covariance of the settings' prompt means, and of two imagined prompts. Seeds: the
    variance between runs pooled over settings, or a setting's own where that is larger, so that one
    that is less steady than the others is not taken for steady.
    """
    runs, prompts = tables[0].shape
    pooled_freedom = len(tables) * (runs - 1)
    if prompts < FEWEST_PROMPTS or (runs > 1 and pooled_freedom < FEWEST_RUNS - 1):
        return None
    by_prompt = np.array([table.mean(axis=0) for table in tables])
    covariance = _of_prompts(by_prompt)
    value = by_prompt.mean(axis=1)
    if runs == 1:
        return _Means(value, covariance, prompts - 1.0, None)
    parts = [spread(table) for table in tables]
    between, within = (
        float(np.mean([getattr(p, name) for p in parts])) for name in ("between", "within")
    )
    pooled = max(between - within, 0.0)
    own = np.array([max(pooled, p.of_seeds) for p in parts])
    freedom = min(
        _freedom(_of_pair(covariance, i, j), prompts - 1, 2 * between / runs, pooled_freedom)
        for i, j in (combinations(range(len(tables)), 2) if len(tables) > 1 else [(0, 0)])
    )
    return _Means(value, covariance + np.diag(own) / runs, freedom, sqrt(pooled))


def _of_prompts(by_prompt: Floats) -> Floats:
    """Covariance of means over prompts: (settings, prompts) in, (settings, settings) out.

    Two imagined prompts keep the variance of every difference from vanishing, as in `paired_gap`: in
    each, one setting differs from another by the largest difference seen, at least 1/2.
    """
    settings, prompts = by_prompt.shape
    covariance = np.atleast_2d(np.cov(by_prompt)) * (prompts - 1) / ((prompts + 1) * (prompts + 2))
    reach = max(0.5, float((by_prompt.max(axis=0) - by_prompt.min(axis=0)).max()))
    return np.asarray(covariance + np.eye(settings) * reach**2 / ((prompts + 1) * (prompts + 2)))


def _of_pair(covariance: Floats, first: int, second: int) -> float:
    """Variance of a difference; of the mean itself where both are one."""
    if first == second:
        return float(covariance[first, first])
    whole = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    return float(whole)


def _critical(means: _Means, level: float, seed: int, draws: int) -> tuple[float, float]:
    """How many standard errors hold together: for all settings, and for all pairs of them."""
    rng = generator(seed, "sweep")
    settings = len(means.value)
    drawn = rng.multivariate_normal(np.zeros(settings), means.covariance, size=draws)
    drawn /= np.sqrt(rng.chisquare(means.freedom, size=draws) / means.freedom)[:, None]
    alone = np.abs(drawn / np.sqrt(np.diag(means.covariance))).max(axis=1)
    largest = np.zeros(draws)
    for i, j in combinations(range(settings), 2):
        error = sqrt(_of_pair(means.covariance, i, j))
        np.maximum(largest, np.abs(drawn[:, i] - drawn[:, j]) / error, out=largest)
    return float(np.quantile(alone, level)), float(np.quantile(largest, level))


def _row(
    names: Sequence[str], rates: Mapping[str, Floats], means: _Means | None, at: int, first: int,
    alone: float, paired: float,
) -> SettingRate:  # fmt: skip
    table = rates[names[at]]
    by_run, value = table.mean(axis=1), float(table.mean())
    behind = float(rates[names[first]].mean()) - value
    low = high = behind_low = behind_high = None
    if means is not None:
        reach = alone * sqrt(float(means.covariance[at, at]))
        low, high = max(value - reach, 0.0), min(value + reach, 1.0)
        gap = paired * sqrt(_of_pair(means.covariance, first, at)) if at != first else 0.0
        behind_low, behind_high = max(behind - gap, -1.0), min(behind + gap, 1.0)
    return SettingRate(
        name=names[at], value=value, low=low, high=high, least=float(by_run.min()),
        most=float(by_run.max()), runs=len(by_run), behind=behind, behind_low=behind_low,
        behind_high=behind_high, best=True,
    )  # fmt: skip


def _with_best(
    rows: Sequence[SettingRate], names: Sequence[str], means: _Means | None, paired: float
) -> list[SettingRate]:
    """Rows marked: out is what any other is better than, not only the leading one."""
    if means is None:
        return list(rows)
    out = {
        names[worse]
        for worse in range(len(names)) for better in range(len(names))
        if better != worse and float(means.value[better] - means.value[worse])
        > paired * sqrt(_of_pair(means.covariance, better, worse))
    }  # fmt: skip
    return [row.model_copy(update={"best": row.name not in out}) for row in rows]


def _doubling(means: _Means, shares: Sequence[tuple[str, float]], level: float) -> Doubling | None:
    """The slope over log2(share), within settings that are alike in all else; None for one share."""
    doublings = np.array([log2(share) for _, share in shares])
    for kind in {kind for kind, _ in shares}:
        alike = np.array([other == kind for other, _ in shares])
        doublings[alike] -= doublings[alike].mean()
    square = float(doublings @ doublings)
    if square < 1e-12:
        return None
    low, value, high = _contrast(means, doublings / square, level)
    last = _contrast(means, halves, level) if (halves := _last_half(shares)) is not None else None
    return Doubling(
        value=value, low=low, high=high, level=level, shares=tuple(sorted({s for _, s in shares})),
        last=last[1] if last else None, last_low=last[0] if last else None,
        last_high=last[2] if last else None,
    )  # fmt: skip


def _last_half(shares: Sequence[tuple[str, float]]) -> Floats | None:
    """Weights of "the largest share minus its half", over all settings that have both."""
    largest = max(share for _, share in shares)
    kinds = {
        kind for kind, share in shares
        if share == largest and any(k == kind and abs(s - largest / 2) < 1e-9 for k, s in shares)
    }  # fmt: skip
    if not kinds:
        return None
    largest_ones = np.array([kind in kinds and share == largest for kind, share in shares])
    halves = np.array([kind in kinds and abs(share - largest / 2) < 1e-9 for kind, share in shares])
    return (largest_ones.astype(np.float64) - halves.astype(np.float64)) / len(kinds)


def _contrast(means: _Means, weights: Floats, level: float) -> tuple[float, float, float]:
    """Low end, value and high end of a weighted sum of the settings' means."""
    value = float(weights @ means.value)
    reach = t_quantile((1 + level) / 2, means.freedom) * sqrt(
        float(weights @ means.covariance @ weights)
    )
    return value - reach, value, value + reach
