"""Runs crossed with prompts: a recipe's rate, another run's, and settings that cannot be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.arrays import Floats
from brie.analyse.crossed import recipe_rate, settings_table, spread
from tests.present import present


def planted(
    means: list[float], runs: int, prompts: int, seed_sd: float = 0.0, noise: float = 0.2
) -> dict[str, Floats]:
    """Settings of known rates; prompts differ from one another, and alike for all."""
    rng = np.random.default_rng(4)
    shared = rng.normal(size=prompts) * 0.1
    made = {}
    for place, mean in enumerate(means):
        of_run = rng.normal(size=(runs, 1)) * seed_sd
        made[f"s{place}"] = np.clip(
            mean + shared - shared.mean() + of_run + rng.normal(size=(runs, prompts)) * noise, 0, 1
        )
    return made


def test_the_parts_of_the_variance_are_those_that_were_planted() -> None:
    rng = np.random.default_rng(0)
    runs, prompts = 400, 300
    rates = 0.5 + rng.normal(size=(runs, 1)) * 0.05 + rng.normal(size=(1, prompts)) * 0.1
    parts = spread(rates + rng.normal(size=(runs, prompts)) * 0.2)
    assert parts.of_seeds == pytest.approx(0.05**2, rel=0.2)
    assert parts.within == pytest.approx(0.2**2 / prompts, rel=0.05)
    assert parts.by_prompts * prompts == pytest.approx(0.1**2, rel=0.5)


def test_below_five_runs_there_is_a_range_and_no_interval() -> None:
    rate = recipe_rate(planted([0.6], 4, 40)["s0"])
    assert (rate.low, rate.high, rate.new_low, rate.new_high) == (None, None, None, None)
    assert rate.least < rate.value < rate.most
    assert recipe_rate(planted([0.6], 1, 40)["s0"]).seed_deviation is None


def test_another_run_is_less_certain_than_the_recipes_mean() -> None:
    rate = recipe_rate(planted([0.6], 8, 60, seed_sd=0.08)["s0"])
    assert present(rate.new_low) < present(rate.low) < rate.value < present(rate.high)
    assert present(rate.high) < present(rate.new_high)
    assert rate.most - rate.least > 0.1


def test_runs_that_are_alike_add_no_width_and_an_interval_never_vanishes() -> None:
    won = np.ones((6, 30))
    rate = recipe_rate(won)
    assert rate.value == 1
    assert 0.8 < present(rate.low) < present(rate.high) == 1
    mirrored = recipe_rate(1 - won)
    assert present(mirrored.high) == pytest.approx(1 - present(rate.low))


def test_exchanging_the_sides_mirrors_both_intervals() -> None:
    rates = planted([0.7], 6, 30, seed_sd=0.1)["s0"]
    one, other = recipe_rate(rates), recipe_rate(1 - rates)
    for low, high in (("low", "high"), ("new_low", "new_high")):
        assert present(getattr(one, low)) == pytest.approx(1 - present(getattr(other, high)))


def test_a_setting_that_is_far_better_is_alone_the_best() -> None:
    table = settings_table(planted([0.5, 0.75, 0.5], 3, 100, seed_sd=0.02))
    assert table.settings[0].name == "s1"
    assert [row.best for row in table.settings] == [True, False, False]
    assert present(table.settings[1].behind_low) > 0
    assert table.settings[0].behind == 0


def test_seeds_that_differ_keep_a_difference_from_being_believed() -> None:
    steady = settings_table(planted([0.5, 0.58], 3, 200, noise=0.1))
    assert [row.best for row in steady.settings] == [True, False]
    unsteady = settings_table(planted([0.5, 0.58], 3, 200, seed_sd=0.1, noise=0.1))
    assert [row.best for row in unsteady.settings] == [True, True]
    assert present(unsteady.seed_deviation) > present(steady.seed_deviation)


def test_with_too_few_runs_nothing_is_out_and_nothing_has_an_interval() -> None:
    table = settings_table(planted([0.2, 0.9], 2, 50))
    assert table.freedom is None
    assert all(row.best and row.low is None for row in table.settings)


def test_with_one_run_each_prompts_alone_decide() -> None:
    table = settings_table(planted([0.4, 0.8], 1, 60))
    assert table.seed_deviation is None
    assert [row.best for row in table.settings] == [True, False]


def test_the_gain_of_twice_the_data_is_the_one_that_was_planted() -> None:
    rates = planted([0.5, 0.55, 0.6, 0.45, 0.5, 0.55], 3, 400, noise=0.1)
    shares = [0.25, 0.5, 1.0] * 2
    kinds = {name: (str(place // 3), shares[place]) for place, name in enumerate(rates)}
    doubling = present(settings_table(rates, kinds).doubling)
    assert doubling.value == pytest.approx(0.05, abs=0.01)
    assert doubling.low < 0.05 < doubling.high
    assert doubling.shares == (0.25, 0.5, 1.0)
    assert present(doubling.last) == pytest.approx(0.05, abs=0.015)
    thirds = {name: ("", share) for name, share in zip(rates, (0.1, 0.3, 1.0) * 2, strict=True)}
    assert present(settings_table(rates, thirds).doubling).last is None
