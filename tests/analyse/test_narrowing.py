"""What narrows people's rate: the formula of the anchored rate, and one judge more."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from brie.analyse.anchored import Labels, new_prompts
from brie.analyse.arrays import t_quantile
from brie.analyse.narrowing import Anchored, one_more_judge

NOW = Anchored(votes=60, others=140, correlation=0.6, half_width=0.1)


def test_more_votes_narrow_as_the_formula_says() -> None:
    """t(59) sqrt((1 - .36 * 140/200) / 60) now, t(109) sqrt((1 - .36 * 90/200) / 110) after 50 more."""
    now = t_quantile(0.975, 59) * sqrt((1 - 0.36 * 0.7) / 60)
    then = t_quantile(0.975, 109) * sqrt((1 - 0.36 * 0.45) / 110)
    assert NOW.with_votes(50) == pytest.approx(0.1 * then / now)


def test_more_prompts_narrow_as_the_formula_says() -> None:
    saved = sqrt((1 - 0.36 * 190 / 250) / (1 - 0.36 * 0.7))
    assert NOW.with_prompts(50) == pytest.approx(0.1 * saved)


def test_judges_that_say_nothing_of_people_make_prompts_worth_nothing() -> None:
    for correlation in (0.0, -0.4):
        blind = Anchored(votes=60, others=140, correlation=correlation, half_width=0.1)
        assert blind.with_prompts(1000) == pytest.approx(0.1)
        assert blind.with_votes(60) == pytest.approx(
            0.1 * t_quantile(0.975, 119) / t_quantile(0.975, 59) / sqrt(2)
        )


def test_nobody_votes_on_more_prompts_than_there_are() -> None:
    assert NOW.with_votes(500) == NOW.with_votes(140)


def test_one_more_judge_by_spearman_and_brown() -> None:
    """rho_1 = .5 and c = .4 give rho_2^2 = .25 * 2 / 1.4 and rho_3^2 = .25 * 3 / 1.8."""
    assert one_more_judge(2, panel=sqrt(0.5 / 1.4), alone=0.5) == pytest.approx(sqrt(0.75 / 1.8))
    assert one_more_judge(3, panel=0.5, alone=0.5) == pytest.approx(0.5)
    assert one_more_judge(2, panel=-0.1, alone=0.2) == -0.1
    with pytest.raises(ValueError, match="cannot be known from one"):
        one_more_judge(1, panel=0.5, alone=0.5)


def test_the_promise_is_kept_by_the_rate_itself() -> None:
    rng = np.random.default_rng(4)
    chance = rng.beta(1.0, 0.7, (200, 400))
    people = (rng.random((200, 400)) < chance).astype(float)
    judged = (rng.random((200, 400, 3)) < chance[:, :, None]).mean(axis=2)

    def half(suites: int, votes: int) -> float:
        rates = [
            new_prompts(Labels(y[:votes], f[:votes], f[votes:]))
            for y, f in zip(people[:suites], judged[:suites], strict=True)
        ]
        return float(np.mean([(rate.high - rate.low) / 2 for rate in rates]))

    rho = float(np.corrcoef(people.ravel(), judged.ravel())[0, 1])
    design = Anchored(votes=60, others=340, correlation=rho, half_width=half(200, 60))
    assert design.with_votes(60) == pytest.approx(half(200, 120), rel=0.03)
