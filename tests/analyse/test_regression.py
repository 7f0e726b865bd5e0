"""Clustered standard errors against the reference and against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.regression import least_squares, logistic
from tests.analyse.tables import REFERENCE


def test_the_clustered_error_of_a_mean() -> None:
    data = REFERENCE["cluster"]
    y = np.array(data["y"])
    fit = least_squares(np.ones((len(y), 1)), y, np.array(data["g"]))
    assert fit is not None
    assert fit.coefficients[0] == pytest.approx(0.6875)
    assert round(float(fit.errors[0]), 6) == 0.144225
    # CR0, as Miller 2024 has it: without the small-sample factor G/(G-1).
    assert round(float(fit.errors[0]) * (5 / 6) ** 0.5, 6) == 0.131659


def test_the_glm_of_the_reference() -> None:
    data = REFERENCE["length_glm"]
    length = np.array(data["dlen"])
    design = np.column_stack([np.ones(40), np.tanh(length / data["sd_ddof1"]), np.array(data["pos"])])
    fit = logistic(design, np.array(data["y"]), np.repeat(np.arange(20), 2))
    assert fit is not None
    assert fit.coefficients == pytest.approx(data["beta"], abs=1e-7)
    assert fit.errors == pytest.approx(data["se_cluster"], abs=1e-6)


def test_statsmodels_agrees() -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 4)
    design = np.column_stack([np.ones(120), rng.normal(size=120), rng.normal(size=120)])
    y = (rng.random(120) < 0.6).astype(float)
    keywords = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    ours, theirs = least_squares(design, y, groups), api.OLS(y, design).fit(**keywords)
    assert ours is not None
    assert ours.coefficients == pytest.approx(theirs.params, abs=1e-10)
    assert ours.errors == pytest.approx(theirs.bse, abs=1e-10)
    glm = api.GLM(y, design, family=api.families.Binomial()).fit(**keywords)
    binomial = logistic(design, y, groups)
    assert binomial is not None
    assert binomial.coefficients == pytest.approx(glm.params, abs=1e-7)
    assert binomial.errors == pytest.approx(glm.bse, abs=1e-7)


def test_columns_that_repeat_each_other_and_single_clusters_have_no_fit() -> None:
    y = np.array([0.0, 1.0, 1.0, 0.0])
    twice = np.column_stack([np.ones(4), np.ones(4)])
    assert least_squares(twice, y, np.arange(4)) is None
    assert logistic(twice, y, np.arange(4)) is None
    assert least_squares(np.ones((4, 1)), y, np.zeros(4, int)) is None


def test_separated_outcomes_diverge_without_a_ridge() -> None:
    x = np.array([-1.0, -1, -1, 1, 1, 1])
    design, y = np.column_stack([np.ones(6), x]), (x > 0).astype(float)
    assert logistic(design, y, np.arange(6)) is None
    ridged = logistic(design, y, np.arange(6), np.array([0.0, 0.5]))
    assert ridged is not None
    assert ridged.coefficients[1] > 1
