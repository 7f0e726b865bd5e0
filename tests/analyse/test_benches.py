"""Small versions of the measurements in bench/: the bounds they hold with thousands of runs."""

from __future__ import annotations

import numpy as np
import pytest

from bench import beside, claims
from bench.coverage import LEAST, coverage, grid, measure
from bench.gaps import Pair
from bench.intervals import bca, default, percentile, wilson_rows
from bench.lengths import Length
from bench.panels import Panel, tabled
from bench.simulate import Setting, prompt_means
from bench.sweeps import false_best, recipe, worlds
from bench.type_one_error import NULLS, hopeless_panels, ladders, peeking, verdicts
from brie.analyse.position import presentation_effects
from brie.analyse.study import Study
from brie.analyse.win_rate import Settings
from tests.analyse.tables import REFERENCE


def test_the_reduced_grid_has_every_setting() -> None:
    settings = grid()
    assert len(settings) == 192
    assert {s.prompts for s in settings} == {13, 30, 57, 200}
    assert {s.regime for s in settings} == {"simple", "full"}


@pytest.mark.parametrize(
    "setting", [Setting(13, 0.93, 0.6, 1, "simple"), Setting(30, 0.5, 0.6, 3, "full", 0.2)]
)
def test_simulated_data_have_the_rate_they_promise(setting: Setting) -> None:
    means = prompt_means(setting, 4000, np.random.default_rng(0))
    assert means.mean() == pytest.approx(setting.truth, abs=0.01)


def test_the_default_covers_where_the_plain_bootstrap_fails() -> None:
    setting = Setting(13, 0.93, 0.0, 1, "simple")
    means = prompt_means(setting, 2000, np.random.default_rng(1))
    assert coverage(setting, default, means)["coverage"] >= LEAST
    assert coverage(setting, percentile, means)["coverage"] < 0.75


def test_a_few_settings_of_the_grid() -> None:
    rows = measure(grid()[::24], runs=250, seed=3)
    assert min(row["plus_one"] for row in rows) >= 0.90
    assert all(row["narrowest"] > 0 and row["lowest"] >= 0 and row["highest"] <= 1 for row in rows)


def test_the_rivals_reproduce_their_references() -> None:
    ten = np.array([1.0] * 10 + [0.0] * 3)
    assert bca(ten) == pytest.approx((6 / 13, 12 / 13))
    assert percentile(ten) == pytest.approx((7 / 13, 1.0))
    assert percentile(np.ones(13)) == (1.0, 1.0)
    for name in ("10/13", "6/15", "28/57", "41/57", "52/57"):
        wins, rows = (int(part) for part in name.split("/"))
        means = np.array([1.0] * wins + [0.0] * (rows - wins))
        assert wilson_rows(means, rows) == pytest.approx(
            REFERENCE["proportions"][name]["wilson"], abs=1e-9
        )


HARD = {
    "presentation": beside.presentation(Panel(12, 0.9, judges=2)),
    "agreement": beside.judges_agree(Panel(57, 0.97, judges=2, both=False, sees=0.95)),
    "variance": beside.noise(Panel(30, 0.95, 0.3, 3, 2, sees=0.9)),
    "length": beside.at_equal_length(Length(20, 2.5, 1.0, judges=2)),
    "difference": beside.compared(Pair(20, 1.0, 0.9)),
}


@pytest.mark.parametrize("family", [family.name for family in beside.FAMILIES])
def test_intervals_beside_the_rate_hold_where_it_is_hard(family: str) -> None:
    rows = beside.measure(HARD[family], 60, (7, 1))
    assert rows
    assert min(row["coverage"] for row in rows if row["given"] > 0.5) >= 0.85
    assert all(row["width"] > 0 for row in rows)


def test_several_differences_hold_together() -> None:
    assert min(row["all hold"] for row in beside.together(40, seed=8)) >= 0.85


def test_nothing_is_met_from_one_side_where_nothing_is_there() -> None:
    rows = claims.false_met(claims.nulls((20,)), 150, (9,))
    assert max(row["false met"] for row in rows) <= 0.11


def test_simulated_panels_have_the_effects_they_promise() -> None:
    table = tabled(Panel(4000, 0.7, first=0.2, letter=0.1, ties=0.1), np.random.default_rng(0))
    shown = presentation_effects(table, Study(table, Settings(), 0).cells)
    assert shown.position.effect == pytest.approx(0.18, abs=0.02)
    assert shown.label.effect == pytest.approx(0.09, abs=0.03)


def test_claims_where_there_is_nothing() -> None:
    rows = {row["null"]: row for row in verdicts(600, seed=2)}
    assert rows.keys() == NULLS.keys()
    assert all(row["better or worse"] <= 0.075 for row in rows.values())
    # The sign-flip alone would claim a difference on the skewed nulls: hence the second condition.
    assert rows["skewed, 8 prompts"]["sign-flip alone"] > 0.3


def test_safe_early_stopping_is_safe() -> None:
    rows = peeking(60, 80, seed=4)
    assert all(row["interval disagrees"] == 0 for row in rows)
    assert all(row["decided"] <= 0.12 for row in rows)


def test_ladders_and_hopeless_panels() -> None:
    assert all(row["interval excludes 1/2"] <= 0.12 for row in ladders(100, seed=5, resamples=299))
    assert all(row["equivalent"] == 0 for row in hopeless_panels(2, seed=6))


def test_equal_settings_of_a_sweep_are_not_told_apart_and_a_recipe_is_covered() -> None:
    world = worlds(0.3, 0.2)[0]
    best = false_best(40, world, 1.0, 60, seed=1)
    assert best["any out"] <= 0.15
    held = recipe(6, 40, world, 150, seed=2)
    assert min(held["mean"], held["another"]) >= 0.88
