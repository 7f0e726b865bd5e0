"""The drift check: limits from measured noise, false alarms, power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.drift import Setting, measured
from brie.analyse.drift import (
    ALARM,
    FLIPPED_CHANGE,
    STEADY_CHANGE,
    Anchors,
    Noise,
    a_year,
    chances,
    limits_of,
    power,
)

SIXTY = Anchors(30)


def test_independent_changes_are_binomial() -> None:
    assert chances(SIXTY, 0.03, 0.0) == pytest.approx(
        stats.binom.pmf(np.arange(61), 60, 0.03), abs=1e-12
    )
    assert chances(Anchors(0, 7), 0.2, 1.0) == pytest.approx(stats.binom.pmf(np.arange(8), 7, 0.2))


def test_changes_that_always_come_in_pairs_are_twice_a_binomial() -> None:
    given = chances(SIXTY, 0.1, 1.0)
    assert given[::2] == pytest.approx(stats.binom.pmf(np.arange(31), 30, 0.1))
    assert given[1::2] == pytest.approx(np.zeros(30))


@given(st.integers(0, 20), st.integers(0, 20), st.floats(0, 1), st.floats(0, 1))
def test_chances_are_chances_and_their_mean_is_the_rate(
    pairs: int, singles: int, rate: float, together: float
) -> None:
    anchors = Anchors(pairs, singles)
    given = chances(anchors, rate, together)
    assert given.min() > -1e-9
    assert given.sum() == pytest.approx(1)
    assert given @ np.arange(anchors.count + 1) == pytest.approx(rate * anchors.count)


def test_limits_of_one_outcome_a_comparison_are_those_of_comparisons() -> None:
    noise = Noise(asked=300, changed=0, joint=True)
    limits = limits_of(noise, SIXTY)
    assert limits.alarm % 2 == 0
    assert stats.binom.sf(limits.alarm // 2, 30, noise.upper) <= ALARM
    assert stats.binom.sf(limits.alarm // 2 - 1, 30, noise.upper) > ALARM
    apart = limits_of(Noise(asked=300, changed=0), SIXTY)
    assert apart.alarm < limits.alarm


def test_the_limit_is_made_for_the_noise_as_high_as_it_may_be() -> None:
    noise = Noise(asked=300, changed=9)
    assert noise.upper == pytest.approx(stats.beta.ppf(0.9, 10, 291))
    limits = limits_of(noise, SIXTY)
    assert stats.binom.sf(limits.alarm, 60, noise.upper) <= ALARM
    assert stats.binom.sf(limits.alarm - 1, 60, noise.upper) > ALARM
    assert (limits.alarm, limits.confirm) == (7, 6)
    assert limits.expected == pytest.approx(1.8)


def test_noise_that_comes_in_pairs_raises_the_limit() -> None:
    alone, paired = Noise(300, 10, both=0), Noise(300, 10, both=5)
    assert limits_of(paired, SIXTY).alarm > limits_of(alone, SIXTY).alarm


def test_repeats_that_all_changed_or_never_did_have_a_limit() -> None:
    assert limits_of(Noise(300, 0), SIXTY).alarm == 3
    assert limits_of(Noise(10, 10, both=5), Anchors(1)).alarm == 2


def test_half_flipped_anchors_find_another_prompt_and_steady_ones_alone_do_not() -> None:
    limits = limits_of(Noise(300, 9), SIXTY)
    halves = [(Anchors(15), STEADY_CHANGE), (Anchors(15), FLIPPED_CHANGE)]
    assert power(halves, limits)[0] > 0.95
    assert power([(SIXTY, STEADY_CHANGE)], limits)[0] < 0.15
    once, confirmed = power([(SIXTY, 0.23)], limits)
    assert once == pytest.approx(stats.binom.sf(7, 60, 0.23))
    assert confirmed == pytest.approx(once * stats.binom.sf(6, 60, 0.23))


def test_looks_add_up_over_a_year() -> None:
    assert a_year(0.007, 7) == pytest.approx(0.307, abs=0.001)
    assert a_year(0.0, 1) == 0.0


@pytest.mark.parametrize(("noise", "found"), [(0.02, 0.95), (0.03, 0.95), (0.06, 0.75)])
def test_false_alarms_are_rare_and_changes_found_with_measured_noise(noise: float, found: float) -> None:
    rng = np.random.default_rng(7)
    for together in (0.0, 0.5, 1.0):
        row = measured(Setting(30, noise, together), 4000, rng)
        assert float(row["false_once"]) <= 0.015
        assert float(row["false_confirmed"]) <= 0.003
        if together == 0.0:
            assert float(row["power_once"]) >= found
