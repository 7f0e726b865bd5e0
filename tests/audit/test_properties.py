"""What must not change a number: who stood where, in which order rows and files are read, names."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from brie.audit import read_files
from brie.audit.assess import assess
from brie.records.analysis import Analysis
from tests.audit.test_audit import said, write

Rows = list[dict[str, Any]]
ORDERS = {"A_first": "B_first", "B_first": "A_first"}
EXCHANGED = {"model_a": "model_b", "model_b": "model_a", "tie": "tie", "skip": "skip"}
FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def judged(seed: int, models: tuple[str, ...] = ("ours", "theirs"), prompts: int = 14) -> Rows:
    """Two judges, answers, an order each, and a verdict that leans to the first of the models."""
    draw, rows = Random(seed), []
    for n in range(prompts):
        for at, one in enumerate(models):
            for other in models[at + 1 :]:
                for judge in ("x", "y"):
                    a, b = (one, other) if draw.random() < 0.5 else (other, one)
                    lean = 0.65 if a == one else 0.25
                    u = draw.random()
                    winner = (
                        "skip"
                        if u < 0.04
                        else "tie"
                        if u < 0.1
                        else "model_a"
                        if u < lean
                        else "model_b"
                    )
                    rows.append(
                        {"prompt": f"Question {n}", "model_a": a, "model_b": b, "winner": winner,
                         "response_a": f"{a} says {n}.", "response_b": f"{b} says {n}.",
                         "order": draw.choice(list(ORDERS)), "judge": judge, "category": f"c{n % 2}"}
                    )  # fmt: skip
    return rows


def exchanged(row: dict[str, Any]) -> dict[str, Any]:
    """The same verdict, written with the two models exchanged."""
    return {
        **row,
        "model_a": row["model_b"], "model_b": row["model_a"],
        "response_a": row["response_b"], "response_b": row["response_a"],
        "winner": EXCHANGED[row["winner"]], "order": ORDERS[row["order"]],
    }  # fmt: skip


def numbers(*files: Path, **options: Any) -> dict[str, Any]:
    """Everything a document says but when it was made and what it was read from."""
    analysis = assess(read_files(list(files)), name="f", **options)
    document: dict[str, Any] = json.loads(analysis.to_json())
    audit = document["audit"]
    for key in ("first_skipped", "unread", "reason", "findings"):
        del audit[key]
    return {key: value for key, value in document.items() if key not in ("created", "id")}


@pytest.mark.parametrize("models", [("ours", "theirs"), ("ours", "theirs", "third")])
@given(seed=st.integers(0, 10**6), chosen=st.randoms(use_true_random=False))
@FEW
def test_exchanging_the_models_in_any_rows_changes_no_number(
    models: tuple[str, ...], tmp_path: Path, seed: int, chosen: Random
) -> None:
    rows = judged(seed, models)
    again = [exchanged(row) if chosen.random() < 0.5 else row for row in rows]
    one, two = write(tmp_path / "one.jsonl", rows), write(tmp_path / "two.jsonl", again)
    assert numbers(one) == numbers(two)


@pytest.mark.parametrize("models", [("ours", "theirs"), ("ours", "theirs", "third")])
@given(seed=st.integers(0, 10**6), shuffle=st.randoms(use_true_random=False))
@FEW
def test_shuffling_rows_and_files_changes_no_number(
    models: tuple[str, ...], tmp_path: Path, seed: int, shuffle: Random
) -> None:
    rows = judged(seed, models)
    whole = numbers(write(tmp_path / "whole.jsonl", rows))
    shuffle.shuffle(rows)
    cut = shuffle.randrange(len(rows) // 4, 3 * len(rows) // 4)
    parts = [write(tmp_path / "b.jsonl", rows[:cut]), write(tmp_path / "a.jsonl", rows[cut:])]
    assert numbers(*parts) == whole


def by_judge(analysis: Analysis, judge: str) -> dict[str, Any]:
    """A judge's own numbers without the counts of what is missing."""
    document: dict[str, Any] = analysis.by_judge[judge].model_dump(mode="json")
    return document


