"""Rates of several suites: intervals that hold together, prompts that count once, a difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.several_suites import cells as grid
from bench.several_suites import covered, false_claims
from brie.analyse.bootstrap import PLUS_ONE
from brie.analyse.suites import BETTING, among, floor_bounds, gap, once, rated
from brie.analyse.win_rate import Settings

SETTINGS = Settings(resamples=999)
SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=40)


@given(SCORES, st.integers(2, 6))
def test_among_several_an_interval_holds_its_own_and_mirrors(scores: list[float], suites: int) -> None:
    means = np.array(scores)
    alone, several = rated(means, 0.95, 0, SETTINGS), among(means, suites, 0, SETTINGS)
    assert several.value == alone.value
    assert several.low <= alone.low + 1e-12
    assert several.high >= alone.high - 1e-12
    mirrored = among(1 - means, suites, 0, SETTINGS)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((several.low, several.high), abs=1e-6)
    assert several.method.startswith(BETTING if len(means) < 8 else PLUS_ONE)


@given(SCORES, SCORES)
def test_a_difference_turns_round_with_its_sides(first: list[float], second: list[float]) -> None:
    low, high = gap(np.array(first), np.array(second), 0.95)
    assert -1 <= low <= high <= 1
    other = gap(np.array(second), np.array(first), 0.95)
    assert (-other[1], -other[0]) == pytest.approx((low, high))
    exchanged = gap(1 - np.array(first), 1 - np.array(second), 0.95)
    assert (-exchanged[1], -exchanged[0]) == pytest.approx((low, high))


def test_a_difference_of_proportions_is_that_of_agresti_and_caffo() -> None:
    """Two wins and losses added: 56 of 70 against 48 of 80, large enough for t to be z."""
    one, two = (np.repeat([1.0, 0.0], [won, lost]) for won, lost in ((56, 14), (48, 32)))
    low, high = gap(one, two, 0.95)
    p = [(56 + 1) / 72, (48 + 1) / 82]
    error = (p[0] * (1 - p[0]) / 72 + p[1] * (1 - p[1]) / 82) ** 0.5
    centre = p[0] - p[1]
    assert (low, high) == pytest.approx((centre - 1.96 * error, centre + 1.96 * error), abs=0.004)


def test_a_prompt_that_two_suites_ask_counts_once_with_the_mean_of_both() -> None:
    means = once([{"a": 1.0, "b": 0.0}, {"b": 1.0, "c": 1.0}])
    assert sorted(means.tolist()) == [0.5, 1.0, 1.0]


def test_more_claims_ask_for_more() -> None:
    means = np.repeat([1.0, 0.0], [30, 20])
    one, four = (floor_bounds(means, claims, 0, SETTINGS) for claims in (1, 4))
    assert one is not None
    assert four is not None
    assert (one.level, four.level) == pytest.approx((0.9, 0.975))
    assert four.one_sided[0] < one.one_sided[0]
    assert four.interval[0] < one.interval[0]
    assert floor_bounds(means[:7], 1, 0, SETTINGS) is None


def test_a_few_simulated_tables_hold() -> None:
    (cell,) = [c for c in grid() if c.name.startswith("30 at 0.6") and "1 x simple" in c.name]
    row = covered(cell, 200, np.random.default_rng(1))
    assert min(row[name] for name in ("all suites", "all together", "inside minus outside")) > 0.89
    assert max(row["not worse"] for row in false_claims(100, 3)) < 0.14
