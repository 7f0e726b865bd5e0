"""`brie data`: what is printed, and what a bad file gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from brie.cli.data import command
from brie.errors import BrieError
from brie.project import packaged
from tests.data.rows import row, write


def brie(*arguments: object) -> Result:
    """Run the verb in this process."""
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [row(f"Question {i // 2}?", f"Answer {i}.", source="ab"[i // 4 % 2]) for i in range(12)]
    return write(tmp_path / "my.jsonl", rows)


def test_check_prints_counts_tables_and_lengths(file: Path) -> None:
    done = brie("check", file, "--size", "tiny")
    assert done.exit_code == 0, done.output
    assert "12 rows, 6 distinct prompts" in done.output
    assert "6 prompts have several answers" in done.output
    assert "source: a 8 (67 %), b 4 (33 %)" in done.output
    assert "tokens a row (tiny)" in done.output


def test_check_lists_every_bad_line_and_fails(file: Path) -> None:
    with file.open("a") as handle:
        handle.write('{"text": "x"}\nnonsense\n')
    done = brie("check", file)
    assert isinstance(done.exception, BrieError)
    assert "ERROR line 13" in done.output
    assert "ERROR line 14" in done.output
    assert "2 rows cannot be trained on (line 13" in str(done.exception)


def test_check_of_an_empty_file_says_what_is_expected(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert "empty.jsonl: holds no rows" in str(brie("check", empty).exception)


def test_check_spells_out_control_characters(tmp_path: Path) -> None:
    path = write(tmp_path / "my.jsonl", [row("Why?", category="a\x1b[31mb"), row("How?")])
    done = brie("check", path)
    assert "\x1b" not in done.output
    assert "\\x1b[31mb" in done.output


def test_check_folds_at_eighty_columns(tmp_path: Path) -> None:
    rows = [row(f"Question {i}?", category=f"category-{i}") for i in range(30)]
    lines = brie("check", write(tmp_path / "my.jsonl", rows)).output.splitlines()[1:]
    assert max(map(len, lines)) <= 80


def test_rows_without_a_source_are_not_split_by_source(tmp_path: Path) -> None:
    path = write(tmp_path / "my.jsonl", [row(f"Question {i}?") for i in range(4)])
    assert 'no row says its "source"' in str(brie("split", path, "--by", "source").exception)


def test_check_finds_a_leak(file: Path, tmp_path: Path) -> None:
    val = write(tmp_path / "val.jsonl", [row("question 3? "), row("Something else entirely?")])
    assert (
        "LEAK: 1 validation prompts are trained on (lines 1=7)"
        in brie("check", file, "--val", val).output
    )


def test_check_as_json_is_json(file: Path) -> None:
    assert json.loads(brie("check", file, "--json").output)["rows"] == 12


def test_preview_marks_what_is_learned(file: Path) -> None:
    done = brie("preview", file, "--rows", 1)
    assert "[[Answer 0.<|im_end|>]]" in done.output
    assert "Question 0?" in done.output
    assert "[[Question" not in done.output


def test_preview_spells_out_control_characters(tmp_path: Path) -> None:
    path = write(tmp_path / "my.jsonl", [row("a\x1b[31mb?", "c\x07")])
    assert "\x1b" not in brie("preview", path).output


def test_split_writes_two_files_that_share_no_prompt(file: Path) -> None:
    done = brie("split", file, "--share", 0.3)
    assert done.exit_code == 0, done.output
    halves = [file.with_name(f"my.{half}.jsonl") for half in ("train", "val")]
    asked = [
        {json.loads(line)["messages"][0]["content"] for line in half.read_text().splitlines()}
        for half in halves
    ]
    assert not asked[0] & asked[1]
    assert "brie train" in done.output


def test_a_source_can_be_held_out(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "t.jsonl", tmp_path / "v.jsonl"
    assert brie("split", file, "--hold-out-source", "b", "--out", *out).exit_code == 0
    assert len(out[1].read_text().splitlines()) == 4
    again = brie("split", file, "--hold-out-source", "c", "--out", *out)
    assert "unknown source 'c'" in str(again.exception)


def test_overlap_needs_two_things(file: Path) -> None:
    assert "two files" in str(brie("overlap", file).exception)
    done = brie("overlap", file, "--suite", "demo")
    assert done.exit_code == 0, done.output
    assert "0 stand exactly" in done.output
    assert "unknown suite" in str(brie("overlap", file, "--suite", "demmo").exception)


def test_a_length_alone_asks_whose_tokens_are_meant(file: Path) -> None:
    done = brie("check", file, "--max-length", 64)
    assert isinstance(done.exception, BrieError)
    assert "--max-length needs a tokenizer to count with: --size NAME" in str(done.exception)


def test_a_preview_with_a_base_is_cut_where_that_bases_recipe_cuts(tmp_path: Path) -> None:
    file = write(tmp_path / "long.jsonl", [row("a?", "word " * 900)])
    base = packaged("models", "tiny")
    assert "cut off" in brie("preview", file).output
    assert "cut off" not in brie("preview", file, "--base", base).output


def test_a_source_inside_another_key_splits_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "my.jsonl", [row(f"{n}?", meta={"source": "ab"[n % 2]}) for n in range(8)])
    done = brie("split", file, "--hold-out-source", "b", "--map", "source=meta.source")
    assert done.exit_code == 0, done.output
    assert "my.val.jsonl  4 rows" in done.output


def test_convert_says_what_it_read_and_names_a_command_that_works(tmp_path: Path) -> None:
    path, out = tmp_path / "alpaca.json", tmp_path / "mine.jsonl"
    path.write_text(json.dumps([{"instruction": "Name it.", "input": "a lemon", "output": "yellow"}]))
    done = brie("convert", path, out)
    assert done.exit_code == 0
    said = " ".join(done.output.split())
    assert "read as Alpaca: instruction + input -> user, output -> assistant; 1 row" in said
    assert f"next brie data check {out}" in said
    assert "every row can be trained on" in brie("check", out).output
    assert "exists" in str(brie("convert", path, out).exception)
    assert "call it mine.jsonl" in str(brie("convert", path, tmp_path / "mine.csv").exception)


def test_the_command_after_a_split_takes_the_mapping_along(tmp_path: Path) -> None:
    rows = [{"ask": f"{n}?", "say": "So."} for n in range(10)]
    path = write(tmp_path / "my.jsonl", rows)
    done = brie("split", path, "--map", "prompt=ask", "--map", "completion=say")
    assert "--map prompt=ask --map completion=say" in done.output


def test_a_file_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [row()])
    wrong = str(brie("check", tmp_path / "tran.jsonl").exception)
    assert f"brie data check {tmp_path / 'train.jsonl'}" in wrong
    nothing = str(brie("check", tmp_path / "empty" / "tran.jsonl").exception)
    assert "there is no such file" in nothing
