"""From verdicts to prompt means: judges over samples over both orders; half comparisons leave."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.cells import cells, judge_means, prompt_means
from brie.analyse.table import StatusCode, VerdictTable
from tests.analyse.tables import coin, design, names


def build(rows: list[tuple[int, int, int, int, float]], *, both: bool = True) -> VerdictTable:
    """Rows of (prompt, judge, sample, position, score); NaN is an invalid verdict."""
    prompt, judge, sample, position, score = zip(*rows, strict=True)
    return VerdictTable.build(
        prompts=names("p", max(prompt) + 1), judges=names("j", max(judge) + 1),
        prompt=prompt, judge=judge, sample=sample, position=position, label=position, score=score,
        both_orders=both,
    )  # fmt: skip


def test_the_mean_is_nested_judges_over_samples_over_orders() -> None:
    """Judge 0 saw two samples (means 1 and 1/2), judge 1 one (mean 0): (3/4 + 0) / 2."""
    table = build([
        (0, 0, 0, 1, 1), (0, 0, 0, -1, 1), (0, 0, 1, 1, 1), (0, 0, 1, -1, 0),
        (0, 1, 0, 1, 0), (0, 1, 0, -1, 0),
    ])  # fmt: skip
    assert prompt_means(cells(table)).mean.tolist() == [0.375]


def test_a_comparison_judged_in_one_order_leaves_the_mean() -> None:
    table = build([(0, 0, 0, 1, 1), (0, 0, 0, -1, 0), (0, 0, 1, 1, 1), (0, 0, 1, -1, np.nan)])
    found = cells(table)
    assert found.half.tolist() == [False, True]
    assert prompt_means(found).mean.tolist() == [0.5]


def test_designs_of_one_order_average_what_they_have() -> None:
    table = build([(0, 0, 0, 1, 1), (0, 0, 1, -1, 0), (0, 0, 2, 1, np.nan)], both=False)
    assert prompt_means(cells(table)).mean.tolist() == [0.5]
    assert not cells(table).half.any()


def test_averaging_what_is_there_would_be_biased_and_complete_pairs_are_not() -> None:
    """Position bias, and failures only where the candidate stands first (docs/statistics.md 1.1)."""
    rng = np.random.default_rng(11)
    prompts = 40_000
    position = np.tile([1, -1], prompts)
    score = (rng.random(2 * prompts) < 0.5 + 0.15 * position).astype(float)
    score[(position == 1) & (rng.random(2 * prompts) < 0.2)] = np.nan
    table = VerdictTable.build(
        prompts=[str(i) for i in range(prompts)], judges=["j"], prompt=np.repeat(np.arange(prompts), 2),
        judge=np.zeros(2 * prompts, int), score=score, position=position, label=position,
        both_orders=True,
    )  # fmt: skip
    assert prompt_means(cells(table)).mean.mean() == pytest.approx(0.5, abs=0.006)
    assert np.nanmean(score) < 0.49


def test_missing_verdicts_at_the_extremes() -> None:
    table = build([(0, 0, 0, 1, 1), (0, 0, 0, -1, np.nan), (1, 0, 0, 1, np.nan), (1, 0, 0, -1, np.nan)])
    low, high = (prompt_means(cells(table, value)) for value in (0.0, 1.0))
    assert low.mean.tolist() == [0.5, 0.0]
    assert high.mean.tolist() == [1.0, 1.0]
    assert len(prompt_means(cells(table))) == 0


def test_identical_answers_are_complete_ties_even_without_a_position() -> None:
    table = VerdictTable.build(
        prompts=["p"], judges=["j"], prompt=[0], judge=[0], score=[0.5], identical=[True],
        both_orders=True,
    )  # fmt: skip
    assert prompt_means(cells(table)).mean.tolist() == [0.5]


def test_repeats_never_enter() -> None:
    table = VerdictTable.build(
        prompts=["p"], judges=["j"], prompt=[0, 0, 0], judge=[0, 0, 0], score=[1, 1, 0],
        position=[1, -1, 1], label=[1, -1, 1], repeat=[0, 0, 1], both_orders=True,
    )  # fmt: skip
    assert prompt_means(cells(table)).mean.tolist() == [1.0]


def test_sparse_sample_numbers_cost_nothing() -> None:
    table = build([(0, 0, 10**12, 1, 1), (0, 0, 10**12, -1, 0), (5, 1, 3, 1, 1), (5, 1, 3, -1, 1)])
    assert prompt_means(cells(table)).mean.tolist() == [0.5, 1.0]
    assert cells(table).sample.tolist() == [10**12, 3]


def test_judge_means_are_nan_where_a_judge_has_none() -> None:
    table = build([(0, 0, 0, 1, 1), (0, 0, 0, -1, 1), (1, 1, 0, 1, 0), (1, 1, 0, -1, 0)])
    found = judge_means(cells(table))
    assert np.isnan(found).tolist() == [[False, True], [True, False]]


def test_duplicated_verdicts_leave_every_prompt_mean_where_it_was() -> None:
    table = design([coin(0.7), coin(0.6)], samples=2)
    twice = table.select(np.repeat(np.arange(len(table.score)), 2))
    assert prompt_means(cells(twice)).mean == pytest.approx(prompt_means(cells(table)).mean, abs=1e-12)


def test_scores_outside_the_range_are_invalid_verdicts() -> None:
    table = VerdictTable.build(
        prompts=["p"], judges=["j"], prompt=[0, 0, 0], judge=[0, 0, 0], score=[1.7, -0.1, 1.0],
        both_orders=False,
    )  # fmt: skip
    assert table.status.tolist() == [StatusCode.INVALID, StatusCode.INVALID, StatusCode.OK]
    assert table.status_counts()["invalid"] == 2


def test_a_table_with_columns_that_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="position"):
        VerdictTable.build(
            prompts=["p"], judges=["j"], prompt=[0, 0], judge=[0, 0], score=[1, 0], position=[1],
            both_orders=False,
        )  # fmt: skip
    with pytest.raises(ValueError, match="prompt code"):
        VerdictTable.build(
            prompts=["p"], judges=["j"], prompt=[1], judge=[0], score=[1], both_orders=False
        )
    with pytest.raises(ValueError, match="twice"):
        VerdictTable.build(
            prompts=["p", "p"], judges=["j"], prompt=[0], judge=[0], score=[1], both_orders=False
        )
