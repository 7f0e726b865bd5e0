"""The verdict rule: both conditions for better or worse, evidence for equivalent."""

from __future__ import annotations

import pytest

from brie.analyse.verdict import Ability, decide, decide_sequential
from brie.records.analysis import WinRate

ABLE = Ability(damaged_low=0.8, flip_rate=0.1, tie_share=0.1)


def rate(
    low: float | None, high: float | None, p: float, ninety: tuple[float, float] | None = None
) -> WinRate:
    value = 0.5 if low is None or high is None else (low + high) / 2
    return WinRate(
        value=value, low=low, high=high, level=0.95, method="cluster-bootstrap-plus-one",
        resamples="exact", prompts=40, effective_n=40, p_value=p, bounds=(value, value),
        interval_90=ninety,
    )  # fmt: skip


def test_better_needs_test_and_interval() -> None:
    assert decide(rate(0.55, 0.8, 0.01), ABLE).word == "better"
    assert decide(rate(0.2, 0.45, 0.01), ABLE).word == "worse"


def test_one_condition_alone_is_undecided_and_the_reason_says_which() -> None:
    only_test = decide(rate(0.48, 0.8, 0.01), ABLE)
    assert only_test.word == "undecided"
    assert "test rejects" in only_test.reason
    assert "contains 50 %" in only_test.reason
    only_interval = decide(rate(0.52, 0.8, 0.2), ABLE)
    assert only_interval.word == "undecided"
    assert "excludes 50 %" in only_interval.reason
    assert "does not reject" in only_interval.reason
    neither = decide(rate(0.4, 0.7, 0.4), ABLE)
    assert neither.word == "undecided"


def test_an_interval_that_ends_at_one_half_contains_it() -> None:
    assert decide(rate(0.5, 0.8, 0.01), ABLE).word == "undecided"
    assert decide(rate(0.5 + 1e-13, 0.8, 0.01), ABLE).word == "undecided"


def test_better_within_the_margin_says_so() -> None:
    found = decide(rate(0.505, 0.545, 0.01, (0.51, 0.54)), ABLE)
    assert found.word == "better"
    assert "by less than 5 points" in found.reason


def test_equivalent_needs_judges_shown_able_to_tell() -> None:
    narrow = rate(0.46, 0.54, 0.8, (0.465, 0.535))
    assert decide(narrow, ABLE).word == "equivalent"


@pytest.mark.parametrize(
    ("ability", "reason"),
    [
        (Ability(None, 0.1, 0.1), "controls were not run"),
        (Ability(0.5, 0.1, 0.1), "damaged baseline"),
        (Ability(0.8, None, 0.1), "how often verdicts flip with the order is not known"),
        (Ability(0.8, 0.5, 0.1), "change when the sides are exchanged"),
        (Ability(0.8, 0.1, 0.5), "ties"),
        (Ability(0.8, 0.1, None), "ties"),
    ],
)
def test_without_that_evidence_it_stays_undecided(ability: Ability, reason: str) -> None:
    found = decide(rate(0.46, 0.54, 0.8, (0.465, 0.535)), ability)
    assert found.word == "undecided"
    assert reason in found.reason


def test_an_interval_that_touches_the_margin_shows_nothing() -> None:
    assert decide(rate(0.44, 0.56, 0.8, (0.451, 0.549)), ABLE).word == "equivalent"
    assert decide(rate(0.44, 0.56, 0.8, (0.45, 0.549)), ABLE).word == "undecided"
    assert decide(rate(0.44, 0.56, 0.8, (0.451, 0.55)), ABLE).word == "undecided"


@pytest.mark.parametrize(
    ("bounds", "word"), [((0.451, 0.549), "equivalent"), ((0.449, 0.549), "undecided")]
)
def test_the_one_sided_bounds_must_lie_inside_as_well(bounds: tuple[float, float], word: str) -> None:
    seen = rate(0.44, 0.56, 0.8, (0.46, 0.54)).model_copy(update={"one_sided": bounds})
    assert decide(seen, ABLE).word == word


def test_too_few_prompts_for_an_interval() -> None:
    found = decide(rate(None, None, 0.01), ABLE)
    assert found.word == "undecided"
    assert "too few prompts" in found.reason


def test_with_early_stopping_the_e_process_alone_decides() -> None:
    assert decide_sequential(rate(0.52, 0.9, 0.001), True, 30).word == "better"
    assert decide_sequential(rate(0.1, 0.4, 0.001), True, 30).word == "worse"
    assert "stopped early" in decide_sequential(rate(0.52, 0.9, 0.001), True, 30).reason
    assert decide_sequential(rate(0.4, 0.6, 0.5), False, None).word == "undecided"
