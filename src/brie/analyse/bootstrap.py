"""The plus-one cluster bootstrap and the ordinary prompt bootstrap (docs/statistics.md 3.1).

The plus-one bootstrap adds one imagined prompt that is won and one that is lost, then resamples
prompts. It never degenerates, which a plain bootstrap does exactly where a fine-tune wins
everywhere. Two engines: where prompt means lie on a lattice the distribution of the resampled
mean is computed exactly by one FFT; elsewhere it is drawn, as multinomial counts over distinct
values, at a cost that does not depend on the number of prompts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm, sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from brie.analyse.arrays import Floats, Ints, group_sum

PLUS_ONE = "cluster-bootstrap-plus-one"
PROMPT_BOOTSTRAP = "prompt-bootstrap"
PLUS_FOUR = "prompt-bootstrap-plus-four"
LATTICE_LIMIT = 2_000_000
"""Longest transform of the exact engine."""
_LARGEST_DENOMINATOR = 10_000
_DISTINCT_LIMIT = 1024
_SLOTS = 2**16
_UNITS = 1000
_IMAGINED = 0.6
_NOTHING = 1e-40
"""Of no consequence: the rounding of the sums that come out is 20 powers of ten larger."""
_HOEFFDING = 23.0
"""P(|sum - mean| > units sqrt(23 n)) <= 2 exp(-46)."""

Engine = Literal["auto", "exact", "monte-carlo"]


@dataclass(frozen=True)
class Interval:
    """A two-sided interval and how it was made."""

    low: float
    high: float
    level: float
    method: str
    resamples: int | Literal["exact"]


@dataclass(frozen=True)
class Resampled:
    """Distribution of a resampled mean: support points, ascending, with their cumulative probability."""

    support: Floats
    cumulative: Floats | None
    """None: equal weights, `support` holds the sorted draws."""
    mirrored: bool
    """The distribution is that of 1 - mean (see `_oriented`)."""
    method: str

    def quantile(self, q: float) -> float:
        """Inverse CDF: the smallest x with F(x) >= q."""
        if self.mirrored:
            return 1.0 - self._plain(1.0 - q)
        return self._plain(q)

    def interval(self, level: float) -> Interval:
        """The central interval of a level."""
        tail = (1 - level) / 2
        resamples: int | Literal["exact"] = "exact" if self.cumulative is not None else len(self.support)
        low, high = self.quantile(tail), self.quantile(1 - tail)
        return Interval(low, high, level, self.method, resamples)

    def _plain(self, q: float) -> float:
        if self.cumulative is None:
            rank = ceil(q * len(self.support) - 1e-9)
            return float(self.support[min(max(rank, 1), len(self.support)) - 1])
        index = int(np.searchsorted(self.cumulative, q - 1e-12))
        return float(self.support[min(index, len(self.support) - 1)])


def plus_one(
    means: Floats,
    rng: np.random.Generator,
    *,
    resamples: int = 9999,
    engine: Engine = "auto",
) -> Resampled:
    """Distribution of the resampled mean of `means` and of one imagined win and one imagined loss.

    Args:
        means: prompt means in [0, 1], at least one.
        rng: used by the Monte-Carlo engine only.
        engine: "auto" takes the exact one wherever a lattice of feasible size exists.

    Raises:
        ValueError: no prompt means, or "exact" was asked for where there is no such lattice.
    """
    return _resampled_mean(np.concatenate([means, [0.0, 1.0]]), rng, resamples, engine, PLUS_ONE)


def resampled_mean(
    values: Floats, rng: np.random.Generator, *, resamples: int = 9999, engine: Engine = "auto"
) -> Resampled:
    """Distribution of the mean of resampled prompts, nothing added (values in [0, 1])."""
    return _resampled_mean(values, rng, resamples, engine, PROMPT_BOOTSTRAP)


def lattice(values: Floats, units: float) -> tuple[int, Ints] | None:
    """The smallest u <= `units` such that u times every value is a whole number, and those numbers."""
    u = 1
    while u <= units:
        scaled = values * u
        whole = np.rint(scaled)
        off = np.abs(scaled - whole) > 1e-12 * u
        if not off.any():
            return u, whole.astype(np.int64)
        value = float(values[np.argmax(off)])
        fraction = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
        if abs(float(fraction) - value) > 1e-12:
            return None
        u = lcm(u, fraction.denominator)
    return None


@dataclass(frozen=True)
class PromptBootstrap:
    """One set of resamples of an evaluation's prompts, shared by every statistic that needs one.

    Above 1,000 prompts, 1,000 groups of prompts drawn at random are resampled instead: the same
    distribution, its width known to within 2 %, at a bounded cost.
    """

    unit: Ints
    """The resampled unit of each prompt code."""
    weights: npt.NDArray[np.uint16]
    """(resamples, units): how often each unit was drawn."""
    imagined: Floats
    """(resamples, 4): how often each of four imagined prompts joins a resample, for the statistics that
    need them (docs/statistics.md 8.1). .6 of each on average: fewer left kappa too narrow an interval,
    more pulled agreement near 1 away from it."""

    @classmethod
    def draw(cls, prompts: int, rng: np.random.Generator, resamples: int = 9999) -> PromptBootstrap:
        """Resample `prompts` prompts."""
        unit = np.arange(prompts)
        if prompts > _UNITS:
            unit = rng.permutation(unit % _UNITS)
        size = min(prompts, _UNITS)
        weights = np.zeros((resamples, size), np.uint16)
        block = max(1, 200_000 // max(size, 1))
        for start in range(0, resamples if size else 0, block):
            rows = min(block, resamples - start)
            drawn = rng.integers(size, size=(rows, size)) + (np.arange(rows) * size)[:, None]
            counted = np.bincount(drawn.ravel(), minlength=rows * size)
            weights[start : start + rows] = counted.reshape(rows, size)
        imagined = rng.poisson(_IMAGINED, size=(resamples, 4)).astype(np.float64)
        return cls(unit, weights, imagined)

    def sums(self, prompt: Ints, pieces: Floats) -> Floats:
        """Resampled sums of additive pieces: (resamples, columns).

        Args:
            prompt: code of the prompt each row of `pieces` belongs to.
            pieces: (rows, columns).
        """
        unit, size = self.unit[prompt], self.weights.shape[1]
        return self.of_units(np.stack([group_sum(unit, column, size) for column in pieces.T], axis=1))

    def of_units(self, pieces: Floats) -> Floats:
        """Resampled sums of pieces that are already summed by unit: (units, columns)."""
        sums = np.empty((len(self.weights), pieces.shape[1]))
        for start in range(0, len(sums), 1000):
            block = slice(start, start + 1000)
            sums[block] = self.weights[block].astype(np.float64) @ pieces
        return sums


def percentiles(draws: Floats, level: float, *, finite: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval over the finite draws; None where fewer than 19 in 20 are finite.

    Args:
        finite: the share that has to be finite, if it is another.
    """
    kept = np.sort(draws[np.isfinite(draws)])
    if len(kept) < finite * len(draws) or len(kept) == 0:
        return None
    tail = (1 - level) / 2
    low = max(ceil(tail * len(kept) - 1e-9), 1) - 1
    return float(kept[low]), float(kept[len(kept) - 1 - low])


