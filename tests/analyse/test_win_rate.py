"""Win rates: effective n, small samples, new sources, soft scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.analyse.arrays import Floats
from brie.analyse.win_rate import (
    Settings,
    effective_n,
    needed_at,
    soft_interval,
    source_interval,
    win_rate,
)
from brie.records.analysis import WinRate

SETTINGS = Settings()


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def rate(means: Floats, verdicts: int = 1, *, soft: bool = False) -> WinRate:
    found = win_rate(means, np.full(len(means), verdicts), rng(), SETTINGS, soft=soft)
    assert found is not None
    return found


def test_ten_of_thirteen_is_no_proof() -> None:
    found = rate(np.array([1.0] * 10 + [0.0] * 3))
    assert found.value == pytest.approx(10 / 13)
    assert found.low == pytest.approx(0.466667, abs=1e-6)
    assert found.high == pytest.approx(0.933333, abs=1e-6)
    assert found.p_value == pytest.approx(0.092285, abs=1e-6)
    assert found.method == "cluster-bootstrap-plus-one"
    assert found.interval_90 is not None
    assert found.interval_90[0] == pytest.approx(0.533333, abs=1e-6)


def test_below_eight_prompts_the_betting_interval_takes_the_place_of_the_bootstrap() -> None:
    found = rate(np.array([1, 1, 0.5, 1, 0, 1]))
    assert found.low is None
    assert found.high is None
    assert found.method == "betting"
    assert found.betting_interval is not None
    assert found.betting_interval[0] < found.value < found.betting_interval[1]


def test_no_prompts_have_no_rate() -> None:
    assert win_rate(np.zeros(0), np.zeros(0, int), rng(), SETTINGS) is None


def test_effective_n_lies_between_prompts_and_verdicts() -> None:
    assert effective_n(np.ones(13), 39) == 13
    assert effective_n(np.array([0.5]), 3) == 1
    assert effective_n(np.array([0.0, 1.0] * 10), 60) == 20
    assert effective_n(np.array([0.5, 0.6] * 10), 60) == 60
    three_samples = np.array([0, 1 / 3, 2 / 3, 1] * 5)
    variance = three_samples.var(ddof=1)
    assert effective_n(three_samples, 60) == pytest.approx(0.25 * 20 / variance)


def test_soft_scores_get_a_second_line_where_it_holds() -> None:
    means = np.array([0.55, 0.6, 0.52, 0.58, 0.61, 0.5, 0.57, 0.59, 0.62, 0.54])
    found = rate(means, soft=True)
    low, high = soft_interval(means, 0.95) or (0, 0)
    assert found.soft_interval == (low, high)
    half = 2.262157 * means.std(ddof=1) / 10**0.5
    assert (low, high) == pytest.approx((means.mean() - half, means.mean() + half), abs=1e-6)
    assert found.low is not None
    assert found.high is not None
    assert high - low < (found.high - found.low) / 3
    assert soft_interval(np.append(means, 0.1), 0.95) is None


def test_new_sources_have_a_wider_interval_where_sources_differ() -> None:
    draw = np.random.default_rng(4)
    sources = np.repeat(np.arange(10), 12)
    chance = np.tile([0.35, 0.95], 5)[sources]
    means = (draw.random(120) < chance).astype(float)
    prompt = rate(means)
    found = source_interval(means, sources, rng(), SETTINGS)
    assert found is not None
    assert found.interval is not None
    assert found.sources == 10
    assert prompt.low is not None
    assert prompt.high is not None
    assert found.interval.high - found.interval.low > 1.3 * (prompt.high - prompt.low)


def test_the_interval_for_new_sources_covers_the_mean_of_sources() -> None:
    """Source effects of sd 1 on the logit scale, 12 sources of 8 prompts (docs/statistics.md 1.7)."""
    draw = np.random.default_rng(9)
    truth = (1 / (1 + np.exp(-draw.normal(0.5, 1, 200_000)))).mean()
    covered = naive = 0
    for _ in range(200):
        chance = 1 / (1 + np.exp(-draw.normal(0.5, 1, 12)))
        sources = np.repeat(np.arange(12), 8)
        means = (draw.random(96) < chance[sources]).astype(float)
        found = source_interval(means, sources, rng(), SETTINGS)
        prompt = rate(means)
        assert found is not None
        assert found.interval is not None
        assert prompt.low is not None
        assert prompt.high is not None
        covered += found.interval.low <= truth <= found.interval.high
        naive += prompt.low <= truth <= prompt.high
    assert covered >= 186
    assert naive < covered


def test_one_source_says_nothing_of_others() -> None:
    assert source_interval(np.ones(10), np.zeros(10, int), rng(), SETTINGS) is None


def test_prompts_needed_at_the_observed_rate() -> None:
    assert needed_at(np.array([0.5] * 10)) is None
    assert needed_at(np.array([1.0] * 77 + [0.0] * 23)) == 29
    assert needed_at(np.ones(20)) == 8


@given(st.lists(st.integers(0, 4), min_size=1, max_size=25))
@settings(deadline=None, max_examples=50)
def test_exchanging_the_sides_turns_p_into_one_minus_p(steps: list[int]) -> None:
    means = np.array(steps) / 4
    one, other = rate(means), rate(1 - means)
    assert one.value == pytest.approx(1 - other.value, abs=1e-12)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-12)
    if one.low is not None and other.high is not None:
        assert one.low == pytest.approx(1 - other.high, abs=1e-12)
