"""Controls: A/A and a damaged baseline."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.controls import ControlTables, analyse_controls, damaged_low
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.records.estimates import ControlResults
from tests.analyse.tables import Judge, coin, design, first, ties
from tests.present import present

SETTINGS = Settings(resamples=499)


def controls(aa: VerdictTable | None, damaged: VerdictTable | None) -> ControlResults:
    return analyse_controls(ControlTables(aa, damaged), SETTINGS, 1)


def test_nothing_run_is_nothing_said() -> None:
    nothing = controls(None, None)
    assert nothing.model_dump(exclude_unset=True) == {}
    assert damaged_low(nothing) is None


def test_judges_that_recognise_the_damage() -> None:
    found = analyse_controls(ControlTables(damaged=design([coin(0.95), coin(0.9)])), SETTINGS, 1)
    assert present(found.damaged).recognised
    assert present(found.damaged).by_judge["j00"].recognised
    low = damaged_low(found)
    assert low is not None
    assert low > 0.5


@pytest.mark.parametrize("judge", [first, ties])
def test_judges_that_cannot_tell(judge: Judge) -> None:
    found = analyse_controls(ControlTables(damaged=design([judge])), SETTINGS, 1)
    assert not present(found.damaged).recognised
    low = damaged_low(found)
    assert low is not None
    assert low <= 0.5


def test_seven_controls_are_too_few_even_for_a_perfect_judge() -> None:
    few, enough = (
        analyse_controls(ControlTables(damaged=design([coin(1.0)], prompts=prompts)), SETTINGS, 1)
        for prompts in (7, 8)
    )
    assert present(present(few.damaged).win_rate).low is None
    assert not present(few.damaged).recognised
    assert present(enough.damaged).recognised


def test_a_judge_that_tells_equal_models_apart_is_suspicious() -> None:
    found = analyse_controls(ControlTables(aa=design([coin(1.0), coin(0.5)], prompts=20)), SETTINGS, 1)
    judges = present(found.aa).by_judge
    assert judges["j00"].suspicious
    assert not judges["j01"].suspicious
    assert judges["j00"].p_adjusted == pytest.approx(2 * present(judges["j00"].win_rate).p_value)


def test_controls_without_a_usable_verdict() -> None:
    broken = design([coin(0.9)], prompts=6, score=np.full(12, np.nan))
    found = analyse_controls(ControlTables(aa=broken, damaged=broken), SETTINGS, 1)
    assert not present(found.damaged).recognised
    assert damaged_low(found) is None
