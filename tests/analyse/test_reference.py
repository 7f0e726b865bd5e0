"""Every reference number that brie computes, and where it is asserted.

| numbers | asserted in |
|---|---|
| Wilson, percentile and BCa intervals of rows (rivals in `bench/`) | test_benches, here |
| exact binomial p as the sign-flip, 5 of 5, the six clusters | test_signflip, here |
| clustered means and errors, prompt means | test_regression, here |
| plus-one bootstrap, both engines | test_bootstrap |
| agreement: one table, Krippendorff's table | test_agreement, here |
| length GLM and the length-controlled rate | test_regression, test_length |
| prediction-powered inference | test_anchored |
| Dawid-Skene, Davidson | test_sensitivity |
| Holm, Benjamini-Hochberg, Benjamini-Yekutieli | test_multiplicity, here |
| McNemar on flips | here |
| e-process, its first crossing, the hedged sequence | test_sequential, test_benches |
| variance components and the variance of the mean | test_variance, here |
| power: formula and plan | test_power, tests/cli/test_plan |

Not computed by brie, and so not asserted: Clopper-Pearson and Jeffreys intervals, Fisher's exact test,
and evalica's ratings.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench.intervals import wilson_rows
from brie.analyse.agreement import (
    cohen_kappa,
    coincidences,
    gwet_ac1,
    krippendorff_alpha,
    percent,
)
from brie.analyse.arrays import binomial_two_sided, generator
from brie.analyse.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm
from brie.analyse.regression import least_squares
from brie.analyse.signflip import sign_flip
from tests.analyse.tables import REFERENCE


@pytest.mark.parametrize("name", sorted(REFERENCE["proportions"]))
def test_wilson(name: str) -> None:
    wins, rows = (int(part) for part in name.split("/"))
    found = wilson_rows(np.array([1.0] * wins + [0.0] * (rows - wins)), rows)
    assert found == pytest.approx(REFERENCE["proportions"][name]["wilson"], abs=1e-9)


def test_sign_flips() -> None:
    theirs = REFERENCE["sign_flip"]
    rng = generator(0, "test")
    five = sign_flip(np.full(5, 0.5), rng).p_value
    ten = sign_flip(np.array([0.5] * 10 + [-0.5] * 3), rng).p_value
    assert five == theirs["5 of 5"]
    assert ten == pytest.approx(theirs["10 of 13 (== exact binomial)"], rel=1e-12)


def test_the_mean_of_prompt_means_and_its_error() -> None:
    data = REFERENCE["cluster"]
    means = np.array(data["prompt_means"])
    fit = least_squares(np.ones((6, 1)), means, np.arange(6))
    assert fit is not None
    assert round(float(fit.coefficients[0]), 6) == 0.694444
    assert round(float(fit.errors[0]), 6) == 0.132054
    assert fit.interval(0, 0.95) == pytest.approx(data["t_interval_prompt_equal"], abs=1e-9)


def test_two_judges() -> None:
    theirs = REFERENCE["two_judges"]
    # loss, tie, win by loss, tie, win; a is the candidate.
    table = np.array([[47.0, 1, 3], [0, 1, 0], [2, 0, 3]])
    both = coincidences(table)
    assert float(percent(table)) == pytest.approx(theirs["percent"])
    assert float(cohen_kappa(table)) == pytest.approx(theirs["cohen_kappa"])
    assert float(krippendorff_alpha(both)) == pytest.approx(theirs["alpha_nominal"])
    assert float(krippendorff_alpha(both, "ordinal")) == pytest.approx(theirs["alpha_ordinal"])
    assert float(krippendorff_alpha(both, "interval")) == pytest.approx(theirs["alpha_interval"])
    assert float(gwet_ac1(table)) == pytest.approx(theirs["gwet_ac1"], abs=5e-6)


def test_multiplicity() -> None:
    data = REFERENCE["multiplicity"]
    p = np.array(data["p"])
    assert holm(p) == pytest.approx(data["holm"])
    assert benjamini_hochberg(p) == pytest.approx(data["bh"])
    assert benjamini_yekutieli(p) == pytest.approx(data["by"])


def test_mcnemar_on_the_flips() -> None:
    assert binomial_two_sided(9, 13) == pytest.approx(REFERENCE["position"]["mcnemar_exact"], rel=1e-12)
    assert binomial_two_sided(4, 13) == binomial_two_sided(9, 13)
