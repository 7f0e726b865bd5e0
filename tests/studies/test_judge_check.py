"""A judge's card: what it got right, what sways it, and how sure that is, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from statsmodels.stats.proportion import proportion_confint

from brie.analyse.bootstrap import PLUS_ONE
from brie.blinding import Choice, Presentation, presentations
from brie.digest import digest
from brie.errors import InputError
from brie.evaluation.known_pairs import Pair, PairVerdict, read_pairs
from brie.evaluation.plan import panel_judge
from brie.project import Project
from brie.records import JudgeSpec, Provider, Rubric, Status, Usage, Verdict
from brie.records.studies import JudgeCard
from brie.studies.judge_check import card, document, share

RUBRIC = Rubric(name="general", text="Correctness first.")
SEAT = panel_judge(JudgeSpec(id="j", provider=Provider.OPENAI, model="m"), RUBRIC)

Says = Callable[[Pair, Presentation], Choice | None]
"""The letter a judge gives; None where it gives none."""


def pair(name: str, family: str, better: Literal[0, 1] | None) -> Pair:
    return Pair(
        id=name, family=family, category="c", prompt=f"{name}?", answers=(f"{name} a", f"{name} b"),
        better=better, ground="so it is", source="made",
    )  # fmt: skip


PAIRS = (
    pair("r1", "reasoning", 0), pair("r2", "reasoning", 1), pair("r3", "reasoning", 0),
    pair("i1", "injection", 0), pair("i2", "injection", 1), pair("i3", "injection", None),
    pair("t1", "ties", None),
)  # fmt: skip


def heard(says: Says, pairs: tuple[Pair, ...] = PAIRS) -> list[PairVerdict]:
    """Both presentations of every pair, letters crossed in both ways by turns."""
    rows = []
    for number, one in enumerate(pairs):
        keys = [digest(text) for text in one.answers]
        for shown in presentations(
            str(number % 2), positions="both", prompt=digest(one.prompt), candidate=keys[0],
            baseline=keys[1],
        ):  # fmt: skip
            letter = says(one, shown)
            verdict = Verdict(
                key=digest(["key", one.id, shown.order]), judge=SEAT.digest, rubric=RUBRIC.digest(),
                presentation=shown.digest(), status=Status.OK if letter else Status.INVALID,
                letter=letter, served="m-1", usage=Usage(usd=0.01, seconds=2.0),
            )  # fmt: skip
            rows.append(PairVerdict(one, shown, verdict))
    return rows


def knows(one: Pair, shown: Presentation) -> Choice:
    """The better answer; a tie where neither is."""
    if one.better is None:
        return "tie"
    return shown.letter_of("candidate" if one.better == 0 else "baseline")


def first(one: Pair, shown: Presentation) -> Choice:
    """The answer shown first."""
    return shown.first_letter


def value(of: JudgeCard, name: str) -> float | None:
    estimate = getattr(of, name)
    return None if estimate is None else estimate.value


def test_a_judge_that_knows_is_right_everywhere_and_leans_nowhere() -> None:
    found = card(SEAT, heard(knows))
    assert (found.judge, found.provider, found.model, found.digest) == ("j", "openai", "m", SEAT.digest)
    assert (found.rubric, found.served) == ("general", ("m-1",))
    assert (found.pairs, found.verdicts, found.usable) == (7, 14, 14)
    assert found.status == {"ok": 14, "invalid": 0, "refused": 0, "error": 0}
    assert [value(found, name) for name in ("accuracy", "position", "label", "flips", "injection")] == [
        1.0, 0.0, 0.0, 0.0, 0.0,
    ]  # fmt: skip
    assert {name: e.value for name, e in found.by_family.items() if e} == {
        "injection": 1.0, "reasoning": 1.0, "ties": 1.0,
    }  # fmt: skip
    assert found.usd == pytest.approx(0.14)
    assert found.usd_per_1000 == pytest.approx(10.0)
    assert found.seconds == pytest.approx(2.0)
    assert found.accuracy is not None
    assert (found.accuracy.n, found.accuracy.level, found.accuracy.method) == (5, 0.95, "wilson")


def test_a_judge_that_takes_the_first_leans_by_place_and_changes_its_mind() -> None:
    found = card(SEAT, heard(first))
    assert [value(found, name) for name in ("accuracy", "position", "label", "flips", "injection")] == [
        0.5, 1.0, pytest.approx(1 / 7), 1.0, 0.5,
    ]  # fmt: skip
    assert found.by_family["ties"] is not None
    assert found.by_family["ties"].value == 0.0
    position = found.position
    assert position is not None
    assert (position.n, position.level, position.method) == (7, 0.95, PLUS_ONE)
    assert position.high == 1.0
    assert position.low is not None
    assert 0.0 < position.low < 1.0


def test_the_letter_a_is_told_from_the_first_place() -> None:
    found = card(SEAT, heard(lambda one, shown: "A"))
    assert (value(found, "label"), value(found, "flips")) == (1.0, 1.0)
    assert value(found, "position") == pytest.approx(1 / 7)
    assert card(SEAT, heard(lambda one, shown: "B")).label.value == -1.0  # type: ignore[union-attr]


def test_a_judge_that_does_what_answers_ask_for_is_talked_into_every_vote() -> None:
    def obeys(one: Pair, shown: Presentation) -> Choice:
        if one.family != "injection" or one.better is None:
            return knows(one, shown)
        return shown.letter_of("candidate" if one.better == 1 else "baseline")

    found = card(SEAT, heard(obeys))
    assert value(found, "injection") == 1.0
    assert value(found, "accuracy") == pytest.approx(3 / 5)
    assert found.injection is not None
    assert found.injection.n == 2


def test_ties_count_half_where_there_is_a_better_answer() -> None:
    found = card(SEAT, heard(lambda one, shown: "tie"))
    assert [value(found, name) for name in ("accuracy", "position", "label", "flips", "injection")] == [
        0.5, 0.0, 0.0, 0.0, 0.0,
    ]  # fmt: skip


def test_what_gave_no_verdict_is_counted_and_says_nothing() -> None:
    found = card(SEAT, heard(lambda one, shown: None if one.id == "r1" else knows(one, shown)))
    assert (found.pairs, found.verdicts, found.usable) == (7, 14, 12)
    assert found.status == {"ok": 12, "invalid": 2, "refused": 0, "error": 0}
    assert found.accuracy is not None
    assert found.accuracy.n == 4
    one_order = heard(lambda one, shown: None if shown.order == "baseline_first" else knows(one, shown))
    assert card(SEAT, one_order).flips is None
    missing = [PairVerdict(row.pair, row.presentation, None) for row in heard(knows)]
    silent = card(SEAT, missing)
    assert (silent.usable, silent.usd, silent.usd_per_1000, silent.seconds) == (0, 0, 0, 0)
    assert silent.status == {"ok": 0, "invalid": 0, "refused": 0, "error": 0}
    assert [value(silent, name) for name in ("accuracy", "position", "label", "flips", "injection")] == [
        None,
    ] * 5  # fmt: skip
    assert (silent.served, card(panel_judge(SEAT.judge, None), missing).rubric) == ((), None)


@pytest.mark.parametrize("right", [[1, 1, 1, 0], [0, 0, 0], [1, 1], [1, 0, 0, 0, 0, 1, 1]])
def test_an_interval_is_the_one_of_wilson(right: list[float]) -> None:
    found = share(right, [str(n) for n in range(len(right))])
    low, high = proportion_confint(sum(right), len(right), alpha=0.05, method="wilson")
    assert found is not None
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.value == pytest.approx(sum(right) / len(right))
    assert found.n == len(right)


def test_a_pair_asked_twice_is_one_pair() -> None:
    found = share([1.0, 0.0, 1.0, 1.0], ["a", "a", "b", "b"])
    assert found is not None
    assert (found.value, found.n) == (0.75, 2)
    assert share([], []) is None


def test_a_document_says_which_pairs_were_shown(tmp_path: Path) -> None:
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "judge_check.jsonl").write_text(
        "".join(one.model_dump_json() + "\n" for one in PAIRS)
    )
    project = Project(tmp_path)
    assert tuple(read_pairs(project)) == PAIRS
    made = document([card(SEAT, heard(knows))], project)
    assert made.pairs.count == 7
    assert made.pairs.digest == digest([one.model_dump() for one in PAIRS])
    assert [one.judge for one in made.cards] == ["j"]


def test_pairs_that_brie_ships_are_shown_where_a_project_has_none(tmp_path: Path) -> None:
    shipped = read_pairs(Project(tmp_path))
    assert {one.family for one in shipped} >= {"reasoning", "injection", "padding"}
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "judge_check.jsonl").write_text("")
    with pytest.raises(InputError, match="has no pairs"):
        read_pairs(Project(tmp_path))
