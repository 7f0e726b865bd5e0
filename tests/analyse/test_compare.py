"""Several candidates: paired differences, ladders, the selection half."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from brie.analyse.compare import compare, dev_half, ladder, max_t, rates_by_prompt
from brie.analyse.win_rate import Settings
from tests.analyse.tables import coin, design, names


def rates(win: float, seed: int, prompts: int = 60) -> dict[str, float]:
    return rates_by_prompt(design([coin(win)], prompts=prompts, seed=seed))


def test_a_difference_is_paired_by_prompt() -> None:
    one = {f"p{i}": float(i % 2) for i in range(30)}
    other = {f"p{i}": float(i % 2) * 0.5 for i in range(10, 40)}
    (found,) = compare({"one": one, "other": other})
    assert found.prompts == 20
    assert found.value == pytest.approx(0.25)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 0.25 < found.high
    padded = [0.5] * 10 + [0.0] * 10 + [0.5, -0.5]
    assert found.high - found.low == pytest.approx(
        2 * stats.t.ppf(0.975, 19) * stats.sem(padded), rel=1e-9
    )
    t = np.mean(padded) / stats.sem(padded)
    assert found.p_value == pytest.approx(2 * stats.t.sf(t, 19))


@pytest.mark.parametrize("seed", range(40))
def test_an_interval_excludes_nought_exactly_where_its_p_says_so(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, shift = int(rng.integers(8, 40)), rng.uniform(0, 0.3, 3)
    said = {
        name: {f"p{i}": float(v) for i, v in enumerate((rng.random((size, 2)) < 0.5 + s).mean(axis=1))}
        for name, s in zip("abc", shift, strict=True)
    }
    for pair in compare(said):
        assert pair.low is not None
        assert pair.high is not None
        assert pair.simultaneous is not None
        assert (not pair.low <= 0 <= pair.high) == (pair.p_value < 0.05)
        assert (not pair.simultaneous[0] <= 0 <= pair.simultaneous[1]) == (pair.p_adjusted < 0.05)
        assert pair.simultaneous[0] <= pair.low <= pair.value <= pair.high <= pair.simultaneous[1]


def test_where_nothing_differs_the_interval_says_how_much_could() -> None:
    (same,) = compare({"a": dict.fromkeys(names("p", 20), 1.0), "b": dict.fromkeys(names("p", 20), 1.0)})
    assert same.value == 0
    assert same.p_value == 1
    assert same.low == pytest.approx(-0.137, abs=0.001)
    assert same.high == pytest.approx(0.137, abs=0.001)
    assert same.simultaneous is None


def test_every_pair_with_holm() -> None:
    found = compare({"a": rates(0.9, 1), "b": rates(0.5, 2), "c": rates(0.5, 3)})
    assert [(d.first, d.second) for d in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(d.p_adjusted >= d.p_value for d in found)
    assert found[0].p_adjusted < 0.05 < found[2].p_adjusted


def test_exchanging_two_evaluations_changes_the_sign_only() -> None:
    a, b = rates(0.8, 1), rates(0.6, 2)
    (one,), (other,) = compare({"a": a, "b": b}), compare({"b": b, "a": a})
    assert one.value == pytest.approx(-other.value)
    assert one.p_value == pytest.approx(other.p_value)


def test_evaluations_that_share_no_prompt_are_left_out_and_few_have_no_interval() -> None:
    assert compare({"a": {"x": 1.0}, "b": {"y": 0.0}}) == ()
    (found,) = compare({"a": {"x": 1.0, "y": 1.0}, "b": {"x": 0.0, "y": 1.0}})
    assert found.low is None
    assert compare({"a": {"x": 1.0}}) == ()


def test_a_ladder_has_simultaneous_intervals() -> None:
    found = ladder({"50": rates(0.5, 4), "100": rates(0.7, 5), "150": rates(0.95, 6)})
    assert [rung.name for rung in found] == ["50", "100", "150"]
    assert found[2].low > 0.5
    assert found[2].p_adjusted < 0.01
    assert found[0].low < 0.5 < found[0].high
    assert all(0 <= rung.low < rung.value <= rung.high <= 1 for rung in found)


def test_a_ladder_never_degenerates() -> None:
    found = ladder({"a": dict.fromkeys(names("p", 13), 1.0)})
    assert found[0].low < 1
    assert found[0].low > 0.5
    assert ladder({"a": {"x": 1.0}}) == ()
    assert ladder({}) == ()


def test_equal_checkpoints_are_rarely_told_apart() -> None:
    """10,000 runs: `bench/type_one_error.py`."""
    rng = np.random.default_rng(7)
    claimed = 0
    for _ in range(300):
        base = rng.normal(size=(30, 1))
        low, high, _ = max_t((rng.normal(size=(30, 10)) > base).astype(float), rng, resamples=499)
        claimed += bool(((low > 0.5) | (high < 0.5)).any())
    assert claimed <= 24


def test_a_ladder_mirrors_when_the_sides_are_exchanged() -> None:
    table = np.random.default_rng(3).integers(0, 3, (20, 4)) / 2
    low, high, p = max_t(table, np.random.default_rng(1))
    other_low, other_high, other_p = max_t(1 - table, np.random.default_rng(1))
    assert low == pytest.approx(1 - other_high, abs=1e-12)
    assert high == pytest.approx(1 - other_low, abs=1e-12)
    assert p == pytest.approx(other_p)


def suite(prompts: int = 60) -> list[tuple[str, str, str]]:
    return [(f"p{i}", f"c{i % 3}", f"s{i % 3}-{i % 10}") for i in range(prompts)]


def test_the_selection_half_keeps_sources_whole_and_categories_balanced() -> None:
    prompts = suite()
    half = dev_half(prompts, "suite@1")
    for source in {source for _, _, source in prompts}:
        members = {p for p, _, s in prompts if s == source}
        assert members <= half or not members & half
    for category in ("c0", "c1", "c2"):
        members = {p for p, c, _ in prompts if c == category}
        assert 0.4 <= len(members & half) / len(members) <= 0.6


def test_the_selection_half_is_fixed_for_a_suite_version() -> None:
    assert dev_half(suite(), "suite@1") == dev_half(suite()[::-1], "suite@1")
    assert dev_half(suite(), "suite@1") != dev_half(suite(), "suite@2")


def test_settings_reach_the_interval() -> None:
    (wide,) = compare({"a": rates(0.8, 1), "b": rates(0.6, 2)}, Settings(level=0.99))
    (narrow,) = compare({"a": rates(0.8, 1), "b": rates(0.6, 2)}, Settings(level=0.80))
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low
