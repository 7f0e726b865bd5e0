"""`brie gate`: met, not met, and what the data cannot say."""

from __future__ import annotations

import pytest

from brie.checks.standing import CAUSES
from brie.ci.gate import Require, gate
from brie.records.analysis import Analysis, VerdictWord
from brie.records.estimates import ControlNumbers, ControlResults
from tests.report.sample import analysis


def found(verdict: VerdictWord | None, ninety: tuple[float, float] | None, **more: object) -> Analysis:
    whole = analysis()
    assert whole.win_rate is not None
    rate = whole.win_rate.model_copy(update={"interval_90": ninety})
    recognised = ControlResults(damaged=ControlNumbers(win_rate=rate, by_judge={}, recognised=True))
    fields = {"verdict": verdict, "win_rate": rate, "interim": False, "controls": recognised, **more}
    return whole.model_copy(update=fields)


@pytest.mark.parametrize(
    ("verdict", "ninety", "require", "met"),
    [
        ("better", (0.55, 0.7), "better", True),
        ("worse", (0.3, 0.4), "better", False),
        ("equivalent", (0.46, 0.54), "better", False),
        ("undecided", (0.48, 0.6), "better", None),
        ("undecided", (0.451, 0.6), "not-worse", True),
        ("undecided", (0.45, 0.6), "not-worse", None),
        ("worse", (0.46, 0.49), "not-worse", True),
        ("undecided", (0.449, 0.6), "not-worse", None),
        ("worse", (0.3, 0.44), "not-worse", False),
        (None, (0.6, 0.8), "not-worse", False),
        (None, (0.6, 0.8), "better", False),
    ],
)
def test_a_requirement_is_met_refuted_or_open(
    verdict: VerdictWord | None, ninety: tuple[float, float], require: Require, met: bool | None
) -> None:
    assert gate(found(verdict, ninety), require).met is met


def test_the_margin_is_the_users() -> None:
    assert gate(found("undecided", (0.44, 0.6)), "not-worse", margin=0.07).met is True
    assert gate(found("undecided", (0.44, 0.6)), "not-worse", margin=0.0).met is None


@pytest.mark.parametrize(
    ("bounds", "margin", "met"),
    [
        ((0.47, 0.6), 0.05, True),
        ((0.44, 0.6), 0.05, None),
        ((0.5, 0.6), 0.0, None),
        ((0.4, 0.5), 0.0, None),
    ],
)
def test_the_one_sided_bound_must_agree_with_the_interval(
    bounds: tuple[float, float], margin: float, met: bool | None
) -> None:
    whole = found("undecided", (0.48, 0.58) if bounds[1] > 0.5 else (0.42, 0.49))
    assert whole.win_rate is not None
    rate = whole.win_rate.model_copy(update={"one_sided": bounds})
    answer = gate(whole.model_copy(update={"win_rate": rate}), "not-worse", margin=margin)
    assert answer.met is met
    assert "one-sided bounds" in answer.sentence


def test_an_interim_report_meets_nothing() -> None:
    answer = gate(found(None, (0.6, 0.8), interim=True), "better")
    assert answer.met is None
    assert "still missing" in answer.sentence


def test_early_stopping_uses_the_interval_that_holds_at_any_time() -> None:
    whole = found("better", None)
    assert whole.win_rate is not None
    assert whole.win_rate.low is not None
    assert whole.win_rate.low > 0.45
    assert gate(whole, "not-worse").met is True


def test_a_withheld_verdict_says_why() -> None:
    answer = gate(
        found(None, (0.6, 0.8), notes={"verdict": "withheld: the pin does not hold"}), "better"
    )
    assert answer.met is False
    assert "the pin does not hold" in answer.sentence


@pytest.mark.parametrize("low", [None, 0.5, 0.3])
def test_judges_that_were_not_shown_able_to_tell_leave_not_worse_open(low: float | None) -> None:
    whole = found("undecided", (0.47, 0.6))
    seen = whole.controls.damaged
    assert seen is not None
    assert seen.win_rate is not None
    rate = seen.win_rate.model_copy(update={"low": low, "high": 0.9})
    damaged = seen.model_copy(update={"win_rate": rate}) if low is not None else None
    blind = whole.model_copy(
        update={"controls": ControlResults(damaged=damaged) if damaged else ControlResults()}
    )
    answer = gate(blind, "not-worse", allowed=CAUSES)
    assert answer.exit_code == 5
    assert "these judges were not shown able to tell" in answer.sentence
    assert gate(whole, "not-worse").exit_code == 0
