"""Judges held against people's votes: figures worked out by hand, and a truth that is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from bench.judged_by_people import Setting, covered
from brie.analyse.arrays import Floats
from brie.analyse.by_people import MeasuredAgreement, Voted, agreement_with_people
from brie.analyse.sensitivity import effective_judges
from brie.analyse.shared_errors import shared_errors, worth_in_judges
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.analyse.worth import Worth, gain, worth
from tests.present import present

WIN, TIE, LOSS = 1.0, 0.5, 0.0
Said = dict[str, Sequence[float | None]]
TWELVE: Said = {
    #         1    2    3    4    5     6     7     8    9    10   11   12
    "judge": [WIN, WIN, WIN, WIN, WIN, LOSS, LOSS, LOSS, LOSS, WIN, TIE, LOSS],
    "Ann":   [WIN, WIN, WIN, WIN, LOSS, LOSS, LOSS, LOSS, LOSS, LOSS, TIE, WIN],
    "Bo":    [WIN, WIN, WIN, LOSS, WIN, LOSS, LOSS, LOSS, WIN, WIN, TIE, WIN],
}  # fmt: skip


def voted(said: Said, people: Sequence[str] = ("Ann", "Bo")) -> Voted:
    names = sorted(said)
    rows = [
        (prompt, names.index(name), score)
        for name in names
        for prompt, score in enumerate(said[name])
        if score is not None
    ]
    prompt, judge, score = (list(column) for column in zip(*rows, strict=True))
    table = VerdictTable.build(
        prompts=[f"p{k:03}" for k in range(len(said[names[0]]))], judges=names, prompt=prompt,
        judge=judge, score=score, both_orders=False,
    )  # fmt: skip
    return Voted.of(Study(table.canonical(), Settings(resamples=999), 3), set(people))


def measured(said: Said) -> MeasuredAgreement:
    return agreement_with_people(voted(said), "x")


def test_two_people_have_cohens_kappa() -> None:
    found = present(measured(TWELVE).people)
    ann, bo = ([2 * x for x in present(TWELVE[name])] for name in ("Ann", "Bo"))  # type: ignore[operator]
    assert present(found.kappa).value == pytest.approx(cohen_kappa_score(ann, bo))
    assert present(found.percent).value == pytest.approx(8 / 12)
    assert found.n == 12


def test_a_judges_kappa_is_the_mean_agreement_over_the_mean_chance() -> None:
    """Judge and Ann agree on 9 of 12, judge and Bo on 9: o = 9/12. The judge says win 6, tie 1, loss 5
    times; of 24 votes 12 are wins, 2 ties, 10 losses: e = (6*12 + 1*2 + 5*10) / (12*24) = 124/288."""
    found = measured(TWELVE).judges["judge"]
    assert present(found.percent).value == pytest.approx(9 / 12)
    assert present(found.kappa).value == pytest.approx((9 / 12 - 124 / 288) / (1 - 124 / 288))


def test_alpha_of_a_judge_with_people_pools_both_base_rates() -> None:
    """Observed disagreement 3/12. Pooled over both: win 12, tie 2, loss 10 of 24 halves: expected
    disagreement (24^2 - 12^2 - 2^2 - 10^2) / (24 * 23) = 328/552."""
    found = measured(TWELVE).judges["judge"]
    assert present(found.alpha).value == pytest.approx(1 - (3 / 12) / (328 / 552))


def test_the_difference_is_of_the_same_prompts_and_holds_its_value() -> None:
    found = measured(TWELVE)
    gap = present(found.less_people["judge"]["kappa"])
    people, judge = present(found.people), found.judges["judge"]
    assert gap.value == pytest.approx(present(judge.kappa).value - present(people.kappa).value)
    assert present(gap.low) <= gap.value <= present(gap.high)


def test_votes_share_a_comparison_whoever_is_missing() -> None:
    """On the second comparison one person voted: each comparison weighs one half."""
    said: Said = {"judge": [WIN, WIN] * 6, "Ann": [WIN, LOSS] * 6, "Bo": [LOSS, None] * 6}
    found = measured(said)
    assert present(found.judges["judge"].percent).value == pytest.approx(0.25)
    assert found.judges["judge"].kappa is None
    assert present(found.people).n == 6


def test_one_vote_a_prompt_leaves_people_unmeasured() -> None:
    said: Said = {"judge": TWELVE["judge"], "Ann": TWELVE["Ann"], "Bo": list(repeat(None, 12))}
    found = measured(said)
    assert found.people is None
    assert found.less_people == {}
    assert present(found.judges["judge"].percent).value == pytest.approx(9 / 12)


def test_a_majority_of_people_or_a_tie() -> None:
    said: Said = {"judge": [WIN] * 8, "A": [WIN] * 8, "B": [WIN, LOSS] * 4, "C": [LOSS, TIE] * 4}
    assert voted(said, ("A", "B", "C")).majority.tolist() == [2, 1] * 4


def test_shared_errors_are_counted_within_what_is_true() -> None:
    """Where win is true (6): right 1 1 1 1 0 0 and 1 1 1 0 1 0; where loss is (4): 1 1 0 0, 1 0 1 0.
    Products around the means: 3 - 16/6 + 1 - 1 = 1/3; squares: 4 - 16/6 + 2 - 1 = 7/3 for both."""
    truth = np.array([2] * 6 + [0] * 4)
    right = np.array([[1, 1], [1, 1], [1, 1], [1, 0], [0, 1], [0, 0], [1, 1], [1, 0], [0, 1], [0, 0]])
    said = np.where(right == 1, truth[:, None], 2 - truth[:, None]).astype(np.float64)
    base = voted({"judge": [WIN] * 10, "Ann": [WIN] * 10, "Bo": [WIN] * 10}).study.bootstrap
    found = present(shared_errors(said, truth, np.arange(10), base))
    assert found.values.tolist() == pytest.approx([1 / 7])
    assert worth_in_judges(2, found.values).tolist() == pytest.approx([2 / (1 + 1 / 7)])
    assert effective_judges(said, truth) == pytest.approx(2 / (1 + 1 / 7))


def test_judges_that_err_apart_are_no_more_than_they_are() -> None:
    assert worth_in_judges(3, np.array([-0.4, 0.0, 0.5, 1.0])).tolist() == [3.0, 3.0, 1.5, 1.0]


Y = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0], dtype=np.float64)
F = np.array([1, 1, 1, 1, 1, 0, 1, 0, 0, 0], dtype=np.float64)
REST = np.array([1] * 21 + [0] * 9, dtype=np.float64)


def valued(judged: Floats, others: Floats) -> Worth:
    rng = np.random.default_rng(0)
    return worth(Y, judged[:, None], others[:, None], rng=rng, resamples=499)


def test_a_corrected_rate_is_rogan_and_gladens() -> None:
    """Sensitivity 5/6, specificity 3/4, apparent 27/40: (27/40 - 1/4) / (5/6 + 3/4 - 1) = 51/70."""
    assert float(valued(F, REST).corrected.values[0]) == pytest.approx(51 / 70)


def test_what_a_judge_saves_is_rho_squared_of_the_prompts_without_votes() -> None:
    """rho = (5/10 - 6/10 * 6/10) / (6/10 * 4/10) = 7/12; n / (n + m) = 3/4."""
    found = valued(F, REST)
    assert float(found.correlation.values[0]) == pytest.approx(7 / 12)
    assert float(found.narrows.values[0]) == pytest.approx((7 / 12) ** 2 * 3 / 4)


def test_a_judge_against_people_saves_nothing_and_has_no_corrected_rate() -> None:
    found = valued(1 - Y, 1 - REST)
    assert float(found.narrows.values[0]) == 0
    assert np.isnan(found.corrected.values[0])


def test_what_a_judge_adds_is_what_the_panel_saves_more_with_it() -> None:
    """The mean of a judge and its opposite says nothing; without the opposite it is the judge alone."""
    panel, rest = np.stack([1 - F, F], axis=1), np.stack([1 - REST, REST], axis=1)
    alone = float(valued(F, REST).narrows.values[0])
    worse, draws = gain(Y, panel, rest, rng=np.random.default_rng(0), resamples=99)
    assert worse == pytest.approx(-alone)
    assert len(draws) == 99


def test_with_a_vote_on_every_prompt_there_is_nothing_left_to_save() -> None:
    found = valued(F, np.empty(0))
    assert float(found.narrows.values[0]) == 0
    assert float(found.corrected.values[0]) == pytest.approx(Y.mean())


def test_intervals_cover_what_is_true() -> None:
    rows = list(covered(Setting(0.7, 60, 2, 3, 0.6, 0.5), 40, seed=5))
    assert {row["quantity"] for row in rows} >= {"judge kappa", "difference kappa", "corrected"}
    assert min(float(row["coverage"]) for row in rows) >= 0.85
