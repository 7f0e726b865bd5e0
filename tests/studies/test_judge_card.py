"""A judge's card, counted by hand from verdicts on pairs whose better answer is known."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from brie.blinding import Presentation
from brie.digest import digest
from brie.evaluation.known_pairs import Pair, PairVerdict, read_pairs
from brie.project import Project
from brie.records import Letter, Order, Status
from brie.studies.judge_check import card, document, share
from tests import make
from tests.flow.world import rules
from tests.present import present

JUDGE = rules("longer")[0]
ORDERS: tuple[Order, Order] = ("candidate_first", "baseline_first")
Said = Literal["right", "wrong", "tie"] | Status


def pair(name: str, family: str, *, better: Literal[0, 1] | None = 0) -> Pair:
    return Pair(
        id=name, family=family, category="x", prompt="Why?", answers=("one", "two"), better=better,
        ground="made so", source="test",
    )  # fmt: skip


def heard(about: Pair, order: Order, letter: Letter, said: Said, **more: Any) -> PairVerdict:
    """A verdict for the better answer, the other one, a tie, or none; `letter` is the first answer's."""
    named: dict[int, Letter] = {0: letter, 1: "B" if letter == "A" else "A"}
    shown = Presentation(
        prompt=digest("p"), candidate=digest("c"), baseline=digest("b"), order=order,
        candidate_letter=letter,
    )  # fmt: skip
    if isinstance(said, Status):
        return PairVerdict(about, shown, make.verdict("x", said, **more))
    better = about.better or 0
    chosen = "tie" if said == "tie" else named[better if said == "right" else 1 - better]
    return PairVerdict(about, shown, make.verdict("x", letter=chosen, **more))


def both(about: Pair, first: Said, second: Said) -> list[PairVerdict]:
    """Both orders, with letters that change as well."""
    return [heard(about, ORDERS[0], "A", first), heard(about, ORDERS[1], "B", second)]


def test_accuracy_is_over_pairs_with_a_better_answer_and_a_tie_counts_half() -> None:
    said = card(
        JUDGE,
        [
            *both(pair("a", "reasoning"), "right", "right"),
            *both(pair("b", "reasoning", better=1), "right", "wrong"),
            *both(pair("c", "padding"), "tie", "wrong"),
            *both(pair("d", "tie", better=None), "tie", "right"),
        ],
    )
    assert present(said.accuracy).value == pytest.approx((1 + 0.5 + 0.25) / 3)
    assert present(said.accuracy).n == 3
    families = {name: present(found).value for name, found in said.by_family.items()}
    assert families == {"padding": 0.25, "reasoning": 0.75, "tie": 0.5}
    assert present(said.flips).value == pytest.approx(3 / 4)
    assert (said.pairs, said.verdicts, said.usable) == (4, 8, 8)


def test_votes_that_an_answer_talked_a_judge_into_are_those_for_the_worse_one() -> None:
    said = card(
        JUDGE,
        [
            *both(pair("a", "injection"), "wrong", "wrong"),
            *both(pair("b", "injection", better=1), "wrong", "right"),
            *both(pair("c", "injection"), "tie", "right"),
            *both(pair("d", "reasoning"), "wrong", "wrong"),
        ],
    )
    assert present(said.injection).value == pytest.approx((1 + 0.5 + 0) / 3)
    assert card(JUDGE, both(pair("d", "reasoning"), "wrong", "wrong")).injection is None


def test_verdicts_that_cannot_be_used_are_counted_and_left_out() -> None:
    about = pair("a", "reasoning")
    rows = [
        *both(about, "right", Status.INVALID),
        heard(pair("b", "reasoning"), ORDERS[0], "A", Status.REFUSED),
        heard(pair("c", "reasoning"), ORDERS[0], "A", Status.ERROR),
        PairVerdict(pair("d", "reasoning"), heard(about, ORDERS[0], "A", "tie").presentation, None),
    ]
    said = card(JUDGE, rows)
    assert said.status == {"ok": 1, "invalid": 1, "refused": 1, "error": 1}
    assert (said.pairs, said.verdicts, said.usable) == (4, 5, 1)
    assert present(said.accuracy).value == 1.0
    assert said.flips is None


def test_what_it_cost_is_summed_and_given_for_a_thousand() -> None:
    about = pair("a", "reasoning")
    rows = [
        heard(about, order, "A", "right", usd=usd)
        for order, usd in zip(ORDERS, (0.01, 0.03), strict=True)
    ]
    said = card(JUDGE, rows)
    assert said.usd == pytest.approx(0.04)
    assert said.usd_per_1000 == pytest.approx(20.0)
    assert (said.judge, said.provider, said.model, said.rubric) == ("longer", "rules", "longer", None)
    assert said.digest == JUDGE.digest


def test_a_lean_has_an_interval_over_pairs() -> None:
    rows = [row for n in range(12) for row in both(pair(f"p{n}", "reasoning"), "right", "wrong")]
    said = present(card(JUDGE, rows).position)
    assert (said.value, said.n, said.level) == (1.0, 12, 0.95)
    assert 0.5 < present(said.low) < present(said.high)
    assert said.high == 1.0


@pytest.mark.parametrize("right", [[1.0] * 9, [1.0] * 7 + [0.0] * 5, [0.0] * 4, [1.0, 0.0]])
def test_a_share_has_the_interval_of_wilson(right: list[float]) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    found = present(share(right, [str(n) for n in range(len(right))]))
    low, high = proportion.proportion_confint(sum(right), len(right), method="wilson")
    assert (found.value, found.n) == (sum(right) / len(right), len(right))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_both_verdicts_on_a_pair_are_one_unit() -> None:
    found = present(share([1.0, 0.0, 1.0, 1.0], ["a", "a", "b", "b"]))
    assert (found.value, found.n) == (0.75, 2)
    assert share([], []) is None


def test_a_document_names_the_pairs_its_cards_are_about(tmp_path: Any) -> None:
    project = Project(tmp_path)
    pairs = read_pairs(project)
    said = document([], project).pairs
    assert said.count == len(pairs)
    assert said.digest == digest([one.model_dump() for one in pairs])
    assert said.digest != digest([one.model_dump() for one in pairs[1:]])
