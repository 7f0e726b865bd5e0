"""How often a judge is right on known pairs: by another computation, and where the answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from brie.analyse.known_pairs import accuracy, tie_threshold

FAMILIES = ["reasoning"] * 6 + ["prose"] * 2
SOURCES = ["s0", "s0", "s1", "s2", "s3", "s4", "s5", "s6"]


def test_every_family_weighs_the_same() -> None:
    found = accuracy([1, 1, 1, 1, 1, 1, 0, 0], FAMILIES, SOURCES)
    assert found.value == 0.5
    assert found.n == 8


def test_the_interval_is_a_regression_s_on_families_with_two_imagined_sources() -> None:
    import statsmodels.api as sm

    right = np.array([1, 0.5, 1, 0, 1, 1, 1, 0])
    names = ["prose", "reasoning"]
    padded = np.concatenate([right, [1, 1, 0, 0]])
    family = FAMILIES + names + names
    source = [*SOURCES, "always", "always", "never", "never"]
    design = np.array([[one == name for name in names] for one in family], dtype=float)
    groups = np.unique(source, return_inverse=True)[1]
    fit = sm.OLS(padded, design).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    clusters = len(set(source))
    mean, weights = fit.params.mean(), np.full(2, 0.5)
    error = np.sqrt(weights @ fit.cov_params() @ weights * clusters / (clusters - 1))
    half = stats.t.ppf(0.975, len(set(SOURCES)) - 1) * error
    found = accuracy(right.tolist(), FAMILIES, SOURCES)
    assert found.low == pytest.approx(max(0.0, mean - half))
    assert found.high == pytest.approx(min(1.0, mean + half))


def test_a_judge_that_is_always_right_is_not_certain() -> None:
    found = accuracy([1.0] * 60, ["a", "b"] * 30, [str(n) for n in range(60)])
    assert found.value == found.high == 1.0
    assert found.low is not None
    assert 0.8 < found.low < 1.0


def test_pairs_of_one_source_are_one_piece_of_evidence() -> None:
    right = [1.0, 0.0] * 20
    apart = accuracy(right, ["a"] * 40, [str(n) for n in range(40)])
    together = accuracy(sorted(right), ["a"] * 40, [str(n // 10) for n in range(40)])
    assert apart.low is not None
    assert together.low is not None
    assert together.low < apart.low
    alone = accuracy(right, ["a"] * 40, ["one"] * 40)
    assert (alone.low, alone.high) == (0.0, 1.0)


def test_the_threshold_is_the_99th_percentile_of_changes_upwards() -> None:
    changes = [0.001 * n for n in range(-100, 101)]
    assert tie_threshold(changes) == pytest.approx(0.099)
    assert tie_threshold([0.0] * 50) == 1e-9
    assert tie_threshold([0.0] * 99 + [0.25]) == 0.25
