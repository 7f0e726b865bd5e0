"""Numbers never say more, or less, than they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.report import numbers


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.706, "71"),
        (0.5, "50"),
        (0.503, "50.3"),
        (0.4999, "49.99"),
        (0.50001, "50.01"),
        (0.9998, "99.9"),
        (0.0002, "0.1"),
        (1.0, "100"),
        (0.997, "99.7"),
        (0.0, "0"),
        (0.004, "0.4"),
        (0.62, "62"),
    ],
)
def test_points(rate: float, text: str) -> None:
    assert numbers.points(rate) == text


@given(st.floats(0, 1))
def test_fifty_is_printed_only_for_a_half(rate: float) -> None:
    if rate != 0.5 and abs(rate - 0.5) > 1e-12:
        assert numbers.points(rate) != "50"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.00021, ".00021"),
        (0.00001, "< .0001"),
        (0.0312, ".031"),
        (0.5, ".50"),
        (1.0, "1"),
        (0.0499, ".05"),
    ],
)
def test_p_values(p: float, text: str) -> None:
    assert numbers.p_value(p) == text


def test_effects_carry_their_sign() -> None:
    assert numbers.signed(0.037) == "+3.7"
    assert numbers.signed(-0.004) == "−0.4"
    assert numbers.signed(-0.0001) == "0.0"


def test_lists_read_like_sentences() -> None:
    assert [numbers.listed(n) for n in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_counting() -> None:
    assert numbers.plural(1, "prompt") == "1 prompt"
    assert numbers.plural(2000, "prompt") == "2,000 prompts"
    assert numbers.counted(3) == "three"
    assert numbers.dollars(0.0004) == "$0.0004"
