"""Sign-flip randomisation test of "the sides are exchangeable" (docs/statistics.md 3.2).

Under exchangeability each prompt's deviation from one half is as likely to have either sign.
For one verdict a prompt without ties it is the exact binomial test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, comb, sqrt
from typing import Literal

import numpy as np

from brie.analyse.arrays import Floats, Ints, binomial_two_sided
from brie.analyse.bootstrap import lattice

_WORK_LIMIT = 60_000_000
_DEVIATIONS = 9.6
_LARGEST_LATTICE = 100_000
_ENUMERATED = 16
_DISTINCT_LIMIT = 1024
_NOTHING = 1e-40
"""Of no consequence: the rounding of the sums that come out is 20 powers of ten larger."""
_TABULATED = 47
_CELLS = 1 << 12
_BLOCK = 1 << 14
"""Frequencies that are looked at together."""
FLOOR = 1e-15
"""Smallest p reported: below it the exact engine's rounding is larger than the probability."""


@dataclass(frozen=True)
class SignFlip:
    """Two-sided p-value, and how many sign patterns it is based on."""

    p_value: float
    resamples: int | Literal["exact"]

    @property
    def at_most(self) -> bool:
        """The p is the least that this way of computing it can give: the true one may be smaller."""
        least = FLOOR if self.resamples == "exact" else 1 / (self.resamples + 1)
        return self.p_value <= least * (1 + 1e-9)


def sign_flip(deviations: Floats, rng: np.random.Generator, *, resamples: int = 20_000) -> SignFlip:
    """Two-sided p for "deviations are symmetric about zero", on the absolute mean.

    Args:
        deviations: one a prompt in [-1, 1]: prompt mean minus one half, or a paired difference.
        resamples: sign patterns drawn where neither exact way is feasible.

    Exact by convolution where the deviations lie on a lattice, by enumeration up to 16 prompts;
    else (b + 1) / (resamples + 1).
    """
    size = np.abs(deviations[deviations != 0])
    if len(size) == 0:
        return SignFlip(1.0, "exact")
    fitted = lattice(size, _LARGEST_LATTICE)
    if fitted is not None:
        histogram = np.bincount(fitted[1])
        steps = np.flatnonzero(histogram)
        counts = histogram[steps]
        signed = np.rint(deviations * fitted[0]).astype(np.int64)
        if len(steps) == 1:
            return SignFlip(max(binomial_two_sided(int((signed > 0).sum()), len(size)), FLOOR), "exact")
        if len(steps) * _DEVIATIONS * int(steps[-1]) * sqrt(len(size)) <= _WORK_LIMIT:
            return SignFlip(_by_convolution(steps, counts, abs(int(signed.sum()))), "exact")
    observed = abs(float(deviations.sum()))
    if len(size) <= _ENUMERATED:
        return SignFlip(_by_enumeration(size, observed), "exact")
    return SignFlip(_by_drawing(size, observed, rng, resamples), resamples)


def _by_convolution(steps: Ints, counts: Ints, observed: int) -> float:
    """Invert the characteristic function of the flipped sum, a product of cosines.

    By Hoeffding's bound sums beyond 9.6 standard deviations have probability below 1e-19: they
    need no room in the transform, and an observed sum out there has p below the floor.
    """
    smallest = max(2.0 ** -min(int(counts.sum()) - 1, 1000), FLOOR)
    reach = ceil(_DEVIATIONS * sqrt(float((counts * steps.astype(np.float64) ** 2).sum())))
    reach = min(reach, int(steps @ counts))
    if observed > reach:
        return smallest
    length = 1 << (2 * reach + 1).bit_length()
    transform = _transform(steps, counts, length)
    probability = np.fft.irfft(transform, length)  # entry i: P(sum = i), negative sums wrap around
    # The smaller of the two tails is summed, to lose no digits to the larger.
    outside = 2 * float(probability[max(observed, 1) : reach + 1].sum())
    if observed == 0:
        return 1.0
    inside = float(probability[0]) + 2 * float(probability[1:observed].sum())
    p_value = max(outside if outside < 0.5 else 1 - inside, smallest)
    return 1.0 if p_value > 1 - 1e-12 else p_value