def _resampled_mean(
    values: Floats, rng: np.random.Generator, resamples: int, engine: Engine, method: str
) -> Resampled:
    if len(values) == 0 or (method == PLUS_ONE and len(values) < 3):
        raise ValueError("no prompt means to resample")
    steps = None
    if engine != "monte-carlo":
        steps = lattice(values, _largest_lattice(len(values)))
    if steps is not None:
        return _exact(*steps, method)
    if engine == "exact":
        raise ValueError("the prompt means lie on no lattice small enough for the exact engine")
    return _monte_carlo(values, rng, resamples, method)


def _largest_lattice(n: int) -> float:
    """Steps of the finest lattice whose transform stays within the limit."""
    return max(LATTICE_LIMIT / n, LATTICE_LIMIT / (2 * sqrt(_HOEFFDING * n)))


def _exact(units: int, steps: Ints, method: str) -> Resampled:
    """The n-th convolution power of the histogram of the values.

    Only sums within Hoeffding's bound of their mean are kept: the rest has probability below
    1e-19, and a transform no longer than that window wraps it around unnoticed.
    """
    n, total = len(steps), int(steps.sum())
    reach = ceil(units * sqrt(_HOEFFDING * n))
    sums = np.arange(max(0, total - reach), min(units * n, total + reach) + 1)
    length = 1 << max(len(sums), units + 1).bit_length()
    histogram = np.bincount(steps, minlength=units + 1) / n
    transform = np.fft.rfft(histogram, length)
    # Few are kept; raising the others to their power would take most of the time.
    kept = np.flatnonzero(transform.real**2 + transform.imag**2 >= _NOTHING ** (2 / n))
    powers = np.zeros_like(transform)
    powers[kept] = transform[kept] ** n
    power = np.fft.irfft(powers, length)
    cumulative = np.cumsum(np.clip(power[sums % length], 0.0, None))
    return Resampled(sums / (units * n), cumulative / cumulative[-1], False, method)


