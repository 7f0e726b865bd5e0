"""Planted biases give their closed-form effects; what a design cannot tell gets no number."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.arrays import Floats, Ints
from brie.analyse.cells import cells, prompt_means
from brie.analyse.position import Presentation, presentation_effects
from brie.analyse.table import VerdictTable
from tests.analyse.tables import (
    Judge,
    always_a,
    always_b,
    coin,
    design,
    first,
    often,
    one_verdict_each,
    second,
    ties,
)


def effects(table: VerdictTable) -> Presentation:
    return presentation_effects(table, cells(table))


@pytest.mark.parametrize(
    ("judge", "position", "label"),
    [(first, 1, 0), (second, -1, 0), (always_a, 0, 1), (always_b, 0, -1), (ties, 0, 0)],
)
def test_a_judge_that_only_looks_at_the_presentation(
    judge: Judge, position: float, label: float
) -> None:
    table = design([judge], prompts=40)
    found = effects(table)
    assert found.position.effect == pytest.approx(position, abs=1e-12)
    assert found.label.effect == pytest.approx(label, abs=1e-12)
    assert found.layout.effect == pytest.approx(0, abs=1e-12)
    assert (prompt_means(cells(table)).mean == 0.5).all()


@pytest.mark.parametrize("judge", [first, second, always_a, always_b])
def test_such_a_judge_changes_every_winner_when_the_sides_are_exchanged(judge: Judge) -> None:
    found = effects(design([judge], prompts=40)).flips
    assert found.rate == 1.0
    assert found.first + found.second == 40


def test_a_bias_of_known_size_is_recovered_and_the_candidate_effect_stays_unbiased() -> None:
    """A third of the verdicts take the first answer; the rest name the candidate in 70 %."""
    table = design([often(first, 1 / 3, 0.7)], prompts=6000, seed=5)
    found = effects(table)
    assert found.position.effect == pytest.approx(1 / 3, abs=0.03)
    assert found.position.low is not None
    assert found.position.high is not None
    assert found.position.low < 1 / 3 < found.position.high
    assert found.label.effect == pytest.approx(0, abs=0.03)
    assert prompt_means(cells(table)).mean.mean() == pytest.approx(1 / 6 + 2 / 3 * 0.7, abs=0.015)
    letter = effects(design([often(always_b, 0.25, 0.6)], prompts=6000, seed=6))
    assert letter.label.effect == pytest.approx(-0.25, abs=0.03)


def test_intervals_cover_no_effect() -> None:
    covered = 0
    for seed in range(200):
        found = effects(design([coin(0.7)], prompts=30, seed=seed)).position
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0 <= found.high
    assert covered >= 180


def test_layout_shows_a_judge_confused_by_a_b_that_stands_first() -> None:
    def confused(position: Ints, label: Ints, rng: np.random.Generator) -> Floats:
        return (position * label + 1) / 2

    found = effects(design([confused], prompts=40))
    assert found.layout.effect == pytest.approx(1, abs=1e-12)
    assert found.position.effect == pytest.approx(0, abs=1e-12)


def with_cells(cells_shown: list[tuple[int, int]]) -> Presentation:
    """Forty prompts that go through the given (position, label) cells in turn."""
    position, label = zip(*(cells_shown[i % len(cells_shown)] for i in range(40)), strict=True)
    scores = np.random.default_rng(0).integers(0, 2, 40).astype(float)
    return effects(one_verdict_each(scores, position=position, label=label))


def test_a_letter_tied_to_the_order_leaves_neither_identified() -> None:
    for tied in ([(1, 1), (-1, -1)], [(1, -1), (-1, 1)]):
        found = with_cells(tied)
        assert not found.position.identified
        assert not found.label.identified
        assert found.position.effect is None
        assert found.label.effect is None


def test_one_order_only_leaves_position_unidentified() -> None:
    found = with_cells([(1, 1), (1, -1)])
    assert not found.position.identified
    assert "one order" in found.reasons["position"]
    assert not found.layout.identified


def test_a_letter_tied_to_the_side_leaves_the_letter_unidentified() -> None:
    """The original project: "A" was always the base."""
    found = with_cells([(1, -1), (-1, -1)])
    assert not found.label.identified
    assert found.position.identified
    assert found.position.effect is not None


def test_what_was_not_recorded_is_said() -> None:
    found = effects(one_verdict_each([1.0] * 10))
    assert "says how" in found.reasons["position"] or "not recorded" in found.reasons["position"]
    assert not found.label.identified
    assert found.flips.rate is None


def test_mcnemar_on_the_flips_of_the_reference() -> None:
    """63 pairs judged in both orders: 9 flips favour the first answer, 4 the second."""
    pairs = [(1.0, 0.0)] * 9 + [(0.0, 1.0)] * 4 + [(1.0, 1.0)] * 50
    table = design([ties], prompts=63)
    scores = table.score.copy()
    for prompt, (when_first, when_second) in enumerate(pairs):
        own = table.prompt == prompt
        scores[own & (table.position == 1)] = when_first
        scores[own & (table.position == -1)] = when_second
    found = effects(design([ties], prompts=63, score=scores)).flips
    assert (found.first, found.second, found.compared) == (9, 4, 63)
    assert found.rate == pytest.approx(13 / 63)
    assert found.p_value == pytest.approx(0.266846, abs=1e-6)


def test_identical_answers_say_nothing_about_position() -> None:
    table = design([first], prompts=20)
    marked = table.prompt < 5
    found = effects(
        design([first], prompts=20, score=np.where(marked, 0.5, table.score), identical=marked)
    )
    assert found.position.effect == pytest.approx(1, abs=1e-12)
    assert found.flips.compared == 15
