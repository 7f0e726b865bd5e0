"""Benchmarks compared by document: intervals that hold together, and what follows from them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from brie.analyse.benchmarks import Scores, compare_tasks
from brie.analyse.win_rate import Settings

FAST = Settings(resamples=199, flips=199)


def scores(candidate: list[float], baseline: list[float]) -> Scores:
    return Scores(np.array(candidate, np.float64), np.array(baseline, np.float64))


def planted(documents: int, *, lost: int, won: int = 0) -> Scores:
    """Documents that both have right, but for those that one side alone has."""
    candidate, baseline = [1.0] * documents, [1.0] * documents
    candidate[:lost] = [0.0] * lost
    baseline[lost : lost + won] = [0.0] * won
    return scores(candidate, baseline)


def test_one_task_has_the_t_interval_of_its_differences_and_two_imagined_ones() -> None:
    made = compare_tasks({"one": planted(60, lost=9, won=2)}, FAST, 1)["one"]
    full = np.array([-1.0] * 9 + [1.0] * 2 + [0.0] * 49 + [1.0, -1.0])
    half = stats.t.ppf(0.975, 59) * full.std(ddof=1) / len(full) ** 0.5
    assert made.difference.value == pytest.approx(-7 / 60)
    assert made.difference.low == pytest.approx(full.mean() - half)
    assert made.difference.high == pytest.approx(full.mean() + half)
    assert made.candidate.value == pytest.approx(51 / 60)
    assert made.baseline.value == pytest.approx(58 / 60)


def test_exchanging_the_sides_mirrors_everything() -> None:
    one = compare_tasks({"a": planted(40, lost=6), "b": planted(25, lost=1, won=4)}, FAST, 1)
    turned = {n: Scores(s.baseline, s.candidate) for n, s in
              {"a": planted(40, lost=6), "b": planted(25, lost=1, won=4)}.items()}  # fmt: skip
    for name, other in compare_tasks(turned, FAST, 1).items():
        assert other.difference.low is not None
        assert one[name].difference.high == pytest.approx(-other.difference.low)
        assert one[name].p_adjusted == pytest.approx(other.p_adjusted)


def test_among_many_tasks_an_interval_is_wider_and_excludes_nothing_exactly_where_p_says_so() -> None:
    alone = compare_tasks({"fell": planted(80, lost=8)}, FAST, 1)["fell"].difference
    tasks = {"fell": planted(80, lost=8)} | {f"even {n}": planted(80, lost=3, won=3) for n in range(5)}
    among = compare_tasks(tasks, FAST, 1)
    wider = among["fell"].difference
    assert alone.low is not None
    assert alone.high is not None
    assert wider.low is not None
    assert wider.low < alone.low
    for made in among.values():
        gap = made.difference
        assert gap.low is not None
        assert gap.high is not None
        assert (made.p_adjusted < 0.05) == (gap.low > 0 or gap.high < 0)


def test_few_documents_have_no_interval() -> None:
    made = compare_tasks({"few": planted(7, lost=7)}, FAST, 1)["few"]
    assert (made.difference.low, made.candidate.high) == (None, None)
    assert made.p_adjusted < 0.05


def test_documents_that_never_differ_still_have_an_interval_with_a_width() -> None:
    gap = compare_tasks({"same": planted(30, lost=0)}, FAST, 1)["same"].difference
    assert gap.low is not None
    assert gap.high is not None
    assert gap.low < -0.05
    assert gap.high > 0.05


def test_the_interval_holds_where_few_documents_differ() -> None:
    rng, held = np.random.default_rng(7), 0
    for _ in range(400):
        luck = rng.random(50)
        made = compare_tasks({"t": scores(list(luck < 0.85), list(luck < 0.9))}, FAST, 1)["t"].difference
        held += (made.low or 0.0) <= -0.05 <= (made.high or 0.0)
    assert held / 400 > 0.93
