"""Rates anchored in votes: the literals of docs/statistics.md 12.5, and a truth that is known."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.anchored import AnchoredRate, Labels, lean, new_prompts, this_suite, width_of
from tests.analyse.tables import REFERENCE

PEOPLE = np.array(REFERENCE["ppi"]["Y"])
JUDGED = np.array(REFERENCE["ppi"]["Yhat"])
OTHERS = np.tile([1, 1, 1, 0, 0.5, 1, 0, 1], 5)
LABELS = Labels(PEOPLE, JUDGED, OTHERS)


def _published(weight: float | None = None) -> AnchoredRate:
    return new_prompts(LABELS, weight=weight, imagined=False, normal=True)


def _ends(rate: AnchoredRate) -> tuple[float, float]:
    return round(rate.low, 6), round(rate.high, 6)


def _drawn(
    seed: int, *, rate: float, prompts: int = 200, votes: int = 50, bias: float = 0.0
) -> tuple[Labels, float]:
    """A suite, votes on some of it, judges who see them and lean; and people's rate on all of it."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1.2 * rate, 1.2 * (1 - rate), prompts)
    people = (rng.random(prompts) < chance).astype(float)
    judged = np.clip((rng.random((prompts, 4)) < chance[:, None]).mean(axis=1) + bias, 0, 1)
    labels = Labels(people[:votes], judged[:votes], judged[votes:])
    return labels, float(people.mean())


def test_full_weight_as_published() -> None:
    rate = _published(1.0)
    assert round(rate.value, 6) == 0.645833
    assert _ends(rate) == (0.421285, 0.870382)


def test_the_tuned_weight_as_published() -> None:
    """ppi-python divides the covariance by m, not m - 1; with that weight its figures come out."""
    theirs, m = REFERENCE["ppi"], len(PEOPLE)
    ours = _published()
    assert ours.weight == pytest.approx(theirs["lambda_by_hand cov(ddof1)/((1+m/N) var_pooled(ddof1))"])
    rate = _published(ours.weight * (m - 1) / m)
    assert round(rate.value, 6) == 0.637527
    assert _ends(rate) == (0.438807, 0.836248)


def test_people_alone_as_published() -> None:
    assert _ends(_published(0.0)) == (0.363544, 0.886456)


def test_t_quantiles_and_imagined_prompts_widen() -> None:
    plain = new_prompts(LABELS, imagined=False, normal=True)
    t = new_prompts(LABELS, imagined=False)
    assert t.low < plain.low < plain.high < t.high
    assert new_prompts(LABELS).high > t.value


def test_a_judge_that_always_says_the_same_adds_nothing() -> None:
    labels = Labels(PEOPLE, np.ones(12), np.ones(40))
    assert new_prompts(labels).weight == 0.0
    assert this_suite(labels).weight == 0.0
    assert new_prompts(labels).value == pytest.approx(PEOPLE.mean())


def test_exchanging_the_sides_mirrors_every_number() -> None:
    labels, _ = _drawn(4, rate=0.8)
    turned = Labels(1 - labels.people, 1 - labels.judged, 1 - labels.others)
    for estimate in (new_prompts, this_suite):
        here, there = estimate(labels), estimate(turned)
        assert here.value + there.value == pytest.approx(1)
        assert here.low + there.high == pytest.approx(1)
        assert here.weight == pytest.approx(there.weight)


@pytest.mark.parametrize("rate", [0.5, 0.7, 0.97])
def test_intervals_cover_people_where_judges_lean(rate: float) -> None:
    """300 suites each; judges call every prompt 15 points too high."""
    new = suite = 0
    for seed in range(300):
        labels, truth = _drawn(seed, rate=rate, bias=0.15)
        fresh, here = new_prompts(labels), this_suite(labels)
        new += fresh.low <= rate <= fresh.high
        suite += here.low <= truth <= here.high
    assert new / 300 >= 0.92
    assert suite / 300 >= 0.92


def test_votes_on_every_prompt_leave_nothing_to_guess_of_this_suite() -> None:
    rng = np.random.default_rng(2)
    people = rng.integers(0, 3, 60) / 2
    labels = Labels(people, rng.integers(0, 3, 60) / 2, np.empty(0))
    suite = this_suite(labels)
    assert suite.low == pytest.approx(suite.high) == pytest.approx(people.mean())
    assert new_prompts(labels).weight == 0.0


def test_no_interval_has_no_width_or_leaves_the_scale() -> None:
    won = Labels(np.ones(50), np.ones(50), np.ones(50))
    for rate in (new_prompts(won), this_suite(won)):
        assert rate.low < rate.high == 1.0


def test_the_lean_with_its_interval() -> None:
    value, low, high = lean(PEOPLE, JUDGED)
    assert value == pytest.approx((JUDGED - PEOPLE).mean())
    assert low < value < high
    value, low, high = lean(np.ones(50), np.ones(50))
    assert low < value == 0 < high


def test_too_few_votes_are_refused() -> None:
    with pytest.raises(ValueError, match="two or more"):
        Labels(PEOPLE[:1], JUDGED[:1], OTHERS)
    with pytest.raises(ValueError, match="at least 2"):
        lean(PEOPLE[:1], JUDGED[:1])


def test_more_votes_promise_a_narrower_interval() -> None:
    widths = [width_of(votes, prompts=200) for votes in (50, 80, 120, 200)]
    assert widths == sorted(widths, reverse=True)
    assert 0.08 < widths[1] < 0.11
