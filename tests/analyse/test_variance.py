"""Variance components: the reference table, the identity with var(c)/G, and what to buy next."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.arrays import Floats, Ints
from brie.analyse.bootstrap import PromptBootstrap
from brie.analyse.cells import cells, prompt_means
from brie.analyse.table import VerdictTable
from brie.analyse.variance import (
    Cost,
    Variance,
    components,
    mean_squares,
    variance_components,
    variance_of_win_rate,
)
from tests.analyse.tables import REFERENCE, Judge, coin, design

TABLE = np.array(REFERENCE["anova"]["Y"])


def measured(table: VerdictTable, cost: Cost | None = None) -> Variance:
    drawn = PromptBootstrap.draw(len(table.prompts), np.random.default_rng(0), 999)
    found = variance_components(cells(table), drawn, cost=cost)
    assert isinstance(found, Variance), found
    return found


def test_the_mean_squares_of_the_reference() -> None:
    found = {name: round(float(value[0]), 6) for name, value in mean_squares(TABLE).items()}
    assert found == {"P": 0.174627, "S": 0.109878, "J": 0.115900, "PJ": 0.015807, "E": 0.018161}


def test_the_components_of_the_reference() -> None:
    prompts, samples, judges = TABLE.shape
    found = components(mean_squares(TABLE), samples, judges, prompts)
    assert {name: round(float(value[0]), 6) for name, value in found.items()} == {
        "noise": 0.018161, "prompt_judge": -0.001177, "sample": 0.030572, "prompt": 0.011184,
        "judge": 0.008341,
    }  # fmt: skip


@pytest.mark.parametrize("shape", [(6, 2, 3), (6, 2, 1), (6, 1, 3), (6, 1, 1)])
def test_the_components_add_up_to_the_variance_of_the_win_rate(shape: tuple[int, int, int]) -> None:
    prompts, samples, judges = shape
    table = TABLE[:, :samples, :judges]
    found = components(mean_squares(table), samples, judges, prompts)
    total = variance_of_win_rate(found, samples, judges, prompts)
    means = table.mean(axis=(1, 2))
    assert total[0] == pytest.approx(means.var(ddof=1) / prompts, abs=1e-12)


def test_the_reference_variance_of_the_mean() -> None:
    found = components(mean_squares(TABLE), 2, 3, 6)
    assert round(float(variance_of_win_rate(found, 2, 3, 6)[0]), 6) == 0.004851


def prompt_effects(chances: Floats) -> list[Judge]:
    """Judges that see the prompt only through its chance of a win; prompts come in order."""

    def judge(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
        chance = np.repeat(chances, len(position) // len(chances))
        return (rng.random(len(position)) < chance).astype(np.float64)

    return [judge, judge]


def test_where_prompts_differ_the_prompt_component_is_found() -> None:
    chances = np.tile([0.05, 0.95], 100)
    found = measured(design(prompt_effects(chances), prompts=200, samples=3))
    assert found.prompt.value == pytest.approx(0.2025, abs=0.02)
    assert found.prompt.low is not None
    assert found.prompt.high is not None
    assert found.prompt.low < 0.2025 < found.prompt.high
    assert found.sample is not None
    assert found.sample.value < 0.01
    assert found.order_noise == pytest.approx(0.0475, abs=0.01)
    assert found.next_best == "prompts"


def test_the_win_rate_variance_equals_that_of_the_prompt_means() -> None:
    table = design([coin(0.7), coin(0.6), coin(0.8)], prompts=40, samples=2)
    means = prompt_means(cells(table)).mean
    assert measured(table).win_rate == pytest.approx(means.var(ddof=1) / 40, abs=1e-12)


def test_with_one_judge_or_one_sample_components_merge() -> None:
    one_judge = measured(design([coin(0.7)], prompts=30, samples=2))
    assert one_judge.noise is None
    assert one_judge.judge is None
    assert one_judge.sample is not None
    one_sample = measured(design([coin(0.7), coin(0.5)], prompts=30))
    assert one_sample.sample is None
    assert one_sample.next_best is None
    assert [p.what for p in one_sample.purchases] == ["prompts"]


def test_samples_are_the_better_buy_where_writing_prompts_costs_more() -> None:
    table = design([coin(0.6)], prompts=200, samples=2)
    assert measured(table).purchases[0].what == "prompts"
    assert measured(table, cost=Cost(prompt=50.0)).next_best == "samples"


def test_prompts_with_a_missing_cell_are_left_out_and_counted() -> None:
    table = design([coin(0.7), coin(0.6)], prompts=20)
    scores = table.score.copy()
    scores[table.prompt < 3] = np.nan
    found = measured(design([coin(0.7), coin(0.6)], prompts=20, score=scores))
    assert (found.prompts, found.dropped) == (17, 3)


def test_too_few_prompts_give_a_reason() -> None:
    drawn = PromptBootstrap.draw(5, np.random.default_rng(0), 99)
    found = variance_components(cells(design([coin(0.7)], prompts=5)), drawn)
    assert isinstance(found, str)
    assert "too few prompts" in found
