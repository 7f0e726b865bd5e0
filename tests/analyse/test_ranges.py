"""Leave-one-out ranges and the majority vote."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.arrays import Floats, Ints
from brie.analyse.cells import cells, prompt_means
from brie.analyse.ranges import leave_one_judge_out, leave_one_source_out, majority_means
from tests.analyse.tables import coin, design, first, ties


def wins(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
    return np.ones(len(position))


def loses(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
    return np.zeros(len(position))


def test_without_each_judge_in_turn() -> None:
    found = leave_one_judge_out(cells(design([wins, wins, loses])))
    assert found is not None
    assert (found.low, found.low_without) == (0.5, "j00")
    assert (found.high, found.high_without) == (1.0, "j02")


def test_one_judge_cannot_be_left_out() -> None:
    assert leave_one_judge_out(cells(design([wins]))) is None


def test_without_each_source_in_turn() -> None:
    means, source = np.array([1.0, 1.0, 0.0, 0.5]), np.array([0, 0, 1, 2])
    found = leave_one_source_out(means, source, ("a", "b", "c", "unused"))
    assert found is not None
    assert (found.low, found.low_without) == (0.25, "a")
    assert found.high == pytest.approx(2.5 / 3)
    assert found.high_without == "b"
    assert found.members == 3
    assert leave_one_source_out(means, np.zeros(4, int), ("a",)) is None


def test_the_majority_sharpens() -> None:
    table = design([wins, wins, loses])
    found = majority_means(cells(table))
    assert found is not None
    assert found.mean.tolist() == [1.0] * 24
    assert prompt_means(cells(table)).mean == pytest.approx(np.full(24, 2 / 3))


def test_a_flipped_pair_and_a_tie_are_no_vote_for_a_side() -> None:
    found = majority_means(cells(design([first, ties, wins])))
    assert found is not None
    assert found.mean.tolist() == [1.0] * 24
    split = majority_means(cells(design([wins, loses])))
    assert split is not None
    assert split.mean.tolist() == [0.5] * 24
    assert majority_means(cells(design([wins]))) is None


def test_samples_vote_apart() -> None:
    table = design([coin(0.5), coin(0.5), coin(0.5)], samples=4)
    found = majority_means(cells(table))
    assert found is not None
    assert np.isin(found.mean * 8, np.arange(9)).all()
