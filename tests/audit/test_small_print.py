"""What an audit says in passing: defaults of a format, reasons, and what it has no lengths of."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.audit import read_files
from brie.errors import UsageError
from tests.audit.test_audit import alpaca, arena, audited, legacy, mt_bench, said, write
from tests.present import present

NO_LENGTHS = "the lengths of the answers are not known"


def test_a_row_that_names_no_category_belongs_to_all(tmp_path: Path) -> None:
    analysis = audited(write(tmp_path / "f.jsonl", [legacy(n) for n in range(9)]))
    assert list(analysis.by_category) == ["all"]


def test_an_empty_judgment_is_an_error_and_no_unreadable_verdict(tmp_path: Path) -> None:
    rows = [*(legacy(n) for n in range(9)), {**legacy(9), "judgment": None}, legacy(10, judgment="")]
    counts = audited(write(tmp_path / "f.jsonl", rows)).counts
    assert (counts.ok, counts.error, counts.invalid) == (9, 2, 0)


def test_files_of_different_formats_are_listed_with_what_each_is(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", [alpaca(n) for n in range(3)])
    two = write(tmp_path / "two.jsonl", [legacy(n) for n in range(3)])
    with pytest.raises(UsageError) as refused:
        read_files([one, two])
    assert "(one.jsonl: alpaca_eval, two.jsonl: brie_legacy)" in str(refused.value)


def test_lengths_are_known_where_the_file_has_the_answers(tmp_path: Path) -> None:
    rows = [alpaca(n, output_2="long " * (n + 2), preference=1 + n % 2) for n in range(20)]
    without = [mt_bench(n) for n in range(20)]
    with_texts = audited(write(tmp_path / "a.jsonl", rows))
    assert with_texts.notes.get("length_controlled") != NO_LENGTHS
    for make in (without, [arena(n) for n in range(20)]):
        analysis = audited(write(tmp_path / "b.jsonl", make))
        assert analysis.length_controlled is None
        assert analysis.notes["length_controlled"] == NO_LENGTHS


def test_a_letter_that_is_always_one_side_says_what_would_undo_the_result(tmp_path: Path) -> None:
    rows = [legacy(n) for n in range(60)]
    why = present(said(audited(write(tmp_path / "f.jsonl", rows))).confound).why
    assert why.endswith(" of comparisons would undo the result")
