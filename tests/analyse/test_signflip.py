"""The sign-flip test: the exact binomial where that applies, brute force and SciPy elsewhere."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.analyse.arrays import Floats, Ints
from brie.analyse.signflip import FLOOR, fair_tosses, sign_flip
from tests.analyse.tables import REFERENCE


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def brute_force(deviations: Floats) -> float:
    size, observed = np.abs(deviations), abs(deviations.sum())
    sums = [abs(np.dot(signs, size)) for signs in product((-1, 1), repeat=len(size))]
    return float(np.mean(np.array(sums) >= observed - 1e-12))


@pytest.mark.parametrize("name", ["10/13", "6/15", "28/57", "41/57", "52/57", "13/13", "0/13", "1/1"])
def test_one_verdict_a_prompt_gives_the_exact_binomial_test(name: str) -> None:
    wins, prompts = (int(part) for part in name.split("/"))
    deviations = np.array([0.5] * wins + [-0.5] * (prompts - wins))
    found = sign_flip(deviations, rng())
    assert found.resamples == "exact"
    assert found.p_value == pytest.approx(REFERENCE["proportions"][name]["p_exact"], rel=1e-9)


def test_the_clusters_of_the_reference() -> None:
    means = np.array(REFERENCE["cluster"]["prompt_means"])
    assert sign_flip(means - 0.5, rng()).p_value == pytest.approx(0.25, abs=1e-12)


def test_five_prompts_can_never_reach_five_percent() -> None:
    assert sign_flip(np.full(5, 0.5), rng()).p_value == 0.0625


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=11))
@settings(deadline=None, max_examples=80)
def test_convolution_agrees_with_brute_force(steps: list[int]) -> None:
    deviations = np.array(steps) / 12
    assert sign_flip(deviations, rng()).p_value == pytest.approx(brute_force(deviations), abs=1e-10)


def every_factor(size: Ints, observed: int) -> float:
    """P(|sum of flipped sizes| >= observed): all cosines multiplied out at all frequencies."""
    histogram = np.bincount(size)
    length = 1 << (2 * int(size.sum()) + 1).bit_length()
    angle = 2 * np.pi * np.arange(length // 2 + 1) / length
    transform = np.ones(len(angle))
    for step in np.flatnonzero(histogram):
        transform *= np.cos(angle * step) ** histogram[step]
    return 2 * float(np.fft.irfft(transform, length)[observed : int(size.sum()) + 1].sum())


@pytest.mark.parametrize("prompts", [20, 300, 2000])
@pytest.mark.parametrize("unit", [7, 97, 360])
def test_factors_that_are_left_out_are_of_no_consequence(prompts: int, unit: int) -> None:
    """Sizes on a coarse lattice and a few off it: the transform has peaks far from its beginning."""
    drawn = np.random.default_rng(prompts + unit)
    size = np.concatenate([drawn.integers(1, 4, prompts) * (unit // 3), drawn.integers(1, unit, 3)])
    signed = size * np.where(drawn.random(len(size)) < 0.55, 1, -1)
    value = sign_flip(signed / unit, rng()).p_value
    assert value == pytest.approx(every_factor(size, abs(int(signed.sum()))), rel=1e-9, abs=1e-13)


def test_tosses_from_a_table_are_those_of_the_generator() -> None:
    for count in [*range(1, 50), 400]:
        looked_up, drawn = np.random.default_rng(count), np.random.default_rng(count)
        assert (fair_tosses(count, looked_up, 3000) == drawn.binomial(count, 0.5, 3000)).all()
        assert looked_up.random() == drawn.random()


def test_soft_deviations_of_few_prompts_are_enumerated() -> None:
    deviations = np.random.default_rng(1).normal(0.1, 0.3, 12).clip(-0.5, 0.5)
    found = sign_flip(deviations, rng())
    assert found.resamples == "exact"
    assert found.p_value == pytest.approx(brute_force(deviations), abs=1e-12)


@pytest.mark.parametrize("prompts", [40, 100, 1000, 2500])
def test_soft_deviations_of_many_prompts_are_drawn(prompts: int) -> None:
    """One random bit a prompt, or binomial counts over pooled sizes: both close to the normal tail."""
    deviations = np.random.default_rng(2).normal(0.6 / prompts**0.5, 0.3, prompts).clip(-0.5, 0.5)
    found = sign_flip(deviations, rng())
    z = abs(deviations.sum()) / np.sqrt((deviations**2).sum())
    tail = 2 * (1 - 0.5 * (1 + float(np.vectorize(__import__("math").erf)(z / 2**0.5))))
    assert found.resamples == 20_000
    assert found.p_value == pytest.approx(tail, abs=0.02)


def test_all_ties_say_nothing() -> None:
    assert sign_flip(np.zeros(30), rng()).p_value == 1.0


def test_an_overwhelming_result_has_a_positive_p() -> None:
    assert sign_flip(np.full(5000, 0.5), rng()).p_value == FLOOR
    mixed = np.tile([0.5, 0.25], 5000)
    assert sign_flip(mixed, rng()).p_value == FLOOR


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_exchanging_the_sides_changes_nothing(steps: list[int]) -> None:
    deviations = np.array(steps) / 12
    p = sign_flip(deviations, rng()).p_value
    assert 0 < p <= 1
    assert p == pytest.approx(sign_flip(-deviations[::-1], rng()).p_value, abs=1e-12)


def test_scipy_agrees() -> None:
    stats = pytest.importorskip("scipy.stats")
    deviations = np.array([0.5, 0.25, -0.25, 0.5, 0.0, 0.5, -0.5, 0.25, 0.5])
    found = stats.permutation_test(
        (deviations,), lambda x, axis: x.mean(axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=np.inf, alternative="two-sided",
    )  # fmt: skip
    assert sign_flip(deviations, rng()).p_value == pytest.approx(float(found.pvalue), abs=1e-12)
