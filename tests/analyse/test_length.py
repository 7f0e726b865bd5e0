"""The length-controlled rate: the reference fit, planted length bias, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.arrays import Floats, Ints
from brie.analyse.length import length_controlled
from brie.records.estimates import LengthControlled
from tests.analyse.tables import REFERENCE


def fit(*arguments: object) -> LengthControlled:
    found = length_controlled(*(np.asarray(a) for a in arguments))
    assert isinstance(found, LengthControlled), found
    return found


def test_the_reference() -> None:
    data = REFERENCE["length_glm"]
    found = fit(data["y"], data["dlen"], 2 * np.array(data["pos"]), np.repeat(np.arange(20), 2))
    assert round(found.value, 6) == 0.706402
    assert (round(found.low, 6), round(found.high, 6)) == (0.512262, 0.846432)
    assert found.raw == 0.7625
    assert round(found.coefficient, 6) == 2.106558
    assert not found.ridge
    assert found.n == 20


def longer_wins(prompts: int, seed: int) -> tuple[Floats, Floats, Ints, Ints]:
    """A judge that follows length only; the candidate's answers are longer on average."""
    rng = np.random.default_rng(seed)
    length = np.repeat(rng.normal(40, 100, prompts), 2)
    chance = 1 / (1 + np.exp(-2.5 * np.tanh(length / length.std())))
    score = (rng.random(2 * prompts) < chance).astype(float)
    return score, length, np.tile([1, -1], prompts), np.repeat(np.arange(prompts), 2)


def test_a_preference_for_length_is_taken_out() -> None:
    found = fit(*longer_wins(1500, 3))
    assert found.raw > 0.58
    assert found.value == pytest.approx(0.5, abs=0.04)
    assert found.coefficient == pytest.approx(2.5, abs=0.4)
    assert found.overlap_ok


def test_intervals_cover_with_thirty_prompts() -> None:
    covered = sum(
        found.low <= 0.5 <= found.high for found in (fit(*longer_wins(30, s)) for s in range(200))
    )
    assert covered >= 180


def test_a_change_of_more_than_ten_points_is_flagged() -> None:
    score, length, position, prompt = longer_wins(800, 4)
    found = fit(score, length + 60, position, prompt)
    assert found.large_change == (abs(found.value - found.raw) > 0.1)
    assert found.large_change


def test_poor_overlap_is_flagged() -> None:
    rng = np.random.default_rng(5)
    length = rng.uniform(10, 300, 60)
    length[:3] = -20
    found = fit((rng.random(60) < 0.7).astype(float), length, np.tile([1, -1], 30), np.arange(60))
    assert not found.overlap_ok


def test_separation_is_met_with_a_ridge_and_said() -> None:
    length = np.concatenate([np.full(15, 50.0), np.full(15, -50.0)])
    score = (length > 0).astype(float)
    found = fit(score, length, np.tile([1, -1], 15), np.arange(30))
    assert found.ridge
    assert 0.3 < found.value < 0.7
    assert np.isfinite([found.low, found.high, found.coefficient]).all()


def test_exchanging_the_sides_mirrors_the_rate() -> None:
    score, length, position, prompt = longer_wins(60, 8)
    one, other = fit(score, length, position, prompt), fit(1 - score, -length, -position, prompt)
    assert one.value == pytest.approx(1 - other.value, abs=1e-9)
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)
    assert one.coefficient == pytest.approx(other.coefficient, abs=1e-8)


@pytest.mark.parametrize(
    ("score", "length", "reason"),
    [
        (np.ones(20), np.arange(20.0), "every verdict is the same"),
        (np.tile([0.5, 1.0], 10), np.arange(20.0), "ties only"),
        (np.tile([0.0, 1.0], 10), np.zeros(20), "never differ in length"),
        (np.tile([0.0, 1.0], 10), np.full(20, 7.0), "is longer by the same amount (7)"),
        (np.tile([0.0, 1.0], 10), np.full(20, -7.0), "is shorter by the same amount (7)"),
        (np.zeros(0), np.zeros(0), "no usable verdicts"),
    ],
)
def test_where_there_is_no_rate_the_reason_is_given(score: Floats, length: Floats, reason: str) -> None:
    index = np.arange(len(score))
    found = length_controlled(score, length, np.where(index % 2, 1, -1), index)
    assert isinstance(found, str)
    assert reason in found
