"""The first lines of a result: read in five seconds, and never more than may be said."""

from __future__ import annotations

import pytest

from brie.number_format import points
from brie.records import Check
from brie.records.standing import Reason, Standing
from brie.report.opening import opening
from brie.report.panel import roll
from tests.report.test_sentence import MODELS, RULE, found, win_rate

PAIRS = {"win": 80, "tie": 4, "loss": 8, "identical": 8}


def test_the_verdict_its_rate_and_one_line() -> None:
    analysis = found("better", win_rate(0.86, 0.79, 0.91), outcomes=PAIRS, checks=())
    top = opening(analysis, RULE)
    assert top.names == "qwen-0.5b-letters, step 290 against Qwen2.5-0.5B-Instruct, suite in_domain"
    assert top.title == "Better: 86 of 100, ties half (80 won, 12 tied, 8 lost)"
    assert top.line == (
        "likely 79 to 91 · 40 prompts · judged by a rule (`reference`), no model and no person · stands"
    )
    assert len(top.title.split()) <= 12


def test_counts_of_a_hundred_always_sum_to_a_hundred() -> None:
    for win in range(0, 300, 7):
        outcomes = {"win": win, "tie": 299 - win, "loss": 34, "identical": None}
        rate = (win + (299 - win) / 2) / 333
        title = opening(found("undecided", win_rate(rate, 0.0, 1.0), outcomes=outcomes), MODELS).title
        shares = [int(part.split()[0]) for part in title.split("(")[1].split(", ")]
        assert sum(shares) == 100
        assert abs(shares[0] + shares[1] / 2 - 100 * rate) <= 1, title


def test_counts_that_would_contradict_the_rate_are_given_as_counts() -> None:
    """Prompts weigh the same, whatever the number of verdicts on each."""
    top = opening(found("better", win_rate(0.71, 0.6, 0.8), outcomes=PAIRS), MODELS)
    assert top.rate == "71 of 100, ties half (80 won, 12 tied, 8 lost of 100 verdicts)"


@pytest.mark.parametrize(("state", "word"), [("withheld", "Better? No: "), ("conditional", "Better ")])
def test_what_does_not_stand_comes_before_any_number(state: str, word: str) -> None:
    reasons = (
        Reason(cause="contamination", text="all 36 prompts were trained on"),
        Reason(cause="controls", text="the judges preferred damaged answers"),
    )
    standing = Standing(state=state, reasons=reasons)
    top = opening(found("better", win_rate(0.99, 0.9, 1.0), standing=standing), MODELS)
    assert top.title == f"{word}all 36 prompts were trained on"
    assert top.line.startswith("99 of 100, ties half")
    assert {"withheld": "does not stand", "conditional": "conditional"}[state] in top.line
    assert top.remarks == ("Besides: the judges preferred damaged answers.",)


def test_warnings_and_failures_are_counted() -> None:
    statuses = ("warn", "warn", "fail", "pass", "not_run")
    checks = tuple(Check(id=f"c{n}", status=s, summary="s") for n, s in enumerate(statuses))
    top = opening(found("better", win_rate(0.71, 0.62, 0.79), checks=checks), MODELS)
    assert top.line.endswith("stands, 1 check fails, 2 warnings")
    undecided = opening(found("undecided", win_rate(0.5, 0.4, 0.6), checks=checks), MODELS)
    assert undecided.line.endswith("· 1 check fails, 2 warnings")


def test_a_partial_result_says_so_far_of_how_many() -> None:
    top = opening(found(None, win_rate(0.9, 0.8, 0.95, prompts=12), interim=True), MODELS)
    assert top.title.startswith("INTERIM: so far 90 of 100")
    assert "12 of 40 prompts" in top.line


def test_a_person_who_voted_is_not_denied() -> None:
    judges = {
        "reference": {"provider": "rules"},
        "longer": {"provider": "rules", "instrument": True},
        "human:ann": {"provider": "human", "added": True},
    }
    analysis = found("better", win_rate(0.71, 0.62, 0.79), by_judge=judges)
    line = opening(analysis, RULE).line
    assert "no person" not in line
    assert "1 person voted beside it" in line
    assert roll(analysis) == "1 rule, 1 instrument, 1 voter"


def test_nothing_judged_and_one_prompt_are_said() -> None:
    nothing = opening(found(None, None, notes={"win_rate": "no prompt is complete"}), MODELS)
    assert (nothing.title, nothing.line) == ("There is no win rate", "no prompt is complete")
    one = opening(found("undecided", win_rate(0.8, None, None, prompts=1)), MODELS)
    assert "no interval: 1 prompt is too few" in one.line


def test_an_even_rate_is_printed_as_everywhere() -> None:
    top = opening(found("better", win_rate(0.503, 0.501, 0.51)), MODELS)
    assert f"{points(0.503)} of 100" in top.rate
    assert points(0.503) != "50"
