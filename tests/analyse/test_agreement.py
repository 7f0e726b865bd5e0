"""Agreement coefficients: the literals of docs/statistics.md 12.3 and independent libraries."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.agreement import (
    cohen_kappa,
    coincidences,
    coincidences_of,
    gwet_ac1,
    krippendorff_alpha,
    occurring,
    pair_table,
    percent,
)
from tests.analyse.tables import REFERENCE

# (b,b)47 (b,a)3 (a,b)2 (a,a)3 (t,t)1 (b,t)1 with a < t < b.
PAIR = np.array([[3.0, 0, 2], [0, 1, 0], [3, 1, 47]])

# Two judges of the original project on the same 57 rows: base, tie, tuned.
ORIGINAL = np.array([[1.0, 0, 0], [0, 0, 3], [2, 0, 51]])


def test_the_reference_pair() -> None:
    assert round(float(percent(PAIR)), 6) == 0.894737
    assert round(float(cohen_kappa(PAIR)), 6) == 0.523677
    assert round(float(gwet_ac1(PAIR)), 5) == 0.88169  # irrCAC prints five digits
    table = coincidences(PAIR)
    assert round(float(krippendorff_alpha(table)), 6) == 0.526867
    assert round(float(krippendorff_alpha(table, "ordinal")), 6) == 0.510436
    assert round(float(krippendorff_alpha(table, "interval")), 6) == 0.498627


def test_ninety_percent_agreement_can_be_worth_nothing() -> None:
    assert round(100 * float(percent(ORIGINAL)), 1) == 91.2
    assert round(float(cohen_kappa(ORIGINAL)), 2) == 0.26
    assert round(float(krippendorff_alpha(coincidences(ORIGINAL))), 2) == 0.26
    assert round(float(gwet_ac1(ORIGINAL)), 2) == 0.91


def published() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rows = REFERENCE["krippendorff"]["data"]
    return np.array([[np.nan if v is None else v - 1 for v in row] for row in rows], dtype=float).T


def test_krippendorffs_published_table_with_missing_ratings() -> None:
    ratings = published()
    pairable = np.isfinite(ratings).sum(axis=1) > 1
    table = coincidences_of(ratings[pairable], 4).sum(axis=0)
    assert round(float(krippendorff_alpha(table)), 6) == 0.691358
    assert round(float(krippendorff_alpha(table, "interval")), 6) == 0.810845


def test_a_single_rating_contributes_nothing() -> None:
    assert coincidences_of(np.array([[1.0, np.nan, np.nan]]), 3).sum() == 0


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
def test_the_krippendorff_package_agrees(metric: str) -> None:
    package = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(1)
    for _ in range(20):
        ratings = rng.integers(0, 3, (40, 4)).astype(float)
        ratings[rng.random(ratings.shape) < 0.2] = np.nan
        expected = package.alpha(
            reliability_data=ratings.T, level_of_measurement=metric, value_domain=[0, 1, 2]
        )
        found = krippendorff_alpha(coincidences_of(ratings, 3).sum(axis=0), metric)
        assert float(found) == pytest.approx(expected, abs=1e-12)


def test_scikit_learn_agrees_on_kappa() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    a = rng.integers(0, 3, 60)
    b = np.where(rng.random(60) < 0.6, a, rng.integers(0, 3, 60))
    assert float(cohen_kappa(pair_table(a, b))) == pytest.approx(metrics.cohen_kappa_score(a, b))


def test_constant_judges_have_no_kappa_and_no_alpha() -> None:
    table = np.zeros((3, 3))
    table[2, 2] = 20
    assert np.isnan(cohen_kappa(table))
    assert np.isnan(krippendorff_alpha(coincidences(table)))
    assert float(percent(table)) == 1.0
    assert occurring(table).tolist() == [2]


def test_leading_axes_are_resamples() -> None:
    stacked = np.stack([PAIR, ORIGINAL, PAIR.T])
    for function in (percent, cohen_kappa, gwet_ac1):
        assert function(stacked) == pytest.approx([float(function(table)) for table in stacked])
    alphas = krippendorff_alpha(coincidences(stacked), "ordinal")
    assert alphas[0] == pytest.approx(float(alphas[2]))


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="metric"):
        krippendorff_alpha(PAIR, "cosine")
