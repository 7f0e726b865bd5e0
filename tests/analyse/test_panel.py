"""The agreement report of a panel."""

from __future__ import annotations

import numpy as np
import pytest

from brie.analyse.panel import agreement, consistency
from brie.analyse.ratings import ratings
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.records.agreement import coefficients
from tests.analyse.tables import coin, design, names, ties
from tests.present import present


def study(table: VerdictTable) -> Study:
    return Study(table.canonical(), Settings(resamples=999), 3)


def original() -> VerdictTable:
    """57 rows of 25 prompts judged by two: the cross table of the original project."""
    prompt = np.repeat(np.arange(25), [6, 6, 6] + [2] * 17 + [1] * 5)
    gpt, gemini = np.ones(57), np.ones(57)
    rows = {5: (1.0, 0.0), 8: (1.0, 0.0), 15: (0.5, 1.0), 18: (0.5, 1.0), 19: (0.5, 1.0)}
    for code, (one, other) in rows.items():
        row = int(np.flatnonzero(prompt == code)[0])
        gpt[row], gemini[row] = one, other
    row = int(np.flatnonzero(prompt == 8)[1])
    gpt[row] = gemini[row] = 0.0
    return VerdictTable.build(
        prompts=names("p", 25), judges=["gemini", "gpt"], prompt=np.tile(prompt, 2),
        judge=np.repeat([1, 0], 57), score=np.concatenate([gpt, gemini]),
        position=np.random.default_rng(0).choice([-1, 1], 114), both_orders=False,
    )  # fmt: skip


def test_the_two_judges_of_the_original_project() -> None:
    found = agreement(study(original()))
    assert found is not None
    assert found.unit == "row"
    (pair,) = found.pairs
    assert pair.judges == ("gemini", "gpt")
    assert (pair.n, pair.prompts) == (57, 25)
    both = coefficients(pair)
    values = {n: round(present(both[n]).value, 2) for n in ("percent", "kappa", "alpha", "ac1")}
    assert values == {"percent": 0.91, "kappa": 0.26, "alpha": 0.26, "ac1": 0.91}
    kappa = present(pair.kappa)
    assert present(kappa.low) <= 0 <= present(kappa.high)
    assert pair.marginals["gpt"] == pytest.approx({"loss": 1 / 57, "tie": 3 / 57, "win": 53 / 57})
    assert sum(map(sum, pair.confusion)) == 57


def test_judges_that_say_the_same_agree_perfectly() -> None:
    base = design([coin(0.6)], prompts=40)
    scores = np.tile(base.score, 1)
    table = design([coin(0.6), coin(0.6)], prompts=40)
    twin = table.score.copy()
    for judge in (0, 1):
        twin[table.judge == judge] = scores
    found = agreement(study(design([coin(0.6), coin(0.6)], prompts=40, score=twin)))
    assert found is not None
    (pair,) = found.pairs
    both = coefficients(pair)
    assert all(present(both[n]).value == pytest.approx(1) for n in ("percent", "kappa", "alpha", "ac1"))
    assert present(found.panel).unanimous == 1.0
    assert found.disagreements == ()
    assert present(present(found.panel).precision_gain).value == pytest.approx(1)


def test_judges_with_independent_noise_narrow_the_interval() -> None:
    found = agreement(study(design([coin(0.6)] * 3, prompts=200)))
    assert found is not None
    gain = present(present(found.panel).precision_gain)
    assert gain.value == pytest.approx(3, abs=0.6)
    assert present(gain.low) < gain.value < present(gain.high)
    assert present(found.panel).effective_judges is None
    assert len(found.pairs) == 3
    assert set(found.by_category) == {"c0", "c1", "c2"}


def test_for_two_judges_the_panel_says_what_the_pair_says() -> None:
    found = agreement(study(design([coin(0.7), coin(0.6)], prompts=60)))
    assert found is not None
    (pair,) = found.pairs
    whole, both = coefficients(present(found.panel)), coefficients(pair)
    for name in ("percent", "kappa", "alpha", "alpha_ordinal", "ac1"):
        panel, judges = present(whole[name]), present(both[name])
        assert panel.value == pytest.approx(judges.value, abs=1e-12)
        assert panel.low == pytest.approx(judges.low, abs=1e-12)


def test_base_rates_have_intervals() -> None:
    found = agreement(study(design([coin(0.8), coin(0.5)], prompts=80)))
    assert found is not None
    (pair,) = found.pairs
    for judge in pair.judges:
        for outcome, share in pair.marginals[judge].items():
            low, high = pair.marginal_intervals[judge][outcome]
            assert low <= share <= high
    assert sum(present(found.panel).marginals.values()) == pytest.approx(1)


def test_the_number_of_judges_behind_the_votes_is_not_identified_without_people() -> None:
    panel = study(design([coin(0.6)] * 3, prompts=20))
    agreement(panel)
    assert panel.notes["effective_judges"] == "needs human labels"


def test_constant_judges_get_a_reason_instead_of_kappa() -> None:
    panel = study(design([ties, ties], prompts=20))
    found = agreement(panel)
    assert found is not None
    (pair,) = found.pairs
    assert present(pair.percent).value == 1.0
    assert pair.kappa is None
    assert "0/0" in panel.notes["agreement.pairs.j00.j01.kappa"]
    assert present(found.panel).precision_gain is None


def test_one_judge_has_nobody_to_agree_with() -> None:
    panel = study(design([coin(0.5)]))
    assert agreement(panel) is None
    assert "one judge" in panel.notes["agreement"]


def test_few_prompts_get_a_reason_instead_of_numbers() -> None:
    panel = study(design([coin(0.5), coin(0.5)], prompts=4))
    found = agreement(panel)
    assert found is not None
    assert found.pairs[0].percent is None
    assert "too few prompts" in panel.notes["agreement.pairs.j00.j01.percent"]


def test_the_most_disputed_comparisons_come_first() -> None:
    table = design([coin(1.0), coin(1.0)], prompts=10)
    scores = table.score.copy()
    scores[(table.judge == 1) & (table.prompt == 7)] = 0.0
    scores[(table.judge == 1) & (table.prompt == 3)] = 0.5
    found = agreement(study(design([coin(1.0), coin(1.0)], prompts=10, score=scores)))
    assert found is not None
    assert [entry.prompt for entry in found.disagreements] == ["p07", "p03"]
    assert found.disagreements[0].scores == {"j00": 1.0, "j01": 0.0}


def test_both_orders_are_one_item_and_rows_can_be_asked_for() -> None:
    panel = study(design([coin(0.5), coin(0.5)], prompts=12, samples=2))
    assert len(ratings(panel.cells).score) == 24
    assert len(ratings(panel.cells, "row").score) == 48


def test_a_judge_asked_again() -> None:
    table = VerdictTable.build(
        prompts=names("p", 10), judges=["j"], prompt=np.tile(np.arange(10), 2),
        judge=np.zeros(20, int), score=np.concatenate([np.ones(10), np.ones(8), np.zeros(2)]),
        position=np.ones(20, int), label=np.ones(20, int), repeat=np.repeat([0, 1], 10),
        both_orders=False,
    )  # fmt: skip
    found = consistency(study(table))["j"]
    assert found.n == 10
    assert present(found.same).value == pytest.approx(0.8)
    assert consistency(study(design([coin(0.5)]))) == {}
