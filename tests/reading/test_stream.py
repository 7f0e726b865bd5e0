"""Files of any size and kind come as numbered rows; what is broken is skipped with its reason."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from brie.audit import read_files
from brie.audit.vocabulary import number
from brie.cli.audit import command
from brie.errors import BrieError, InputError
from brie.reading.skipped import Skipped
from brie.reading.stream import Value, values


def rows(path: Path, content: str) -> list[Value]:
    path.write_text(content, encoding="utf-8")
    return list(values(path))


def test_lines_keep_their_numbers_over_blank_ones(tmp_path: Path) -> None:
    assert rows(tmp_path / "f.jsonl", '{"a": 1}\n\n{"a": 2}\n') == [(1, {"a": 1}), (3, {"a": 2})]


def test_rows_of_a_table_are_numbered_under_its_line_of_names(tmp_path: Path) -> None:
    assert rows(tmp_path / "f.csv", "a,b\n1,x\n2,y\n") == [
        (2, {"a": "1", "b": "x"}),
        (3, {"a": "2", "b": "y"}),
    ]


@pytest.mark.parametrize("spaces", ["", " ", "\n  "])
def test_elements_of_an_array_are_numbered(tmp_path: Path, spaces: str) -> None:
    content = f"{spaces}[{spaces}1{spaces},{spaces}[2]{spaces},{spaces}null{spaces}]"
    assert rows(tmp_path / "f.json", content) == [(1, 1), (2, [2]), (3, None)]


def test_an_array_larger_than_what_is_read_at_once_is_whole(tmp_path: Path) -> None:
    elements = [{"n": n, "text": "é]}," * 50_000} for n in range(20)]
    numbered = rows(tmp_path / "f.json", json.dumps(elements, ensure_ascii=False))
    assert numbered == list(enumerate(elements, 1))


def test_a_key_that_stands_twice_spoils_its_own_row_alone(tmp_path: Path) -> None:
    good, bad = '{"a": 1}', '{"b": {"c": 1, "c": 2}}'
    twice = Skipped(2, "the key 'c' stands twice")
    expected = [(1, {"a": 1}), twice, (3, {"a": 1})]
    assert rows(tmp_path / "f.json", f"[{good}, {bad}, {good}]") == expected
    assert rows(tmp_path / "f.jsonl", f"{good}\n{bad}\n{good}\n") == expected


def test_gzip_is_known_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"a": 1}\n'))
    assert list(values(path)) == [(1, {"a": 1})]


def test_parquet_is_read_row_by_row(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "f.parquet"
    parquet.write_table(arrow.Table.from_pylist([{"a": 1}, {"a": 2}]), path)
    assert list(values(path)) == [(1, {"a": 1}), (2, {"a": 2})]
    path.write_bytes(b"PAR1 not at all")
    with pytest.raises(InputError, match="is not a Parquet file"):
        list(values(path))


TABLE = [("prompt", "winner", "share"), ("Well, what of it?", "candidate", "0,5"), ("x", "tie", "1")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_spreadsheets_dialect_is_found(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / ("f.tsv" if delimiter == "\t" else "f.csv")
    with path.open("w", encoding=encoding, newline="") as handle:
        csv.writer(handle, delimiter=delimiter).writerows(TABLE)
    names = TABLE[0]
    expected = [(n, dict(zip(names, row, strict=True))) for n, row in enumerate(TABLE[1:], 2)]
    assert list(values(path)) == expected


def test_a_declared_delimiter_and_empty_ends_of_lines_are_read(tmp_path: Path) -> None:
    assert rows(tmp_path / "f.csv", "sep=;\na;b;\n1;x;;\n2\n\n") == [
        (2, {"a": "1", "b": "x"}),
        (3, {"a": "2", "b": None}),
    ]


def test_a_line_with_more_cells_than_names_is_skipped_and_counted(tmp_path: Path) -> None:
    assert rows(tmp_path / "f.csv", 'a,b\n1,x\n2,y,z\n"3, or so",w\n') == [
        (2, {"a": "1", "b": "x"}),
        Skipped(3, "has 3 cells under 2 names"),
        (4, {"a": "3, or so", "b": "w"}),
    ]


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the column 'a' stands twice"):
        rows(tmp_path / "f.csv", "a,b,a\n1,2,3\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [("0,5", 0.5), (" 1 ", 1.0), ("1,000.5", None), ("nan", None), ("inf", None), ("", None)],
)
def test_a_number_may_have_excels_comma(text: str, value: float | None) -> None:
    assert number(text) == value


def test_objects_over_many_lines_are_rows(tmp_path: Path) -> None:
    text = json.dumps({"a": 1}, indent=1) + "\n" + json.dumps({"a": 2}, indent=1)
    assert rows(tmp_path / "f.jsonl", text) == [(1, {"a": 1}), (2, {"a": 2})]


def test_a_key_that_stands_twice_in_a_list_inside_costs_its_row(tmp_path: Path) -> None:
    text = '{"info": {"b": 1},\n "rows": [{"a": 1}, {"a": 1, "a": 2}, {"a": 3}]}'
    assert rows(tmp_path / "f.json", text) == [
        (1, {"a": 1}),
        Skipped(2, "the key 'a' stands twice"),
        (3, {"a": 3}),
    ]


def test_two_lists_of_one_length_are_asked_about(tmp_path: Path) -> None:
    text = json.dumps({"one": [{"a": 1}], "two": {"three": [{"b": 1}]}}, indent=1)
    with pytest.raises(InputError, match=r"`one`, `two\.three`"):
        rows(tmp_path / "f.json", text)


DEEP = 20_000
HOSTILE: dict[str, bytes] = {
    "nested deeply": b"[" * DEEP,
    "nested deeply in a row": b'{"a": ' * DEEP,
    "an object without an end": b'{"prompt": "x", "winner": [1, 2, ',
    "numbers that are none": b'{"prompt": NaN, "winner": Infinity}\n' * 3,
    "wrong types": json.dumps(
        [{"prompt": {"a": [1]}, "winner": {"b": None}, "judge": [[]]}] * 3
    ).encode(),
    "a very long number": b'{"prompt": "x", "winner": ' + b"9" * 10_000 + b"}",
    "nothing": b"",
    "spaces": b" \n \n",
    "a lone bracket": b"[",
    "zeros": b"\x00" * 100,
    "a zip that is none": b"PK\x03\x04not a zip",
    "a table of names only": b"prompt,winner\n",
    "a quote without an end": b'prompt,winner\n"x,candidate\n',
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("suffix", ["json", "csv", "jsonl.gz"])
def test_a_hostile_file_gets_one_sentence(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"f.{suffix}"
    content = HOSTILE[kind]
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    done = CliRunner().invoke(command, [str(path), "--json"])
    assert isinstance(done.exception, BrieError), done.exception
    assert done.exception.exit_code == 2
    assert "\n" not in str(done.exception)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.jsonl"
    os.mkfifo(fifo)
    for path, words in (
        (fifo, "no regular file"),
        (tmp_path, "is a folder"),
        (tmp_path / "x", "no file"),
    ):
        done = CliRunner().invoke(command, [str(path)])
        assert words in str(done.exception)


@pytest.mark.slow
def test_a_row_longer_than_any_judgment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as handle:
        handle.write(b'{"prompt": "')
        for _ in range(300):
            handle.write(b"x" * (1 << 20))
    with pytest.raises(InputError, match="is longer than 256 million characters"):
        read_files([path])


@pytest.mark.parametrize(
    "whole",
    [
        {"ask": ["a", "b"], "say": ["c", "d"]},
        {"ask": {"0": "a", "1": "b"}, "say": {"0": "c", "1": "d"}},
    ],
)
def test_an_object_of_columns_is_its_rows(tmp_path: Path, whole: dict[str, object]) -> None:
    read = rows(tmp_path / "d.json", json.dumps(whole))
    assert read == [(1, {"ask": "a", "say": "c"}), (2, {"ask": "b", "say": "d"})]


def test_columns_of_unlike_length_are_no_rows(tmp_path: Path) -> None:
    assert len(rows(tmp_path / "d.json", json.dumps({"ask": ["a", "b"], "say": ["c"]}))) == 1