def _transform(steps: Ints, counts: Ints, length: int) -> Floats:
    """The product of cosines at the first half of the frequencies; 0 where it is below `_NOTHING`.

    It is that small nearly everywhere, and a few factors of it show so: the heaviest ones, at the
    frequencies that they have left over. What is left is multiplied out in the order of the steps.
    """
    transform = np.zeros(length // 2 + 1)
    heaviest = np.argsort(-counts, kind="stable")[: len(steps) // 2]
    for start in range(0, len(transform), _BLOCK):
        place = np.arange(start, min(start + _BLOCK, len(transform)))
        angle, bound = 2 * np.pi * place / length, np.ones(len(place))
        for at in heaviest:
            bound *= np.abs(_factor(angle, steps[at], counts[at]))
            kept = bound >= _NOTHING
            place, angle, bound = place[kept], angle[kept], bound[kept]
            if len(place) < _BLOCK // 64:
                break
        product = np.ones(len(place))
        for step, count in zip(steps, counts, strict=True):
            product *= _factor(angle, step, count)
        transform[place] = product
    return transform


def _factor(angle: Floats, step: np.int64, count: np.int64) -> Floats:
    cosine = np.cos(angle * step)
    return np.asarray(cosine if count == 1 else cosine**count)


def _by_enumeration(size: Floats, observed: float) -> float:
    sums = np.zeros(1)
    for value in size:
        sums = np.concatenate([sums + value, sums - value])
    return float(np.mean(np.abs(sums) >= observed - 1e-12))


def _by_drawing(size: Floats, observed: float, rng: np.random.Generator, resamples: int) -> float:
    sums = (_one_by_one if len(size) <= _DISTINCT_LIMIT else _by_value)(size, rng, resamples)
    beyond = int((np.abs(sums) >= observed - 1e-12).sum())
    return (beyond + 1) / (resamples + 1)


def _one_by_one(size: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Flipped sums from one random bit a prompt."""
    ordered = np.sort(size)
    width = -(-len(ordered) // 8)
    drawn = np.frombuffer(rng.bytes(resamples * width), np.uint8).reshape(resamples, width)
    by_eight = np.pad(ordered, (0, 8 * width - len(ordered))).reshape(width, 8)
    of_byte = by_eight @ np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).T
    kept = np.zeros(resamples)
    for sums, bits in zip(of_byte, np.ascontiguousarray(drawn.T), strict=True):
        kept += sums[bits]
    return np.asarray(2 * kept - ordered.sum())


def _by_value(size: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Flipped sums from binomial counts of each distinct size.

    Near-equal sizes are pooled first: still an exact test, of data rounded alike on both sides.
    """
    values, counts = np.unique(np.round(size, 12), return_counts=True)
    if len(values) > _DISTINCT_LIMIT:
        cell = np.rint(values * _DISTINCT_LIMIT).astype(np.int64)
        totals, number = np.bincount(cell, values * counts), np.bincount(cell, counts)
        values, counts = totals[number > 0] / number[number > 0], number[number > 0].astype(np.int64)
    sums = np.zeros(resamples)
    for value, count in zip(values, counts, strict=True):
        sums += value * (2 * fair_tosses(int(count), rng, resamples) - count)
    return sums


def fair_tosses(count: int, rng: np.random.Generator, size: int) -> Ints:
    """What `rng.binomial(count, 0.5, size)` draws, several times as fast where `count` is small.

    NumPy draws small counts by inversion: one uniform number each, held against the cumulative
    probabilities one after the other. Up to 47 tosses all of its steps are exact in double precision, so
    that a table of the answers gives the same numbers and leaves the generator in the same state.
    """
    if count > _TABULATED:
        return rng.binomial(count, 0.5, size=size)
    cumulative, low, high = _tosses(count)
    drawn = rng.random(size)
    cell = (drawn * _CELLS).astype(np.intp)
    heads = low[cell]
    unclear = np.flatnonzero(heads != high[cell])
    heads[unclear] = np.searchsorted(cumulative, drawn[unclear])
    return heads


@lru_cache(_TABULATED)
def _tosses(count: int) -> tuple[Floats, Ints, Ints]:
    """Cumulative probabilities of heads; the fewest and most heads in each cell of the unit interval."""
    ways = np.cumsum([comb(count, heads) for heads in range(count)])
    cumulative = ways / 2.0**count
    at_edges = np.searchsorted(cumulative, np.arange(_CELLS + 1) / _CELLS).astype(np.int64)
    return cumulative, at_edges[:-1], at_edges[1:]
