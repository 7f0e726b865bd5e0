"""The plus-one cluster bootstrap: docs/statistics.md 12.2, two engines, honest properties."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.analyse.arrays import Floats
from brie.analyse.bootstrap import (
    Engine,
    PromptBootstrap,
    Resampled,
    lattice,
    percentiles,
    plus_one,
    resampled_mean,
)


def counts(*pairs: tuple[float, int]) -> Floats:
    return np.concatenate([np.full(count, value) for value, count in pairs])


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize(
    ("means", "low", "high"),
    [
        (counts((1, 10), (0, 3)), 0.466667, 0.933333),
        (counts((1, 12), (0, 1)), 0.666667, 1.0),
        (counts((1, 13)), 0.8, 1.0),
        (counts((0, 13)), 0.0, 0.2),
        (counts((1, 28), (0, 29)), 0.372881, 0.627119),
        (counts((1, 41), (0, 16)), 0.593220, 0.830508),
        (counts((1, 52), (0, 5)), 0.813559, 0.966102),
        (counts((1, 6), (0.5, 2), (0, 7)), 0.264706, 0.705882),
        (counts((1, 50), (0.5, 4), (0, 3)), 0.822034, 0.957627),
        (np.array([5 / 6, 1 / 2, 1, 1 / 6, 1, 2 / 3]), 0.375, 0.875),
        (np.array([1, 1, 1, 2 / 3, 2 / 3, 1, 1 / 3, 0, 1, 2 / 3]), 0.472222, 0.888889),
    ],
)
def test_the_exact_engine_reproduces_the_reference(means: Floats, low: float, high: float) -> None:
    interval = plus_one(means, rng()).interval(0.95)
    assert interval.resamples == "exact"
    assert (round(interval.low, 6), round(interval.high, 6)) == (low, high)


@pytest.mark.parametrize(
    ("means", "low", "high"),
    [(counts((1, 10), (0, 3)), 0.533333, 0.933333), (counts((1, 28), (0, 29)), 0.389831, 0.593220)],
)
def test_the_ninety_percent_level_too(means: Floats, low: float, high: float) -> None:
    interval = plus_one(means, rng()).interval(0.90)
    assert (round(interval.low, 6), round(interval.high, 6)) == (low, high)


def test_monte_carlo_ends_lie_between_neighbouring_exact_quantiles() -> None:
    """At q +- 4 sqrt(q(1-q)/B), on 200 random inputs."""
    draw = np.random.default_rng(20261121)
    band = 4 * np.sqrt(0.025 * 0.975 / 9999)
    for _ in range(200):
        units = int(draw.integers(1, 13))
        means = draw.integers(0, units + 1, int(draw.integers(8, 120))) / units
        exact = plus_one(means, draw, engine="exact")
        drawn = plus_one(means, draw, engine="monte-carlo").interval(0.95)
        assert exact.quantile(0.025 - band) - 1e-9 <= drawn.low <= exact.quantile(0.025 + band) + 1e-9
        assert exact.quantile(0.975 - band) - 1e-9 <= drawn.high <= exact.quantile(0.975 + band) + 1e-9


@pytest.mark.parametrize("prompts", [40, 805, 3000, 6000])
def test_soft_means_are_drawn_and_have_the_right_spread(prompts: int) -> None:
    """805 values go one by one, 3,000 too, 6,000 through the fine lattice."""
    means = np.random.default_rng(1).random(prompts)
    found = plus_one(means, rng())
    full = np.concatenate([means, [0, 1]])
    assert found.interval(0.95).resamples == 9999
    middle = 1 - found.support.mean() if found.mirrored else found.support.mean()
    assert middle == pytest.approx(full.mean(), abs=4 * full.std() / prompts**0.5 / 100)
    assert found.support.std() == pytest.approx(full.std() / len(full) ** 0.5, rel=0.04)


def test_the_exact_engine_refuses_what_lies_on_no_lattice() -> None:
    with pytest.raises(ValueError, match="no lattice"):
        plus_one(np.random.default_rng(0).random(20), rng(), engine="exact")


def test_nothing_to_resample_is_an_error() -> None:
    with pytest.raises(ValueError, match="no prompt means"):
        plus_one(np.zeros(0), rng())


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.sampled_from(["exact", "monte-carlo"]))
@settings(deadline=None, max_examples=60)
def test_exchanging_the_sides_mirrors_the_interval(steps: list[int], engine: Engine) -> None:
    means = np.array(steps) / 12
    one = plus_one(means, rng(), engine=engine).interval(0.95)
    other = plus_one(1 - means, rng(), engine=engine).interval(0.95)
    assert one.low == pytest.approx(1 - other.high, abs=1e-12)
    assert one.high == pytest.approx(1 - other.low, abs=1e-12)


@given(st.lists(st.integers(0, 6), min_size=8, max_size=40))
@settings(deadline=None, max_examples=40)
def test_the_order_of_prompts_is_irrelevant_and_the_interval_never_degenerates(steps: list[int]) -> None:
    means = np.array(steps) / 6
    shuffled = np.random.default_rng(len(steps)).permutation(means)
    engines: tuple[Engine, ...] = ("exact", "monte-carlo")
    for engine in engines:
        one = plus_one(means, rng(), engine=engine).interval(0.95)
        assert one == plus_one(shuffled, rng(), engine=engine).interval(0.95)
        assert 0 <= one.low < one.high <= 1


@given(st.lists(st.integers(0, 4), min_size=8, max_size=30), st.data())
@settings(deadline=None, max_examples=40)
def test_more_wins_never_lower_the_interval(steps: list[int], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(steps) - 1))
    better = list(steps)
    better[index] = 4
    worse = plus_one(np.array(steps) / 4, rng()).interval(0.95)
    raised = plus_one(np.array(better) / 4, rng()).interval(0.95)
    assert raised.low >= worse.low - 1e-12
    assert raised.high >= worse.high - 1e-12


def test_a_lattice_is_the_least_common_denominator() -> None:
    found = lattice(np.array([1 / 3, 0.25, 1.0]), 1000)
    assert found is not None
    assert found[0] == 12
    assert found[1].tolist() == [4, 3, 12]
    assert lattice(np.array([1 / 3, 1 / 7, 1 / 11]), 100) is None
    assert lattice(np.array([0.1234567890123]), 1e6) is None


def test_the_plain_bootstrap_collapses_where_plus_one_does_not() -> None:
    plain = resampled_mean(np.ones(13), rng()).interval(0.95)
    assert (plain.low, plain.high) == (1.0, 1.0)


def test_prompt_bootstrap_sums_have_the_mean_and_spread_of_resampling() -> None:
    pieces = np.random.default_rng(3).normal(size=(60, 2))
    sums = PromptBootstrap.draw(60, rng(), 20_000).sums(np.arange(60), pieces)
    assert sums.mean(axis=0) == pytest.approx(pieces.sum(axis=0), abs=0.3)
    assert sums.std(axis=0) == pytest.approx(pieces.std(axis=0) * 60**0.5, rel=0.03)


def test_rows_of_one_prompt_are_drawn_together() -> None:
    sums = PromptBootstrap.draw(2, rng(), 500).sums(np.array([0, 0, 1]), np.array([[1.0], [1.0], [5.0]]))
    assert set(sums[:, 0].tolist()) == {4.0, 7.0, 10.0}


def test_grouping_many_prompts_keeps_the_spread() -> None:
    pieces = np.random.default_rng(4).normal(size=(20_000, 1))
    drawn = PromptBootstrap.draw(20_000, rng(), 4000)
    assert drawn.weights.shape == (4000, 1000)
    sums = drawn.sums(np.arange(20_000), pieces)
    assert sums.std() == pytest.approx(pieces.std() * 20_000**0.5, rel=0.1)


def test_percentiles_need_nearly_all_draws_to_be_defined() -> None:
    draws = np.arange(100.0)
    assert percentiles(draws, 0.90) == (4.0, 95.0)
    draws[:3] = np.nan
    assert percentiles(draws, 0.90) is not None
    draws[:10] = np.nan
    assert percentiles(draws, 0.90) is None


def test_a_million_prompts_take_less_than_a_second() -> None:
    means = np.random.default_rng(5).integers(0, 13, 1_000_000) / 12
    start = time.process_time()
    interval = plus_one(means, rng(), engine="monte-carlo").interval(0.95)
    assert time.process_time() - start < 1.0
    assert interval.resamples == 9999


def test_805_prompts_take_a_few_milliseconds() -> None:
    """25 ms on an idle core (`bench/analysis_speed.py`); here with room for a busy machine."""
    means = np.random.default_rng(6).integers(0, 13, 805) / 12
    start = time.process_time()
    for _ in range(5):
        plus_one(means, rng(), engine="monte-carlo")
    assert (time.process_time() - start) / 5 < 0.1


def first_reached(values: Floats, q: float) -> float:
    """Inverse CDF by its definition: the smallest value that a share `q` of all does not exceed."""
    return min(float(x) for x in values if float(np.mean(values <= x)) >= q - 1e-12)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.data())
@settings(deadline=None, max_examples=100)
def test_a_quantile_of_draws_is_the_one_counting_finds(steps: list[int], data: st.DataObject) -> None:
    draws = np.sort(np.array(steps) / 8)
    found = Resampled(draws, None, False, "test")
    rank = data.draw(st.integers(1, len(steps)))
    for q in (rank / len(steps), data.draw(st.floats(0.001, 0.999))):
        assert found.quantile(q) == first_reached(draws, q)
        mirrored = Resampled(draws, None, True, "test")
        assert mirrored.quantile(q) == pytest.approx(1 - first_reached(draws, 1 - q))


@pytest.mark.parametrize("resamples", [999, 9999])
def test_the_ends_of_a_drawn_interval_are_the_250th_draws_from_either_end(resamples: int) -> None:
    """Of 9,999; the 25th of 999. One further in or out is another number: no two draws are equal."""
    means = np.random.default_rng(2).random(60)
    found = plus_one(means, rng(), resamples=resamples)
    assert len(set(found.support.tolist())) > 0.99 * resamples
    interval, place = found.interval(0.95), (resamples + 1) // 40
    ends = sorted(1 - found.support if found.mirrored else found.support)
    assert interval.low == ends[place - 1]
    assert interval.high == ends[-place]


@pytest.mark.slow
@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.floats(0.01, 0.99))
@settings(deadline=None, max_examples=60)
def test_an_exact_quantile_is_the_one_of_all_resamples_written_out(steps: list[int], q: float) -> None:
    values = np.array([*steps, 0, 3]) / 3
    every = np.array([np.mean(drawn) for drawn in itertools.product(values, repeat=len(values))])
    found = plus_one(np.array(steps) / 3, rng(), engine="exact")
    assert found.quantile(q) == pytest.approx(first_reached(np.round(every, 12), q), abs=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=80), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
@settings(deadline=None, max_examples=60)
def test_percentiles_are_those_counting_finds(values: list[float], level: float) -> None:
    draws = np.array(values)
    tail = (1 - level) / 2
    found = percentiles(draws, level)
    assert found is not None
    assert found[0] == first_reached(draws, tail)
    assert found[1] == -first_reached(-draws, tail)
