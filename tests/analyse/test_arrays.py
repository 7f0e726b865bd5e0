"""Codes that occur, and places among them: as NumPy gives them, close together or far apart."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from brie.analyse.arrays import distinct, present, ranked


@given(st.lists(st.integers(-40, 40) | st.integers(-(10**12), 10**12), max_size=30))
@settings(deadline=None, max_examples=200)
def test_codes_that_occur_are_those_of_numpy(codes: list[int]) -> None:
    column = np.array(codes, np.int64)
    known, place = np.unique(column, return_inverse=True)
    assert present(column).tolist() == known.tolist()
    assert distinct(column) == len(known)
    assert [each.tolist() for each in ranked(column)] == [known.tolist(), place.tolist()]
