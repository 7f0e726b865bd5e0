"""Adjusted p-values: the literals of docs/statistics.md 12.6."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm

P = np.array([0.001, 0.008, 0.039, 0.041, 0.20, 0.62])


def test_the_reference() -> None:
    assert holm(P) == pytest.approx([0.006, 0.04, 0.156, 0.156, 0.4, 0.62])
    assert benjamini_hochberg(P) == pytest.approx([0.006, 0.024, 0.0615, 0.0615, 0.24, 0.62])
    assert benjamini_yekutieli(P) == pytest.approx([0.0147, 0.0588, 0.150675, 0.150675, 0.588, 1.0])


def test_the_order_of_questions_is_irrelevant() -> None:
    order = np.array([3, 0, 5, 1, 4, 2])
    for adjust in (holm, benjamini_hochberg, benjamini_yekutieli):
        assert adjust(P[order]) == pytest.approx(adjust(P)[order])


def test_one_question_stays_as_it_is_and_none_is_fine() -> None:
    assert holm(np.array([0.03])).tolist() == [0.03]
    assert holm(np.zeros(0)).tolist() == []
