"""Rows that share one outcome: counted once, half without each other, and told apart where shown."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.cells import cells, prompt_means
from brie.analyse.joint import JointRows
from brie.analyse.study import Study
from brie.analyse.table import StatusCode, VerdictTable
from brie.analyse.win_rate import Settings
from brie.studies.merge import merge

PROMPTS = 12


def numbers() -> VerdictTable:
    """A judge of letters that says A always: won by the candidate in all prompts but the last, of which
    the second presentation has no number."""
    rows = 2 * PROMPTS
    further = np.tile([False, True], PROMPTS)
    half = np.zeros(rows, np.bool_)
    half[-2] = True
    status = np.zeros(rows, np.int64)
    status[-1] = StatusCode.INVALID
    score = np.ones(rows)
    score[-2] = 0.5
    alone = np.where(further, 0.0, 1.0)
    alone[-1] = np.nan
    return VerdictTable.build(
        prompts=[f"p{n}" for n in range(PROMPTS)], judges=["letters"],
        prompt=np.repeat(np.arange(PROMPTS), 2), judge=np.zeros(rows, np.int64), score=score,
        both_orders=True, position=np.tile([1, -1], PROMPTS), label=np.tile([1, -1], PROMPTS),
        status=status, joint=JointRows(np.ones(rows, np.bool_), half, further, alone),
    )  # fmt: skip


def test_a_comparison_is_counted_once_and_every_verdict_by_its_status() -> None:
    table = numbers()
    outcomes = table.outcomes()
    assert (outcomes.win, outcomes.tie, outcomes.loss) == (PROMPTS - 1, 0, 0)
    counts = table.status_counts()
    assert (counts["ok"], counts["invalid"]) == (2 * PROMPTS - 1, 1)


def test_one_presentation_alone_is_half_and_may_have_been_lost_or_won_altogether() -> None:
    table = numbers()
    found = cells(table)
    assert found.half.sum() == 1
    assert len(prompt_means(found)) == PROMPTS - 1
    rate = Study(table.canonical(), Settings(), 0).rate("win_rate")
    assert rate is not None
    assert rate.value == 1.0
    assert rate.bounds == pytest.approx(((PROMPTS - 1) / PROMPTS, 1.0))


def test_what_is_shown_of_presentations_is_what_each_says_alone() -> None:
    shown = numbers().as_shown()
    assert shown.joint is None
    assert shown.score[:4].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_several_evaluations_as_one_keep_what_belongs_together() -> None:
    plain = VerdictTable.build(
        prompts=["p0"], judges=["words"], prompt=[0, 0], judge=[0, 0], score=[1.0, 0.0],
        both_orders=True, position=[1, -1], label=[1, -1],
    )  # fmt: skip
    merged = merge([numbers(), plain])
    assert merged.joint is not None
    assert merged.usable.sum() == 2 * (PROMPTS - 1) + 2
    assert merged.outcomes().win == PROMPTS
    assert merged.outcomes().loss == 1
    assert merge([plain, plain]).joint is None
