"""Do categories differ, and what to believe of small ones."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.categories import omnibus, pooled_rates
from brie.records.estimates import Omnibus


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def test_equal_categories_reject_at_their_rate() -> None:
    draw = np.random.default_rng(1)
    category = np.repeat(np.arange(4), 10)
    rejected = 0
    for _ in range(200):
        found = omnibus((draw.random(40) < 0.6).astype(float), category, draw, resamples=199)
        assert isinstance(found, Omnibus)
        rejected += found.p_value <= 0.05
    assert rejected <= 20


def test_a_category_that_differs_is_found() -> None:
    means = np.concatenate([np.full(15, 0.9), np.full(15, 0.2), np.full(15, 0.85)])
    means += np.tile([-0.1, 0, 0.1], 15)
    found = omnibus(means, np.repeat(np.arange(3), 15), rng())
    assert isinstance(found, Omnibus)
    assert found.p_value < 0.001
    assert (found.categories, found.prompts) == (3, 45)


def test_scipy_computes_the_same_f() -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(3)
    means, category = draw.random(50), np.arange(50) % 4
    found = omnibus(means, category, rng())
    expected = stats.f_oneway(*(means[category == c] for c in range(4)))
    assert isinstance(found, Omnibus)
    assert found.f == pytest.approx(float(expected.statistic))
    assert found.p_value == pytest.approx(float(expected.pvalue), abs=0.02)


def test_many_prompts_use_the_f_distribution() -> None:
    draw = np.random.default_rng(4)
    found = omnibus(draw.random(6000), np.arange(6000) % 5, rng())
    assert isinstance(found, Omnibus)
    assert found.method == "f"
    assert 0 < found.p_value < 1


@pytest.mark.parametrize(
    ("means", "category", "reason"),
    [
        (np.array([0.1, 0.9]), np.array([0, 0]), "one category"),
        (np.array([0.1, 0.9]), np.array([0, 1]), "no category has two prompts"),
        (np.full(10, 0.5), np.arange(10) % 2, "same result"),
        (np.zeros(0), np.zeros(0, int), "one category"),
    ],
)
def test_where_there_is_nothing_to_test_the_reason_is_given(
    means: np.ndarray[tuple[int], np.dtype[np.float64]],
    category: np.ndarray[tuple[int], np.dtype[np.int64]],
    reason: str,
) -> None:
    found = omnibus(means, category, rng())
    assert isinstance(found, str)
    assert reason in found


def test_pooling_draws_small_categories_to_the_middle_and_keeps_large_ones() -> None:
    draw = np.random.default_rng(5)
    means = np.concatenate([np.full(2, 1.0), (draw.random(200) < 0.5), (draw.random(200) < 0.8)])
    category = np.concatenate([np.zeros(2, int), np.ones(200, int), np.full(200, 2)])
    found = pooled_rates(means, category, 4)
    assert 0.6 < found[0] < 1.0
    assert found[1] == pytest.approx(means[2:202].mean(), abs=0.03)
    assert np.isnan(found[3])


def test_pooling_of_equal_categories_gives_one_rate() -> None:
    means = np.tile([0.0, 1.0], 20)
    found = pooled_rates(means, np.arange(40) // 10, 4)
    assert found == pytest.approx(np.full(4, 0.5))


def test_one_category_cannot_be_pooled() -> None:
    assert np.isnan(pooled_rates(np.ones(5), np.zeros(5, int), 1)).all()


def pooled_by_hand(groups: list[list[float]]) -> list[float]:
    """Partial pooling from the textbook's analysis of variance (Searle and others 1992, 3.6)."""
    sizes, rates = [len(own) for own in groups], [float(np.mean(own)) for own in groups]
    total, k = sum(sizes), len(groups)
    grand = float(np.mean([x for own in groups for x in own]))
    within = sum((x - r) ** 2 for own, r in zip(groups, rates, strict=True) for x in own) / (total - k)
    between = sum(n * (r - grand) ** 2 for n, r in zip(sizes, rates, strict=True)) / (k - 1)
    usual = (total - sum(n * n for n in sizes) / total) / (k - 1)
    tau2 = max(0.0, (between - within) / usual)
    share = [tau2 / (tau2 + within / n) for n in sizes]
    weight = sum(share)
    centre = sum(w * r for w, r in zip(share, rates, strict=True)) / weight if weight else grand
    return [w * r + (1 - w) * centre for w, r in zip(share, rates, strict=True)]


@pytest.mark.parametrize("seed", range(6))
def test_pooled_rates_are_those_of_the_textbook(seed: int) -> None:
    draw = np.random.default_rng(seed)
    groups = [
        draw.random(int(draw.integers(1, 9))).clip(0.0, 0.3 + 0.2 * n).tolist() for n in range(4)
    ] + [[0.1, 0.3]]
    means = np.array([x for own in groups for x in own])
    category = np.repeat(np.arange(5), [len(own) for own in groups])
    assert pooled_rates(means, category, 5) == pytest.approx(pooled_by_hand(groups))
