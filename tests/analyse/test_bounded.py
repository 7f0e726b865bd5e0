"""One-sided bounds of a bounded mean, against the binomial, simulated weights and their own mirror."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from brie.analyse.bounded import lower_bound, one_sided, p_value


@pytest.mark.parametrize(
    ("prompts", "won"), [(8, 8), (8, 1), (13, 10), (57, 41), (200, 110), (1000, 480)]
)
def test_one_verdict_a_prompt_gives_the_exact_binomial_bound(prompts: int, won: int) -> None:
    means = np.array([1.0] * won + [0.0] * (prompts - won))
    assert lower_bound(means) == pytest.approx(stats.beta.ppf(0.05, won, prompts + 1 - won), abs=1e-8)
    assert p_value(means, 0.45) == pytest.approx(stats.binom.sf(won - 1, prompts, 0.45), abs=1e-9)


@pytest.mark.parametrize("prompts", [8, 15, 40])
def test_fractional_scores_give_the_quantile_of_random_weights(prompts: int) -> None:
    rng = np.random.default_rng(prompts)
    means = rng.integers(0, 7, prompts) / 6
    weights = rng.exponential(size=(200_000, prompts + 1))
    drawn = weights[:, :prompts] @ means / weights.sum(axis=1)
    assert p_value(means, 0.45) == pytest.approx(float((drawn <= 0.45).mean()), abs=0.005)
    assert lower_bound(means) == pytest.approx(float(np.quantile(drawn, 0.05)), abs=0.003)


@given(st.lists(st.integers(0, 6), min_size=8, max_size=30))
@settings(deadline=None, max_examples=40)
def test_bounds_hold_the_mean_and_mirror(steps: list[int]) -> None:
    means = np.array(steps) / 6
    low, high = one_sided(means) or (np.nan, np.nan)
    assert 0 <= low <= means.mean() <= high <= 1
    assert one_sided(1 - means) == pytest.approx((1 - high, 1 - low), abs=1e-8)


def test_nothing_won_and_few_prompts() -> None:
    assert lower_bound(np.zeros(20)) == 0
    assert one_sided(np.ones(7)) is None


def test_many_different_scores_are_rounded_away_from_the_claim() -> None:
    means = np.random.default_rng(0).random(3000)
    exact = means.mean() - 1.6449 * means.std() / len(means) ** 0.5
    assert exact - 0.004 < lower_bound(means) < exact
