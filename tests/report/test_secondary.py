"""The number looked at in other ways, in sentences."""

from __future__ import annotations

from brie.report.secondary import rewards, robustness
from tests.report import sample


def test_every_second_look_becomes_a_sentence() -> None:
    base = sample.analysis()
    assert base.win_rate is not None
    analysis = sample.analysis(
        majority=sample.rate(0.74, 0.63, 0.81, 40),
        ranges={
            "judges": {"low": 0.68, "high": 0.73, "low_without": "a", "high_without": "b", "members": 3},
            "sources": None,
        },
        categories={
            "p_value": 0.00001,
            "f": 9.0,
            "categories": 4,
            "prompts": 40,
            "method": "permutation-f",
        },
        win_rate=base.win_rate.model_copy(update={"soft_interval": (0.66, 0.75)}),
        variance={
            "next_best": "prompts",
            "purchases": [
                {"what": "prompts", "half_width": 0.043},
                {"what": "samples", "half_width": 0.056},
            ],
        },
    )
    said = robustness(analysis)
    assert said[0] == "By majority vote of the panel the win rate is 74 % (63 to 81)."
    assert said[1] == (
        "Leaving out one judge moves the win rate to between 68 (without a) and 73 (without b)."
    )
    assert said[2] == "The categories differ (permutation test, p < .0001)."
    assert "66 to 75" in said[3]
    assert said[4].endswith(
        "on prompts to about ±4 points, on samples to about ±6 points: prompts narrow it most."
    )


def test_what_was_not_computed_is_not_said() -> None:
    assert robustness(sample.analysis()) == []


def test_no_clear_advice_is_no_advice() -> None:
    bought = [{"what": "prompts", "half_width": 0.04}]
    (said,) = robustness(sample.analysis(variance={"next_best": None, "purchases": bought}))
    assert said == "Spending as much again would bring the interval on prompts to about ±4 points."
    fine = {"next_best": None, "purchases": [{"what": "prompts", "half_width": 0.01}]}
    assert robustness(sample.analysis(variance=fine))[0].endswith("to about ±1 point.")


def test_rewards_are_listed_strongest_first_by_judge() -> None:
    shared = {"level": 0.95, "deviation": 1.0, "alone": False}
    text = {
        "lists": {"effect": 0.02, "low": -0.01, "high": 0.05, **shared},
        "length": {"effect": -0.2, "low": -0.3, "high": -0.1, **shared},
    }
    analysis = sample.analysis(by_judge={"j": {"rewards": {"text": text}}, "k": {"rewards": None}})
    assert [(t.judge, t.difference) for t in rewards(analysis)] == [("j", "length"), ("j", "lists")]
