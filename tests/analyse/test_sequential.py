"""E-process, its interval by inversion, and the betting interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hedged import hedged_sequence
from brie.analyse.arrays import Floats
from brie.analyse.sequential import betting_interval, sequence, wealth
from tests.analyse.tables import REFERENCE

X = np.array(REFERENCE["e_process"]["x"])


def test_the_wealth_of_the_reference() -> None:
    path = wealth(X)
    assert path == pytest.approx(REFERENCE["e_process"]["wealth"], abs=1e-9)
    assert round(float(path[9]), 6) == 1.422384
    assert round(float(path[19]), 6) == 50.673477


def test_the_reference_stops_at_its_nineteenth_prompt() -> None:
    found = sequence(X)
    assert found.stopped_at == 19
    assert found.decided
    assert found.low > 0.5
    assert not sequence(X[:18]).decided


def test_the_hedged_sequence_of_the_bench_matches_confseq() -> None:
    low, high = hedged_sequence(X)
    assert (round(low[9], 3), round(high[9], 3)) == (0.376, 1.0)
    assert (round(low[19], 3), round(high[19], 3)) == (0.545, 0.985)


def brute_force(means: Floats, alpha: float) -> tuple[float, float]:
    """Every mean on a grid against which the wealth never reached 1/alpha."""
    kept = [m for m in np.arange(1, 1000) / 1000 if wealth(means, m).max() < 1 / alpha]
    return min(kept), max(kept)


@pytest.mark.parametrize("seed", range(4))
def test_bisection_finds_the_ends_a_grid_finds(seed: int) -> None:
    means = np.random.default_rng(seed).choice([0, 0.5, 1], size=40, p=[0.2, 0.2, 0.6])
    found = sequence(means)
    low, high = brute_force(means, 0.05)
    assert found.low == pytest.approx(low, abs=1.1e-3)
    assert found.high == pytest.approx(high, abs=1.1e-3)


@given(st.lists(st.sampled_from([0, 1 / 3, 0.5, 2 / 3, 1]), min_size=1, max_size=80))
@settings(deadline=None, max_examples=80)
def test_the_interval_excludes_one_half_exactly_when_decided(steps: list[float]) -> None:
    found = sequence(np.array(steps))
    assert found.decided == (found.low > 0.5 or found.high < 0.5)
    assert 0 <= found.low <= found.high <= 1
    assert found.p_value == pytest.approx(min(1, 1 / found.wealth))


@given(st.lists(st.sampled_from([0, 0.25, 0.5, 1]), min_size=1, max_size=40))
@settings(deadline=None, max_examples=40)
def test_exchanging_the_sides_mirrors_sequence_and_betting_interval(steps: list[float]) -> None:
    means = np.array(steps)
    one, other = sequence(means), sequence(1 - means)
    assert one.stopped_at == other.stopped_at
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)
    (low, high), (other_low, other_high) = betting_interval(means), betting_interval(1 - means)
    assert (low, high) == pytest.approx((1 - other_high, 1 - other_low), abs=1e-9)


def test_the_betting_interval_does_not_depend_on_order_and_holds_the_mean() -> None:
    means = np.array([1, 1, 0, 0.5, 1, 1])
    low, high = betting_interval(means)
    assert betting_interval(means[::-1]) == (low, high)
    assert 0 < low < means.mean() < high <= 1


def test_the_betting_interval_covers_in_small_samples() -> None:
    rng = np.random.default_rng(5)
    for p in (0.5, 0.8, 0.95):
        runs = (rng.random((300, 6)) < p).astype(float)
        covered = [low <= p <= high for low, high in map(betting_interval, runs)]
        assert np.mean(covered) >= 0.95


def test_continuous_peeking_keeps_the_error_rate() -> None:
    """The full count is `bench/type_one_error.py`: 10,000 runs."""
    rng = np.random.default_rng(8)
    runs = (rng.random((1500, 150)) < 0.5).astype(float)
    assert np.mean([wealth(run).max() >= 20 for run in runs]) <= 0.05


def test_no_prompts_are_an_error() -> None:
    with pytest.raises(ValueError, match="no prompts"):
        sequence(np.zeros(0))
