"""`brie data check`: each finding on a file made to have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.data.check import check, refuse_shared_prompts
from brie.data.check_words import sentences
from brie.data.encode import Encoder
from brie.data.load import load
from brie.data.template import choose
from brie.data.tokenizer import load_tokenizer
from brie.errors import UsageError
from brie.project import packaged
from tests.data.rows import chat_logs, row, write


def test_a_clean_file_is_ok(tmp_path: Path) -> None:
    report = check(write(tmp_path / "f.jsonl", [row("a?"), row("b?")]))
    assert report.ok
    assert (report.rows, report.prompts, report.several_answers) == (2, 2, 0)
    assert report.lengths is None
    assert report.shared is None


def test_problems_are_listed_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [row(), {"messages": []}, {"text": "x"}])
    report = check(path)
    assert not report.ok
    assert [line for line, _ in report.problems] == [2, 3]


def test_duplicates_several_answers_and_odd_texts_are_found(tmp_path: Path) -> None:
    rows = [row("Why?", "A."), row("why? ", "B."), row("Why?", "A."), row(" ", "C."), row("d?", " E")]
    report = check(write(tmp_path / "f.jsonl", rows))
    assert report.duplicates == ((3, 1),)
    assert (report.prompts, report.several_answers, report.most_answers) == (3, 1, 3)
    assert report.empty_prompts == (4,)
    assert report.leading_space == (5,)


def test_tables_of_categories_sources_and_labels(tmp_path: Path) -> None:
    rows = [
        row(f"{i}?", category="ab"[i % 2], source="s", quality="good" if i else "bad", id=f"row-{i}")
        for i in range(6)
    ]
    rows[0]["meta"] = {"topic": "x"}
    report = check(write(tmp_path / "f.jsonl", rows))
    assert report.categories == {"a": 3, "b": 3}
    assert report.sources == {"s": 6}
    assert report.labels == {"quality": {"good": 5, "bad": 1}, "meta.topic": {"x": 1}}


def test_lengths_under_a_tokenizer(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    path = write(tmp_path / "f.jsonl", [row(), row("b?", "word " * 200), row("word " * 200, "c")])
    report = check(path, encoder=Encoder(tokenizer, choose(tokenizer), 64), tokenizer="tiny")
    assert report.lengths is not None
    assert (report.lengths.cut, report.lengths.lost) == ((2,), (3,))
    assert report.lengths.over == 2
    assert report.lengths.percentiles["p50"] > 64


def test_rows_are_counted_by_length_with_what_the_limit_costs_each(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    short = [row(f"{number}?") for number in range(3)]
    rows = [*short, row("b?", "word " * 150), row("B? ", "word " * 180), row("word " * 300, "c")]
    path = write(tmp_path / "f.jsonl", rows)
    lengths = check(path, encoder=Encoder(tokenizer, choose(tokenizer), 128), tokenizer="tiny").lengths
    assert lengths is not None
    table = [(b.over, b.up_to, b.rows, b.prompts, b.cut, b.lost) for b in lengths.buckets]
    assert table[0] == (0, 128, 3, 3, 0, 0)
    assert sum(b.rows for b in lengths.buckets) == 6
    assert all(b.over * b.rows < b.tokens <= b.up_to * b.rows for b in lengths.buckets)
    longer = table[1:]
    assert [b[1] == 2 * b[0] for b in longer] == [True] * len(longer)
    assert (sum(b[4] for b in longer), sum(b[5] for b in longer)) == (2, 1)
    (both,) = [b for b in longer if b[2] == 2]
    assert both[3] == 1  # two answers to one prompt
    said = list(sentences(check(path, encoder=Encoder(tokenizer, choose(tokenizer), 128))))
    assert "up to 128 tokens: 3 rows, 3 prompts, " in said[-len(table) - 2]
    assert said[-3].endswith(", 1 to be dropped")


def test_shared_prompts_exact_and_near(tmp_path: Path) -> None:
    long = "tell me in a few words why the old kettle on the stove sings before it boils"
    train = write(tmp_path / "train.jsonl", [row("Why?"), row(long), row("Other?")])
    val = write(tmp_path / "val.jsonl", [row("WHY? "), row(long + " over"), row("New?")])
    shared = check(train, val=val).shared
    assert shared is not None
    assert shared.exact == ((1, 1),)
    assert [(a, b) for a, b, _ in shared.near] == [(2, 2)]


def test_training_refuses_a_validation_file_with_trained_prompts(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", [row("Why?"), row("How?")])
    val = write(tmp_path / "val.jsonl", [row("New?"), row("how? ")])
    with pytest.raises(UsageError, match=r"1 of 2 validation rows .*val:2 and train:2"):
        refuse_shared_prompts(train=load(train), val=load(val), names=("train", "val"))
    refuse_shared_prompts(train=load(train), val=load(val)[:1], names=("train", "val"))


def test_a_file_of_chat_logs_is_counted_by_rows_and_prompts(tmp_path: Path) -> None:
    report = check(write(tmp_path / "val.jsonl", chat_logs()))
    assert (report.rows, report.prompts) == (60, 52)
    assert (report.several_answers, report.most_answers) == (8, 2)
    assert report.duplicates == ()
    assert report.ok
