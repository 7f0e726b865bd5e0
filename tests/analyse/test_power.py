"""Planning: the formula columns of docs/statistics.md 4, to the integer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from brie.analyse.power import (
    plan_table,
    prompts_for_equivalence,
    prompts_formula,
    prompts_needed,
    smallest_detectable,
    variance_ratio,
)

RATES = (0.55, 0.60, 0.65, 0.77, 0.85)


def test_the_formula_columns() -> None:
    assert [prompts_formula(rate, variance_ratio(1)) for rate in RATES] == [783, 194, 85, 25, 14]
    assert [prompts_formula(rate, variance_ratio(3)) for rate in RATES] == [418, 104, 46, 14, 8]


def test_the_steps_of_the_verdict_cost_prompts() -> None:
    assert [prompts_needed(rate, variance_ratio(1)) for rate in RATES] == [803, 204, 92, 29, 17]
    assert [prompts_needed(rate, variance_ratio(3)) for rate in RATES] == [429, 109, 49, 17, 11]


@pytest.mark.parametrize("rate", [0.55, 0.57, 0.60, 0.65, 0.70, 0.77, 0.85, 0.90])
def test_one_verdict_a_prompt_keeps_the_power_that_is_planned(rate: float) -> None:
    """The exact power of the exact test at the planned prompts, for a design without ties."""
    prompts = prompts_needed(rate, variance_ratio(1))
    wins = np.arange(prompts + 1)
    rejected = (2 * stats.binom.sf(wins - 1, prompts, 0.5) < 0.05) & (wins > prompts / 2)
    assert stats.binom.sf(wins[rejected][0] - 1, prompts, rate) >= 0.78


def test_never_fewer_prompts_than_an_interval_needs() -> None:
    assert prompts_needed(1.0, variance_ratio(10)) == 8


@pytest.mark.parametrize(
    ("prompts", "one", "three"),
    [
        (13, 88, 81),
        (15, 84, 79),
        (30, 75, 69),
        (57, 69, 64),
        (100, 64, 60),
        (200, 60, 57),
        (500, 56, 55),
    ],
)
def test_the_smallest_detectable_rate_is_near_the_simulated_one(
    prompts: int, one: int, three: int
) -> None:
    for samples, expected in ((1, one), (3, three)):
        found = smallest_detectable(prompts, variance_ratio(samples))
        assert found is not None
        assert 100 * found == pytest.approx(expected, abs=2.7)


def test_forty_prompts_with_three_samples_find_two_thirds() -> None:
    found = smallest_detectable(40, variance_ratio(3))
    assert found is not None
    assert round(100 * found) == 67


def test_what_is_detectable_needs_no_more_prompts_than_there_are() -> None:
    for prompts in (8, 20, 49, 50, 51, 300):
        found = smallest_detectable(prompts, 1.0)
        assert found is not None
        assert prompts_needed(found, 1.0) <= prompts
    assert smallest_detectable(5, 1.0) is None


def test_equivalence_takes_hundreds_of_prompts() -> None:
    assert prompts_for_equivalence(variance_ratio(1)) == 867
    assert prompts_for_equivalence(variance_ratio(3)) == 463
    assert prompts_for_equivalence(1.0, margin=0.10) == 220


def test_the_table_has_a_row_for_each_number_of_samples() -> None:
    rows = plan_table(100, {k: variance_ratio(k) for k in (1, 3)})
    assert [row.samples for row in rows] == [1, 3]
    assert rows[0].needed[0.77] == 29
    assert rows[0].detectable is not None
    assert rows[1].detectable is not None
    assert rows[1].detectable < rows[0].detectable
    assert rows[1].equivalence == 463


def test_a_rate_of_one_half_cannot_be_found() -> None:
    with pytest.raises(ValueError, match="one half"):
        prompts_formula(0.5, 1.0)