@given(seed=st.integers(0, 10**6), dropped=st.randoms(use_true_random=False))
@FEW
def test_dropping_rows_of_a_judge_moves_its_own_numbers_and_the_counts(
    tmp_path: Path, seed: int, dropped: Random
) -> None:
    rows = judged(seed)
    left = [row for row in rows if row["judge"] == "x" or dropped.random() < 0.7]
    whole, part = (
        assess(read_files([write(tmp_path / f"{n}.jsonl", some)]), name="f")
        for n, some in enumerate((rows, left))
    )
    assert by_judge(part, "x") == by_judge(whole, "x")
    assert part.counts.missing == len(rows) - len(left)
    assert part.counts.verdicts == whole.counts.verdicts


@given(seed=st.integers(0, 10**6))
@FEW
def test_renaming_the_models_changes_their_names_and_their_order(tmp_path: Path, seed: int) -> None:
    rows = judged(seed)
    names = {"ours": "zebra", "theirs": "aardvark"}
    renamed = [
        {**row, "model_a": names[row["model_a"]], "model_b": names[row["model_b"]]} for row in rows
    ]
    path, other = write(tmp_path / "a.jsonl", rows), write(tmp_path / "b.jsonl", renamed)
    before, after = numbers(path, candidate="ours"), numbers(other, candidate="zebra")
    assert after["win_rate"] == before["win_rate"]
    assert after["by_judge"] == before["by_judge"]
    by_name = assess(read_files([other]), name="f")
    assert by_name.candidate.name == "aardvark"
    assert by_name.win_rate is not None
    assert by_name.win_rate.value == pytest.approx(1 - before["win_rate"]["value"])


def test_a_judge_that_lacks_rows_is_no_judge_that_disagrees(tmp_path: Path) -> None:
    """Two judges who say the same; one has judged every other comparison, in another order."""
    rows = [
        {"prompt": f"q{n}", "candidate": f"x {n}", "baseline": f"y {n}", "judge": judge,
         "winner": "candidate" if n % 3 else "baseline"}
        for judge in ("one", "two") for n in range(24)
        if judge == "one" or n % 2
    ]  # fmt: skip
    analysis = assess(read_files([write(tmp_path / "f.jsonl", rows[::-1])]), name="f")
    assert analysis.agreement is not None
    (pair,) = analysis.agreement.pairs
    assert pair.n == 12
    assert pair.percent is not None
    assert pair.percent.value == 1.0
    assert analysis.counts.missing == 12
    assert said(analysis).crowd is False


def test_raters_who_share_the_work_lack_nothing(tmp_path: Path) -> None:
    rows = [{"prompt": f"q{n}", "winner": "candidate", "judge": f"rater {n % 5}"} for n in range(40)]
    analysis = assess(read_files([write(tmp_path / "f.jsonl", rows)]), name="f")
    assert said(analysis).crowd is True
    assert analysis.counts.missing == 0


def test_rows_of_both_orders_are_one_comparison_and_one_of_one_order_is_half(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"q{n}", "winner": winner, "order": order}
        for n in range(20)
        for order, winner in (
            ("candidate", "candidate"),
            ("baseline", "candidate" if n % 2 else "baseline"),
        )
        if n < 18 or order == "candidate"
    ]
    analysis = assess(read_files([write(tmp_path / "f.jsonl", rows)]), name="f")
    assert analysis.position is not None
    assert analysis.position.flip_rate == 0.5
    assert analysis.counts.half == analysis.counts.missing == 2
    assert analysis.win_rate is not None
    assert (analysis.win_rate.prompts, analysis.win_rate.value) == (18, 0.75)
    assert analysis.counts.comparisons == 20
