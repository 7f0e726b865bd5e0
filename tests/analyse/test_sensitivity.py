"""Second opinions: the literals of docs/statistics.md 12.7 and 12.10."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.sensitivity import davidson, dawid_skene, effective_judges
from tests.analyse.tables import REFERENCE


def test_dawid_skene_of_the_reference() -> None:
    votes = np.array(REFERENCE["dawid_skene"]["X"], dtype=float)
    posterior, confusion = dawid_skene(votes)
    assert posterior.mean() == pytest.approx(0.666654, abs=2e-5)
    assert (posterior > 0.5).astype(int).tolist() == (
        np.array(REFERENCE["dawid_skene"]["p1"]) > 0.5
    ).astype(int).tolist()
    assert confusion.shape == (3, 2, 2)
    assert confusion.sum(axis=2) == pytest.approx(np.ones((3, 2)))


def test_dawid_skene_recovers_independent_judges_and_believes_a_shared_bias() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(3000) < 0.6
    votes = np.stack([np.where(rng.random(3000) < 0.8, truth, ~truth) for _ in range(3)], axis=1)
    assert dawid_skene(votes.astype(float))[0].mean() == pytest.approx(0.6, abs=0.05)
    biased = np.where(rng.random(3000)[:, None] < 0.3, True, votes)
    assert dawid_skene(biased.astype(float))[0].mean() > 0.65


def test_davidson_says_what_the_counts_say() -> None:
    found = davidson(10, 3, 2)
    assert found is not None
    assert round(found[0], 6) == 3.333333
    assert round(found[1], 6) == 0.365148
    assert np.log(found[0]) == pytest.approx(1.203973, abs=1e-6)
    assert davidson(5, 0, 1) is None


def test_independent_judges_count_in_full_and_copies_as_one() -> None:
    rng = np.random.default_rng(2)
    truth = (rng.random(4000) < 0.6).astype(float)
    votes = np.stack([np.where(rng.random(4000) < 0.8, truth, 1 - truth) for _ in range(4)], axis=1)
    assert effective_judges(votes, truth) == pytest.approx(4, abs=0.3)
    assert effective_judges(votes[:, [0, 0, 0, 0]], truth) == pytest.approx(1)
    assert effective_judges(votes[:, :1], truth) is None
    assert effective_judges(np.stack([truth, truth], axis=1), truth) is None


def test_noisy_labels_make_independent_judges_look_like_fewer() -> None:
    rng = np.random.default_rng(3)
    truth = (rng.random(4000) < 0.5).astype(float)
    votes = np.stack([np.where(rng.random(4000) < 0.8, truth, 1 - truth) for _ in range(4)], axis=1)
    label = np.where(rng.random(4000) < 0.85, truth, 1 - truth)
    found = effective_judges(votes, label)
    assert found is not None
    assert found < 3
