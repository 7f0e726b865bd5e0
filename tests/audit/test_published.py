"""Whole files in the formats other tools publish, and what must come out of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brie.audit import read_files
from brie.audit.assess import assess
from tests.audit import published
from tests.audit.published import LOST_BY_ONE, LOST_BY_TWO, PROMPTS
from tests.audit.test_audit import audited, said, unidentified
from tests.present import present


def test_an_alpaca_eval_file_gives_the_number_its_own_tool_prints(tmp_path: Path) -> None:
    path = tmp_path / "my-model.annotations.json"
    preferences = np.array(published.alpaca_eval(path))
    analysis = audited(path)
    facts = said(analysis)
    assert facts.format == "alpaca_eval"
    assert facts.row_mean == pytest.approx(preferences.mean() - 1)
    assert facts.row_standard_error == pytest.approx(preferences.std(ddof=1) / 40**0.5)
    assert set(analysis.by_category) == {"helpful_base", "koala", "oasst"}
    assert list(analysis.by_judge) == ["weighted_alpaca_eval_judge"]
    assert unidentified(analysis, "position")
    assert unidentified(analysis, "label")


@pytest.mark.parametrize("old", [False, True])
def test_an_arena_hard_file_of_either_version_counts_each_question_once(
    tmp_path: Path, old: bool
) -> None:
    path = tmp_path / "my-model.jsonl"
    published.arena_hard(path, old=old)
    analysis = audited(path)
    assert said(analysis).format == "arena_hard"
    assert analysis.win_rate is not None
    assert analysis.win_rate.prompts == 12
    assert analysis.win_rate.value == pytest.approx((9 + 3 * 0.5) / 12)
    assert (analysis.outcomes.win, analysis.outcomes.tie, analysis.outcomes.loss) == (18, 6, 0)
    assert list(analysis.by_judge) == ["a-judge"]


def test_an_mt_bench_file_counts_a_turn_whose_both_games_were_judged(tmp_path: Path) -> None:
    """Where the second game failed, the first one says nothing; both turns are of one prompt."""
    path = tmp_path / "a-judge_pair.jsonl"
    published.mt_bench(path)
    analysis = audited(path, candidate="my-model")
    facts = said(analysis)
    assert (facts.format, facts.rows, facts.prompts) == ("mt_bench", 40, 10)
    assert (analysis.counts.error, analysis.counts.half) == (4, 4)
    assert analysis.win_rate is not None
    assert analysis.win_rate.prompts == 8
    assert analysis.win_rate.value == pytest.approx((1 + 0.5 + 0 + 0.5) / 4)
    assert list(analysis.by_judge) == ["a-judge"]
    assert list(analysis.by_category) == ["all"]
    assert list(analysis.by_sample) == ["0", "1"]


def test_votes_of_people_on_mt_bench_are_a_judge_each(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    published.mt_bench_votes(path)
    analysis = audited(path, candidate="my-model")
    assert list(analysis.by_judge) == ["expert_1", "expert_2"]
    assert analysis.win_rate is not None
    assert analysis.win_rate.value == pytest.approx((6 + 3 * 0.5) / 12)
    assert unidentified(analysis, "position")
    assert analysis.agreement is not None
    assert present(present(analysis.agreement).pairs[0].percent).value == 1.0


def gwet(one: list[bool], two: list[bool]) -> float:
    """AC1 of two raters and two categories (Gwet 2008, equation 8)."""
    n = len(one)
    agreed = sum(a == b for a, b in zip(one, two, strict=True)) / n
    share = (sum(one) + sum(two)) / (2 * n)
    chance = 2 * share * (1 - share)
    return (agreed - chance) / (1 - chance)


def test_the_original_scripts_files_of_two_judges_are_read_from_their_text(tmp_path: Path) -> None:
    """Rates, counts and agreement are those of the planted winners, by other packages."""
    krippendorff = pytest.importorskip("krippendorff")
    metrics = pytest.importorskip("sklearn.metrics")
    analysis = assess(read_files(published.brie_legacy(tmp_path)), name="two judges")
    facts, rows = said(analysis), 2 * PROMPTS
    assert (facts.rows, facts.pairs, facts.prompts) == (2 * rows, rows, PROMPTS)
    assert facts.cut_pairs == 0, "four endings on one side of 48 may be chance"
    assert (facts.restated, facts.contradictions) == (2 * rows, rows)
    rates = {name: present(own.win_rate).value for name, own in analysis.by_judge.items()}
    assert rates == {
        "judge-one": pytest.approx(1 - len(LOST_BY_ONE) / rows),
        "judge-two": pytest.approx(1 - len(LOST_BY_TWO) / rows),
    }
    assert present(analysis.standing).reasons[0].cause == "blinding"
    assert present(facts.confound).letter == "B"
    assert unidentified(analysis, "label")
    assert analysis.agreement is not None
    (pair,) = present(analysis.agreement).pairs
    one, two = ([n not in lost for n in range(rows)] for lost in (LOST_BY_ONE, LOST_BY_TWO))
    assert pair.n == rows
    assert present(pair.percent).value == pytest.approx(45 / 48)
    assert present(pair.kappa).value == pytest.approx(metrics.cohen_kappa_score(one, two))
    alpha = krippendorff.alpha(np.array([one, two], float), level_of_measurement="nominal")
    assert present(pair.alpha).value == pytest.approx(alpha)
    assert present(pair.ac1).value == pytest.approx(gwet(one, two))
