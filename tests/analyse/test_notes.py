"""A reason stands in the notes where something cannot be said, and nowhere else."""

from __future__ import annotations

from tests.analyse.tables import coin, design
from tests.analyse.test_assemble import run


def test_too_few_prompts_have_a_reason_but_sources_do_not_repeat_it() -> None:
    notes = run(design([coin(0.6)], prompts=5)).notes
    assert "5" in notes["win_rate.low"]
    assert not [path for path in notes if path.startswith("by_source.") and path.endswith(".low")]


def test_one_judge_has_nobody_to_leave_out_and_two_have() -> None:
    assert "ranges.judges" in run(design([coin(0.6)], prompts=12)).notes
    assert "ranges.judges" not in run(design([coin(0.6), coin(0.7)], prompts=12)).notes