def _monte_carlo(values: Floats, rng: np.random.Generator, resamples: int, method: str) -> Resampled:
    _, where, counts = np.unique(np.round(values, 12), return_index=True, return_counts=True)
    distinct, counts, mirrored = _oriented(values[where], counts)
    n = len(values)
    if len(distinct) > 32 and n <= 4 * _DISTINCT_LIMIT:
        draws = _drawn_one_by_one(np.repeat(distinct, counts), rng, resamples)
    else:
        if len(distinct) > _DISTINCT_LIMIT:
            distinct, probability = _onto_lattice(distinct, counts)
        else:
            probability = counts / n
        draws = _drawn_as_counts(distinct, probability, n, rng, resamples)
    return Resampled(np.sort(draws), None, mirrored, method)


def _oriented(distinct: Floats, counts: Ints) -> tuple[Floats, Ints, bool]:
    """Turn the values so that a data set and its mirror image (sides exchanged) draw alike."""
    flipped, back = 1.0 - distinct[::-1], counts[::-1]
    differ = np.flatnonzero((np.abs(distinct - flipped) > 1e-12) | (counts != back))
    if len(differ) == 0:
        return distinct, counts, False
    i = differ[0]
    lower = flipped[i] < distinct[i] if abs(flipped[i] - distinct[i]) > 1e-12 else back[i] < counts[i]
    return (flipped, back, True) if lower else (distinct, counts, False)


def _drawn_one_by_one(values: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Means of `n` values drawn one by one, by looking 16 random bits up in a table of the values.

    65,536 slots are a whole number of times the values and some random values more: every value is
    equally likely, and the slots left over are dealt anew for each block.
    """
    n = len(values)
    whole, over = divmod(_SLOTS, n)
    even = np.tile(values, whole)
    means, block, words = np.empty(resamples), 200, -(-n // 4)
    taken, share = np.empty((block, n)), np.full(n, 1 / n)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        slots = np.concatenate([even, rng.permutation(values)[:over]])
        bits = rng.integers(0, 2**64, size=(rows, words), dtype=np.uint64).view(np.uint16)
        np.take(slots, bits[:, :n], out=taken[:rows], mode="clip")
        means[start : start + rows] = taken[:rows] @ share
    return means


def _drawn_as_counts(
    distinct: Floats, probability: Floats, n: int, rng: np.random.Generator, resamples: int
) -> Floats:
    block = max(1, 4_000_000 // len(distinct))
    sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
    return np.concatenate([rng.multinomial(n, probability, size=rows) @ distinct / n for rows in sizes])


def _onto_lattice(distinct: Floats, counts: Ints) -> tuple[Floats, Floats]:
    """Split each value between its two neighbours on a lattice, keeping the mean.

    With 512 steps this adds at most 1e-6 to the variance of a prompt mean.
    """
    steps = _DISTINCT_LIMIT // 2
    below = np.minimum(np.floor(distinct * steps), steps - 1).astype(np.int64)
    share = distinct * steps - below
    weight = np.bincount(below, counts * (1 - share), steps + 1)
    weight += np.bincount(below + 1, counts * share, steps + 1)
    weight = np.clip(weight, 0.0, None)
    return np.arange(steps + 1) / steps, weight / weight.sum()
