"""Planning from a pilot: an upper limit of its variance, and what it could not measure is said."""

from __future__ import annotations

import pytest

from brie.analyse.pilot import assumed, measured_ratio
from brie.analyse.power import variance_ratio
from brie.records.estimates import VarianceComponents

SPREAD = 0.6 * 0.4
Z90, Z975 = 1.2815516, 1.9599640


def components(**changes: object) -> VarianceComponents:
    made: dict[str, object] = {
        "prompt": 0.06, "sample": 0.06, "prompt_judge": 0.03, "noise": 0.09, "samples": 3, "judges": 3,
        "intervals": {
            "prompt": (0.02, 0.09), "sample": (0.03, 0.10), "prompt_judge": (0.0, 0.05),
            "noise": (0.05, 0.13),
        },
    }  # fmt: skip
    return VarianceComponents.model_validate({**made, **changes})


def exact(**changes: object) -> VarianceComponents:
    """Components known without error: each limit lies on its component."""
    parts = components(**changes)
    values = {n: getattr(parts, n) for n in ("prompt", "sample", "prompt_judge", "noise")}
    return components(
        **{**changes, "intervals": {n: (v, v) for n, v in values.items() if v is not None}}
    )


def test_components_known_without_error_are_the_sum_of_their_shares() -> None:
    assert measured_ratio(exact(), 1, rate=0.6) == pytest.approx((0.06 + 0.06 + 0.01 + 0.03) / SPREAD)
    assert measured_ratio(exact(), 3, rate=0.6) == pytest.approx((0.06 + 0.02 + 0.01 + 0.01) / SPREAD)


def test_the_limit_lies_above_the_point_by_the_root_of_the_sum_of_squares() -> None:
    above = (0.03**2 + (0.04 / 3) ** 2 + (0.02 / 3) ** 2 + (0.04 / 9) ** 2) ** 0.5
    expected = (0.06 + 0.02 + 0.01 + 0.01 + above * Z90 / Z975) / SPREAD
    assert measured_ratio(components(), 3, rate=0.6) == pytest.approx(expected)


def test_a_wider_interval_asks_for_more_prompts() -> None:
    wide = components(intervals={**components().intervals, "prompt": (0.0, 0.14)})
    ratios = [measured_ratio(parts, 3, rate=0.6) for parts in (exact(), components(), wide)]
    assert ratios == sorted(ratios, key=lambda ratio: ratio or 0.0)
    assert len(set(ratios)) == 3


@pytest.mark.parametrize("judges", [1, 2])
def test_after_one_sample_a_prompt_what_more_samples_buy_is_assumed(judges: int) -> None:
    parts = exact(sample=None, prompt_judge=None, noise=0.02 if judges > 1 else None, samples=1,
                  judges=judges)  # fmt: skip
    one, five = (measured_ratio(parts, k, rate=0.6) for k in (1, 5))
    assert one is not None
    assert five == pytest.approx(one * variance_ratio(5))
    assert "assumed" in str(assumed(parts, (1, 3)))
    assert assumed(parts, (1,)) is None
    assert assumed(components(), (1, 3)) is None


def test_no_variance_and_no_interval_are_no_basis_for_a_plan() -> None:
    none = exact(prompt=0.0, sample=0.0, prompt_judge=0.0, noise=0.0)
    assert measured_ratio(none, 3, rate=0.5) is None
    assert measured_ratio(components(intervals={}), 3, rate=0.6) is None
